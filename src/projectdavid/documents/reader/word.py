"""Word documents (docx)."""

from collections.abc import Iterator
from typing import IO, Any, Final

import docx

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.pages import Lines
from projectdavid.engine.documents import Document

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_PARAGRAPH, _TABLE, _ROW, _CELL, _TEXT = (f"{_W}{name}" for name in ("p", "tbl", "tr", "tc", "t"))
_WRAPPERS: Final = {f"{_W}{name}" for name in ("sdt", "sdtContent", "customXml")}
"""What stands around paragraphs, rows or cells without being any: forms, and passages that are marked."""
_MARKS: Final = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-", _PARAGRAPH: "\n"}
"""What is text without being written as such; a paragraph within one is that of a text box."""
_SKIPPED: Final = {
    *(f"{_W}{name}" for name in ("pPr", "rPr", "del", "moveFrom")),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
"""Formats, what was taken away, and what is there a second time for older programs."""


def read(file: IO[bytes], _name: str, limits: Limits) -> Document:
    """Paragraphs and tables in order; headings as Markdown has them, a row of a table on a line.

    Raises:
        Refused: it is too long.
    """
    document = docx.Document(file)
    styles: Any = document.styles.element
    names = {style.get(f"{_W}styleId"): _value(style, "name") for style in styles.iter(f"{_W}style")}
    lines = Lines(limits)
    for line in _blocks(document.element.body, names):
        lines.add(line)
    return lines.document("docx")


def _blocks(parent: Any, styles: dict[str, str]) -> Iterator[str]:
    """The lines of what is in an element; an empty one after each paragraph and table."""
    for block in _children(parent):
        if block.tag == _PARAGRAPH:
            if line := _paragraph(block, styles):
                yield line
                yield ""
        elif block.tag == _TABLE:
            for row in _children(block):
                if row.tag == _ROW:
                    cells = (cell for cell in _children(row) if cell.tag == _CELL)
                    yield " | ".join(" ".join(" ".join(_blocks(cell, styles)).split()) for cell in cells)
            yield ""


def _children(element: Any) -> Iterator[Any]:
    """The elements in one, and those in what only stands around them."""
    for child in element:
        if child.tag in _WRAPPERS:
            yield from _children(child)
        else:
            yield child


def _paragraph(paragraph: Any, styles: dict[str, str]) -> str:
    text = "".join(_pieces(paragraph)).strip()
    properties = paragraph.find(f"{_W}pPr")
    if not text or properties is None:
        return text
    style = styles.get(_value(properties, "pStyle"), "").lower()
    if style == "title":
        return f"# {text}"
    if style.startswith("heading ") and style[8:].isdecimal():
        return f"{'#' * min(int(style[8:]), 6)} {text}"
    listed = style.startswith("list") or properties.find(f"{_W}numPr") is not None
    return f"- {text}" if listed else text


def _pieces(element: Any) -> Iterator[str]:
    for child in element:
        if child.tag == _TEXT:
            yield child.text or ""
            continue
        if child.tag in _MARKS:
            yield _MARKS[child.tag]
        if child.tag not in _SKIPPED:
            yield from _pieces(child)


def _value(element: Any, name: str) -> str:
    """What an element has as the value of one of its settings."""
    found = element.find(f"{_W}{name}")
    return "" if found is None else found.get(f"{_W}val", "")
