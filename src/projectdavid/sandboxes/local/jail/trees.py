"""What the processes of a session use, read from `/proc` of the host; without control groups nothing else bounds it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MOST: Final = 4096


def processes(first: int) -> list[int]:
    """A process and all below it; in a process namespace nobody gets away from its first one."""
    found, seen = [first], {first}
    for pid in found:
        for child in _children(pid):
            if child not in seen and len(found) < _MOST:
                seen.add(child)
                found.append(child)
    return found


def _children(pid: int) -> Iterator[int]:
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 twenty times a second, for each process
    except OSError:
        return
    for thread in threads:
        with contextlib.suppress(OSError):
            yield from map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())


def private(pids: list[int]) -> int:
    """Bytes that would be free if these ended."""
    return _sum(pids, (b"Private_Clean:", b"Private_Dirty:", b"SwapPss:"))


def _own(pids: list[int]) -> int:
    """Bytes of data, where a page that several processes share counts in parts: exact, and dear to know."""
    return _sum(pids, (b"Pss_Anon:", b"SwapPss:"))


def _sum(pids: list[int], names: tuple[bytes, ...]) -> int:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
                if line.startswith(names):
                    total += int(line.split()[1]) << 10
    return total


def _buffer() -> int:
    """What waits in one socket at the most."""
    total = 0
    for name in ("wmem_default", "rmem_default"):
        with contextlib.suppress(OSError):
            total += int(Path("/proc/sys/net/core", name).read_bytes())
    return total


class Watch:
    """Looks at the memory of one session, twenty times a second.

    Sockets count by what they can hold: nobody sees how much of that is in use, and code that hides memory would
    put it there. Other memory that is in no process's count the code cannot have.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._buffer = _buffer()
        self._sockets_before = self._sockets()

    def over(self, limit: int) -> bool:
        """Whether the session uses more than `limit` bytes."""
        pids = processes(self._first)
        waiting = self.waiting
        # What a process still shares with the one that it was forked from counts in both: first look cheaply.
        return _resident(pids) + waiting > limit and _own(pids) + waiting > limit

    @property
    def waiting(self) -> int:
        """What its sockets can hold that nobody has received yet."""
        return max(0, self._sockets() - self._sockets_before) * self._buffer

    def _sockets(self) -> int:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(Path(f"/proc/{self._first}/net/sockstat").read_bytes().split(b"\n", 1)[0].split()[-1])
        return 0


def _resident(pids: list[int]) -> int:
    """Bytes that are in memory and in no file."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/statm").read_bytes().split()
            total += int(fields[1]) - int(fields[2])
    return total * _PAGE
