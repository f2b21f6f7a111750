"""Names of files that strangers chose: made harmless before anybody uses them."""

import unicodedata
from collections.abc import Container
from pathlib import PurePosixPath

MAX_NAME = 200
"""Bytes of a name in UTF-8: file systems take 255, and numbers are put behind names."""


def harmless(name: str) -> str:
    """The last part of a path as a file name: without control or invisible characters, not hidden, not too long."""
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
    """The name, or with a number the first that is not taken: `data.csv`, `data-2.csv`."""
    if name not in taken:
        return name
    path = PurePosixPath(name)
    number = 2
    while (numbered := f"{path.stem}-{number}{path.suffix}") in taken:
        number += 1
    return numbered


def is_private(path: str) -> bool:
    """Whether a path belongs to the programs that made it, and not to what a user asked for: hidden, or a cache."""
    return any(part.startswith(".") or part in ("__pycache__", "node_modules") for part in path.split("/"))


def shown(path: str) -> str:
    """A path as it can stand in a text: control characters are escaped, and it is no longer than a few hundred."""
    printable = "".join(
        character.encode("unicode_escape", "surrogatepass").decode()
        if unicodedata.category(character).startswith("C")
        else character
        for character in path[:300]
    )
    return printable if len(path) <= 300 else f"{printable}..."
