"""The bytes of files in a backup: hard links if possible, because blobs never change, else copies."""

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.composition.backup.layout import Report
from projectdavid.composition.backup.snapshot import NamedBlob
from projectdavid.durable_files import copy_file, sync_folder


@dataclass
class BlobTally:
    """The number of blobs by action, and the missing or damaged ones."""

    kept: int = 0
    linked: int = 0
    copied: int = 0
    size: int = 0
    missing: list[NamedBlob] = field(default_factory=list[NamedBlob])

    @property
    def count(self) -> int:
        """Number of blobs in the target now."""
        return self.kept + self.linked + self.copied


class BlobCopier:
    """Copies or links blobs into a folder.

    Args:
        target: the folder; existing blobs are kept.
        sources: folders with blobs; each blob comes from the first that contains it.
        link: whether to create hard links, if source and target are on one file system.
    """

    def __init__(self, target: Path, sources: Sequence[Path], *, link: bool) -> None:
        self._target = target
        self._sources = sources
        self._link = link

    def bring_all(self, blobs: Sequence[NamedBlob], report: Report) -> BlobTally:
        """Copy or link blobs, and remove others that an earlier attempt left.

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
        elif self._link and self._try_link(blob, place):
            tally.linked += 1
        elif self._try_copy(blob, place):
            tally.copied += 1
        else:
            tally.missing.append(blob)
            return
        tally.size += blob.size

    def _try_link(self, blob: NamedBlob, place: Path) -> bool:
        _prepare(place)
        for source in self._sources:
            found = find_place(source, blob.key)
            if has_size(found, blob.size):
                try:
                    os.link(found, place, follow_symlinks=False)
                except OSError:  # another file system, or one without hard links: copy instead
                    continue
                return True
        return False

    def _try_copy(self, blob: NamedBlob, place: Path) -> bool:
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
    """Return the path of a blob in a folder of blobs."""
    return folder / key[:2] / key


def has_size(path: Path, size: int) -> bool:
    """True if the path is a regular file of this size."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == size


def list_missing(folder: Path, blobs: Iterable[NamedBlob]) -> list[NamedBlob]:
    """Return the blobs that are missing in a folder, or have another size."""
    return [blob for blob in blobs if not has_size(find_place(folder, blob.key), blob.size)]


def _prepare(place: Path) -> None:
    place.parent.mkdir(mode=0o700, exist_ok=True)
    place.unlink(missing_ok=True)
