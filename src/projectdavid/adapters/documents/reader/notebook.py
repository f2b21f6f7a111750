"""Notebooks (ipynb): their Markdown, code and text outputs."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.pages import LineCollector
from projectdavid.adapters.documents.reader.text_cleanup import clean_text
from projectdavid.adapters.documents.reader.web import add_page
from projectdavid.engine.documents import Document

_IS_NOTEBOOK: Final = re.compile(r'"(?:nbformat|cells|worksheets)"\s*:')


def read_notebook(text: str, limits: ReaderLimits) -> Document | None:
    """Read a notebook; None if the text is something else.

    Raises:
        UnreadableFile: it is too long.
    """
    if not text.lstrip().startswith("{") or not _IS_NOTEBOOK.search(text) or '"cell_type"' not in text:
        return None
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    lines = LineCollector(limits)
    language = _text(_get(_get(notebook, "metadata"), "language_info", "name"))
    for cell in _cells(notebook):
        _add_cell(lines, cell, language)
    return lines.document("notebook")


def _cells(notebook: Any) -> Iterator[Any]:
    sheets = _get(notebook, "worksheets")
    for holder in [notebook, *(sheets if isinstance(sheets, list) else [])]:
        cells = _get(holder, "cells")
        yield from cells if isinstance(cells, list) else []


def _add_cell(lines: LineCollector, cell: Any, language: str) -> None:
    source = clean_text(_text(_get(cell, "source") or _get(cell, "input"))).strip("\n")
    kind = _get(cell, "cell_type")
    if kind == "heading":
        level = _get(cell, "level")
        source = f"{'#' * (level if isinstance(level, int) and 0 < level < 7 else 1)} {source}"
    if kind == "code":
        source = f"```{language}\n{source}\n```"
    lines.add_all(source.split("\n"))
    lines.add("")
    outputs = _get(cell, "outputs")
    for output in outputs if isinstance(outputs, list) else []:
        _add_output(lines, output)


def _add_output(lines: LineCollector, output: Any) -> None:
    data = _get(output, "data")
    html = _text(_get(data, "text/html"))
    if "<table" in html:
        add_page(lines, clean_text(html))
        return
    shown = _text(_get(output, "text") or _get(data, "text/markdown") or _get(data, "text/plain"))
    if _get(output, "output_type") in ("error", "pyerr"):
        shown = f"{_text(_get(output, 'ename'))}: {_text(_get(output, 'evalue'))}"
    if shown := clean_text(shown).strip("\n"):
        lines.add_all(shown.split("\n"))
        lines.add("")


def _get(value: Any, *path: str) -> Any:
    """Return a member of nested objects; None if it is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""
