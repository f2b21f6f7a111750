"""Text: Markdown, CSV, JSON, code, and any other plain text."""

from dataclasses import replace
from typing import IO

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.calendars import is_calendar, unfold
from projectdavid.adapters.documents.reader.json_text import is_json, readable
from projectdavid.adapters.documents.reader.notebook import read_notebook
from projectdavid.adapters.documents.reader.text_cleanup import clean_text, decode_file
from projectdavid.adapters.documents.reader.written_tables import tables_of
from projectdavid.engine.documents import Document

KINDS = {
    **dict.fromkeys(("md", "markdown", "mdx"), "markdown"),
    **dict.fromkeys(("csv", "tsv"), "csv"),
    **dict.fromkeys(("json", "jsonl", "ndjson", "ipynb", "geojson", "har", "webmanifest"), "json"),
    **dict.fromkeys(
        [
            "py",
            "js",
            "mjs",
            "ts",
            "tsx",
            "jsx",
            "c",
            "h",
            "cc",
            "cpp",
            "hpp",
            "cs",
            "go",
            "java",
            "kt",
            "rb",
            "rs",
            "php",
            "pl",
            "lua",
            "r",
            "swift",
            "scala",
            "sh",
            "bash",
            "zsh",
            "ps1",
            "sql",
            "css",
            "scss",
            "toml",
            "yaml",
            "yml",
            "ini",
            "cfg",
            "conf",
            "xml",
            "svg",
            "tex",
            "vue",
            "dart",
            "ex",
            "exs",
            "erl",
            "hs",
            "clj",
            "jl",
            "m",
            "proto",
            "tf",
            "dockerfile",
            "makefile",
        ],
        "code",
    ),
}


def read(file: IO[bytes], name: str, limits: ReaderLimits) -> Document:
    """Read a text in any encoding: JSON with unescaped letters, notebooks by cell.

    Raises:
        UnreadableFile: it is not text, or too long.
    """
    found = decode_file(file, limits)
    text = clean_text(found.text)
    kind = KINDS.get(name.rpartition(".")[2].lower() if "." in name else "")
    if kind == "json" or (kind is None and is_json(text)):
        notebook = read_notebook(text, limits)
        if notebook is not None:
            return replace(notebook, warnings=found.warnings)
        kind, text = "json", readable(text)
    elif is_calendar(text):
        text = unfold(text)
    kind = kind or "text"
    return Document(text, kind, warnings=found.warnings, tables=tuple(tables_of(text, kind)))
