"""Sanitizes file names from untrusted sources."""

import unicodedata
from collections.abc import Container
from pathlib import PurePosixPath

MAX_NAME = 200
"""Bytes of a name in UTF-8: file systems allow 255, and numbers are appended to names."""


def harmless(name: str) -> str:
    """Return the last component of a path as a safe file name: visible characters only, not hidden, not too long."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join("_" if unicodedata.category(character).startswith("C") else character for character in last)
    shown = " ".join(shown.split()).strip(". ") or "file"
    if len(shown.encode()) <= MAX_NAME:
        return shown
    suffix = PurePosixPath(shown).suffix
    suffix = suffix if len(suffix.encode()) <= 16 else ""
    stem = shown.encode()[: MAX_NAME - len(suffix.encode())].decode(errors="ignore")
    return stem.rstrip(". ") + suffix


def free(name: str, taken: Container[str]) -> str:
    """Return the name, or the first free one with a number: `data.csv`, `data-2.csv`."""
    if name not in taken:
        return name
    path = PurePosixPath(name)
    number = 2
    while (numbered := f"{path.stem}-{number}{path.suffix}") in taken:
        number += 1
    return numbered


def is_private(path: str) -> bool:
    """Return True if a path is internal to a program, and not a result: hidden, or a cache."""
    return any(part.startswith(".") or part in ("__pycache__", "node_modules") for part in path.split("/"))


def printable_path(path: str) -> str:
    """Return a path for messages: control characters escaped, limited to a few hundred characters."""
    printable = "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character).startswith("C")
        else character
        for character in path[:300]
    )
    return printable if len(path) <= 300 else f"{printable}..."
