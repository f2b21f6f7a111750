"""Selects and ranks the results among the files that code wrote."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from projectdavid.ports.sandbox import FileInfo

_MARKERS = frozenset({"pyvenv.cfg", "CACHEDIR.TAG", "conda-meta/history"})
"""Files that mark their folder as an environment or a cache."""
_ENVIRONMENTS = frozenset({"site-packages", "dist-packages", "bower_components"})
"""Folders that are environments or caches by name."""
_SIDE_FILES = ("-wal", "-shm", "-journal")
"""Files of SQLite beside an open database."""
_OBJECTS = frozenset({".o", ".obj", ".lo", ".la", ".gch", ".pch", ".gcno", ".gcda", ".pyc", ".pyo"})
"""Extensions of compiler intermediates."""
_FEW = 3
"""Number of such files that can still be results."""
_INTERMEDIATE = _OBJECTS | frozenset(
    (
        *(".a", ".d", ".class", ".tsbuildinfo", ".tmp", ".temp", ".swp", ".bak", ".orig", ".lock", ".pid"),
        *(".aux", ".toc", ".lof", ".lot", ".fls", ".fdb_latexmk", ".synctex.gz", ".bbl", ".blg", ".nav", ".snm"),
    )
)
"""Extensions of by-products of compilers and editors."""


def results_among(written: Iterable[FileInfo], listed: Sequence[FileInfo]) -> tuple[list[FileInfo], list[str]]:
    """Return the results among the written files, most relevant first, and a description of omitted files.

    Omitted are environments, caches, large numbers of object files, and, without mention, side files of databases.
    Ranked first are files that are not by-products, in shallow folders, with few of the same kind in their folder, and
    new; names do not matter.

    Args:
        listed: all files of the session, since some classify others.
    """
    names = {info.name for info in listed}
    marked = {folder for name in names if (folder := _marked_folder(name))}
    results: list[FileInfo] = []
    folders: dict[str, None] = {}
    for info in written:
        if folder := _environment(info.name, marked):
            folders[folder] = None
        elif not any(info.name.endswith(end) and info.name.removesuffix(end) in names for end in _SIDE_FILES):
            results.append(info)
    others = [info for info in results if PurePosixPath(info.name).suffix.lower() not in _OBJECTS]
    if (objects := len(results) - len(others)) > _FEW:
        results = others
        folders[f"{objects} object files"] = None
    crowds = Counter(_kind(info.name) for info in results)

    def rank(info: FileInfo) -> tuple[bool, int, int, int]:
        path = PurePosixPath(info.name)
        by_product = path.suffix.lower() in _INTERMEDIATE or info.name.endswith("~")
        return by_product, len(path.parts), crowds[_kind(info.name)], -info.modified

    return sorted(results, key=rank), list(folders)


def _marked_folder(name: str) -> str:
    """Return the folder of a marker; empty if the file is not a marker, or marks the root."""
    found = next((marker for marker in _MARKERS if name.endswith(f"/{marker}")), None)
    return "" if found is None else name.removesuffix(f"/{found}")


def _environment(name: str, marked: set[str]) -> str:
    """Return the outermost parent folder that is an environment or a cache, if any."""
    parts = name.split("/")[:-1]
    for end, part in enumerate(parts, 1):
        folder = "/".join(parts[:end])
        if folder in marked or part in _ENVIRONMENTS:
            return folder
    return ""


def _kind(name: str) -> tuple[str, str]:
    path = PurePosixPath(name)
    return str(path.parent), path.suffix
