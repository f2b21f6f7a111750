"""Processes of a session as the host sees them, found by a mark on their command line."""

import asyncio
from pathlib import Path

from tests.timeouts import EVENT_TIMEOUT

MARKED = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)', '{}'])"


def found(mark: str) -> list[Path]:
    """The processes of this host that have a mark on their command line."""
    here: list[Path] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cmdline").read_bytes().endswith(f"\0{mark}\0".encode()):
                here.append(process)
        except OSError:
            continue
    return here


async def until(mark: str, there: bool) -> list[Path]:
    """Wait until such a process is there, or none is."""
    async with asyncio.timeout(EVENT_TIMEOUT):
        while bool(processes := found(mark)) is not there:  # noqa: ASYNC110 - the host's processes tell nobody
            await asyncio.sleep(0.01)
    return processes


def users(process: Path) -> list[str]:
    """The users and groups of the host that a process runs as."""
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return [*lines["Uid"].split(), *lines["Gid"].split(), *lines["Groups"].split()]
