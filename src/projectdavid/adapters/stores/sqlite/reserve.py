"""Disk space that is set aside, so that deleting works when the disk is full."""

import logging
import os
from contextlib import suppress
from pathlib import Path

log = logging.getLogger("projectdavid.store")

SHARE = 16
"""The reserve takes at most one part in so many of the free space."""


class DiskReserve:
    """A file of allocated bytes beside the database: released when the disk is full, allocated again when it is not."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._size = size
        self.released = False
        """True while the file is gone: until then only what deletes can write."""

    def open(self) -> None:
        """Allocate the reserve, smaller on a small disk; a disk without any room gets none."""
        try:
            held = self._path.stat().st_size
        except FileNotFoundError:
            held = 0
        self._size = max(held, min(self._size, self._free() // SHARE)) if self._size else 0
        if not self._size:
            self._path.unlink(missing_ok=True)
        elif held < self._size and not self._allocate():
            log.warning("the disk has no room for a reserve of %d bytes: when it is full, deleting fails", self._size)
            self._size = 0

    def release(self) -> bool:
        """Give the space back to the disk; False if there is nothing to give."""
        if self.released or not self._size:
            return False
        try:
            os.truncate(self._path, 0)
        except OSError:
            return False
        self.released = True
        log.warning("the disk is full: its reserve was released, and only deleting works until there is space again")
        return True

    def restore(self) -> bool:
        """Allocate the space again; False if the disk has no room for it yet."""
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
