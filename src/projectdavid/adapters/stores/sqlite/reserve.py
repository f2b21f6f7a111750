"""Reserved disk space, which makes deletions possible on a full disk."""

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("projectdavid.store")

SHARE = 16
"""The reserve takes at most one part in 16 of the free space."""


class DiskReserve:
    """An allocated file next to the database, released when the disk is full and allocated again when it has space."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.released = False
        """True while the reserve is released; until it is restored, only deletions can be written."""

    def open(self) -> None:
        """Allocate the reserve: a smaller one on a small disk, none on a full disk."""
        try:
            held = self._path.stat().st_size
        except FileNotFoundError:
            held = 0
        self._size = max(held, min(self._size, self._free() // SHARE)) if self._size else 0
        if not self._size:
            self._path.unlink(missing_ok=True)
        elif held < self._size and not self._allocate():
            log.warning("no disk space for a reserve of %d bytes; on a full disk, deletions will fail", self._size)
            self._size = 0

    def release(self) -> bool:
        """Release the space; returns False if the disk has no reserve."""
        if self.released or not self._size:
            return False
        try:
            os.truncate(self._path, 0)
        except OSError:
            return False
        self.released = True
        log.warning("the disk is full; the reserve was released, and only deletions work until there is space again")
        return True

    def restore(self) -> bool:
        """Allocate the space again; returns False if the disk still has not enough."""
        if self.released and self._free() >= self._size and self._allocate():
            self.released = False
            log.warning("the disk has space again")
        return not self.released

    def _free(self) -> int:
        found = os.statvfs(self._path.parent)
        return (found.f_bfree if os.geteuid() == 0 else found.f_bavail) * found.f_frsize

    def _allocate(self) -> bool:
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, self._size)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, 0)
            return False
        finally:
            os.close(handle)
        return True
