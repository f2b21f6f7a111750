"""Disks that take nothing more, and then take something again."""

import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.e2e.processes import Server

SIZE = 4 * 1024 * 1024
BLOCK = 4096


class Disk(Protocol):
    """Where a server has its folder."""

    data: Path

    def fill(self, server: Server) -> None:
        """From now on nothing can be written."""
        ...

    def free(self, server: Server) -> None:
        """From now on it can."""
        ...


class Tiny:
    """A file system of a few megabytes."""

    def __init__(self, mounted: Path) -> None:
        self.data = mounted / "data"
        self.mounted = mounted
        self._filler = mounted / "filler"

    def fill(self, server: Server | None = None) -> None:
        with self._filler.open("ab", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(BLOCK))
            except OSError:
                return

    def free(self, server: Server | None = None) -> None:
        self._filler.unlink()

    def remount(self, mode: str) -> None:
        """Read-only (`ro`) or not (`rw`)."""
        subprocess.run(["mount", "-o", f"remount,{mode}", str(self.mounted)], check=True)


class Forbidding:
    """Any disk, and a system that lets no file of the server grow, or be written to at all."""

    def __init__(self, data: Path) -> None:
        self.data = data

    def fill(self, server: Server) -> None:
        server.limit_files(0)

    def free(self, server: Server) -> None:
        server.limit_files(None)


@contextmanager
def tiny(where: Path, size: int = SIZE) -> Generator[Tiny]:
    """A file system of a few megabytes, where the system lets us mount one."""
    where.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tiny", str(where)]
    if os.getuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root can mount a file system")
    try:
        yield Tiny(where)
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)
