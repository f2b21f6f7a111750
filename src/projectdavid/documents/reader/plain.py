"""Text: Markdown, CSV, JSON, code, and whatever else can be read as it is."""

import os
from typing import IO

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.failures import Refused, too_long
from projectdavid.documents.reader.texts import cleaned, decoded
from projectdavid.engine.documents import Document

KINDS = {
    **dict.fromkeys(("md", "markdown", "mdx"), "markdown"),
    **dict.fromkeys(("csv", "tsv"), "csv"),
    **dict.fromkeys(("json", "jsonl", "ndjson", "ipynb", "geojson"), "json"),
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


def read(file: IO[bytes], name: str, limits: Limits) -> Document:
    """A text, in whatever encoding it is.

    Raises:
        Refused: it is none, or too long.
    """
    return Document(cleaned(text_of(file, limits)), KINDS.get(name.rpartition(".")[2].lower(), "text"))


def text_of(file: IO[bytes], limits: Limits, declared: str | None = None) -> str:
    """What a file says, which may declare its encoding.

    Raises:
        Refused: it is no text, or too long.
    """
    if os.fstat(file.fileno()).st_size > 4 * limits.text:  # no encoding has more bytes for a character
        raise too_long(limits)
    text = decoded(file.read(), declared)
    if text is None:
        raise Refused("unsupported_file", "It is no text: it looks like binary data, whatever it is called.")
    return text
