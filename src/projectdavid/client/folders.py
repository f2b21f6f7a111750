"""The files of a folder, as they go into a vector store."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from projectdavid.protocol.vector_answers import VectorStore

PIECE = 1 << 20


class OnFile(Protocol):
    """Told how many files are done, of how many, and which was the last."""

    def __call__(self, done: int, total: int, path: str, /) -> object:
        """Take note."""
        ...


@dataclass(frozen=True, slots=True)
class FolderResult:
    """What came of a folder: paths from there, as the store knows them by `file_path`."""

    store: VectorStore
    """The store, when its files have been read."""
    added: list[str]
    replaced: list[str]
    """They were there already, with other content."""
    unchanged: list[str]
    failed: dict[str, str]
    """Those that could not be read, and why."""


def files_of(folder: str | os.PathLike[str], patterns: Sequence[str]) -> list[tuple[str, Path]]:
    """The files below a folder whose name fits a pattern, in order; hidden ones, and links out of it, are left out.

    Raises:
        NotADirectoryError: it is no folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is no folder")
    return sorted((path.relative_to(root).as_posix(), path) for path in _walk(root, patterns))


def _walk(root: Path, patterns: Sequence[str]) -> Iterator[Path]:
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place) / name
            if name.startswith(".") or not any(path.match(pattern) for pattern in patterns):
                continue
            if path.is_file() and path.resolve().is_relative_to(root.resolve()):
                yield path


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
