"""What the processes of a session use, read from `/proc` of the host; without control groups nothing else bounds it."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MOST: Final = 4096
_LOOK_AGAIN: Final = 20
"""Mappings of a process are read anew after so many looks, though their size is the same."""
_UNNAMED: Final = (b"/dev/zero", b"/SYSV", b"/memfd:")
"""Mappings of memory that processes share, and that is in no file system."""

Mappings = dict[int, int]
"""Number of a piece of shared memory -> bytes of it."""


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

    Memory that processes share counts by the size of its mappings, and sockets by what they can hold: nobody sees how
    much of that is in use, and code that wants to hide memory would put it there.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._looks = 0
        self._known: dict[int, tuple[int, Mappings]] = {}
        self._buffer = _buffer()
        self._sockets_before = self._sockets()

    def over(self, limit: int) -> bool:
        """Whether the session uses more than `limit` bytes."""
        pids = processes(self._first)
        data, shared = self._look(pids)
        rest = sum(shared.values()) + self.waiting
        # What a process still shares with the one that it was forked from counts in both: first look cheaply.
        return data + rest > limit and _own(pids) + rest > limit

    @property
    def waiting(self) -> int:
        """What its sockets can hold that nobody has received yet."""
        return max(0, self._sockets() - self._sockets_before) * self._buffer

    def _look(self, pids: list[int]) -> tuple[int, Mappings]:
        self._looks += 1
        known, total, shared = self._known, 0, Mappings()
        self._known = {}
        for pid in pids:
            try:
                fields = [int(field) for field in Path(f"/proc/{pid}/statm").read_bytes().split()]
            except OSError:
                continue
            total += (fields[1] - fields[2]) * _PAGE
            beside_data = fields[0] - fields[5]
            before = known.get(pid)
            fresh = before is not None and before[0] == beside_data and (self._looks + pid) % _LOOK_AGAIN
            entry = before if before is not None and fresh else (beside_data, _unnamed(pid, fields[0] * _PAGE))
            self._known[pid] = entry
            for number, size in entry[1].items():
                shared[number] = max(size, shared.get(number, 0))
        return total, shared

    def _sockets(self) -> int:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(Path(f"/proc/{self._first}/net/sockstat").read_bytes().split(b"\n", 1)[0].split()[-1])
        return 0


def _unnamed(pid: int, size: int) -> Mappings:
    """The shared memory that a process has mapped; all of it, `size`, where it lets nobody look."""
    try:
        lines = Path(f"/proc/{pid}/maps").read_bytes().splitlines()
    except PermissionError:
        return {-pid: size}
    except OSError:
        return {}
    found = Mappings()
    for line in lines:
        fields = line.split(None, 5)
        if len(fields) == 6 and fields[1].endswith(b"s") and fields[5].startswith(_UNNAMED):
            start, _, end = fields[0].partition(b"-")
            number = int(fields[4])
            found[number] = found.get(number, 0) + int(end, 16) - int(start, 16)
    return found
