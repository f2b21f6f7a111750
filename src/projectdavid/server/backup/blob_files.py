"""The bytes of files in a backup: linked where that is possible, because a blob never changes, else copied."""

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.server.backup.layout import Report
from projectdavid.server.backup.snapshot import NamedBlob
from projectdavid.server.durable_files import copy_file, sync_folder


@dataclass
class BlobTally:
    """What was done with the blobs, and which are missing or damaged."""

    kept: int = 0
    linked: int = 0
    copied: int = 0
    size: int = 0
    missing: list[NamedBlob] = field(default_factory=list[NamedBlob])

    @property
    def count(self) -> int:
        """How many are there now."""
        return self.kept + self.linked + self.copied


class BlobCopier:
    """Brings blobs into a folder.

    Args:
        target: the folder; what it has already is kept.
        sources: folders that have blobs; each blob comes from the first that has it.
        link: whether to link blobs, if source and target are on one file system.
    """

    def __init__(self, target: Path, sources: Sequence[Path], *, link: bool) -> None:
        self._target = target
        self._sources = sources
        self._link = link

    def bring_all(self, blobs: Sequence[NamedBlob], report: Report) -> BlobTally:
        """Bring blobs, and take away others that the target has from an earlier attempt.

        Raises:
            OSError: the target cannot be written.
        """
        tally = BlobTally()
        self._target.mkdir(mode=0o700, exist_ok=True)
        for number, blob in enumerate(blobs):
            report("files", number, len(blobs))
            self._bring(blob, tally)
        report("files", len(blobs), len(blobs))
        self._prune({blob.key for blob in blobs})
        return tally

    def _bring(self, blob: NamedBlob, tally: BlobTally) -> None:
        place = find_place(self._target, blob.key)
        if has_size(place, blob.size):
            tally.kept += 1
        elif self._link and self._linked(blob, place):
            tally.linked += 1
        elif self._copied(blob, place):
            tally.copied += 1
        else:
            tally.missing.append(blob)
            return
        tally.size += blob.size

    def _linked(self, blob: NamedBlob, place: Path) -> bool:
        _prepare(place)
        for source in self._sources:
            found = find_place(source, blob.key)
            if has_size(found, blob.size):
                try:
                    os.link(found, place, follow_symlinks=False)
                except OSError:  # another file system, or one without links: it is copied
                    continue
                return True
        return False

    def _copied(self, blob: NamedBlob, place: Path) -> bool:
        _prepare(place)
        for source in self._sources:
            found = find_place(source, blob.key)
            if has_size(found, blob.size):
                if copy_file(found, place) == blob.sha256 or blob.sha256 is None:
                    return True
                place.unlink()
        return False

    def _prune(self, keys: set[str]) -> None:
        for folder in self._target.iterdir():
            for place in folder.iterdir():
                if place.name not in keys:
                    place.unlink()
            sync_folder(folder)
        sync_folder(self._target)


def find_place(folder: Path, key: str) -> Path:
    """Where a blob stands in a folder of blobs."""
    return folder / key[:2] / key


def has_size(path: Path, size: int) -> bool:
    """True if a regular file of this size stands there."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def list_missing(folder: Path, blobs: Iterable[NamedBlob]) -> list[NamedBlob]:
    """The blobs that a folder does not have, or not in their size."""
    return [blob for blob in blobs if not has_size(find_place(folder, blob.key), blob.size)]


def _prepare(place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
