"""The files of a folder to add to a vector store."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from projectdavid.protocol.vector_answers import VectorStore

PIECE = 1 << 20


class OnFile(Protocol):
    """Called with the number of processed files, the total, and the last file."""

    def __call__(self, done: int, total: int, path: str, /) -> object:
        """Report progress."""
        ...


@dataclass(frozen=True, slots=True)
class FolderResult:
    """The result of adding a folder: paths relative to it, as in `file_path` of the vector store."""

    store: VectorStore
    """The store, after its files were ingested."""
    added: list[str]
    replaced: list[str]
    """Files whose content had changed."""
    unchanged: list[str]
    failed: dict[str, str]
    """Files that failed, with the reason."""


def files_of(folder: str | os.PathLike[str], patterns: Sequence[str]) -> list[tuple[str, Path]]:
    """Return the files below a folder that match a pattern, in order, without hidden files and links out of it.

    Raises:
        NotADirectoryError: it is not a folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise NotADirectoryError(f"{root} is not a folder")
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
    """Return the SHA-256 of a file's bytes, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()
