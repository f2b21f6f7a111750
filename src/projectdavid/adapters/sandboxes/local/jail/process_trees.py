"""Resource usage of a session's processes, from the host's `/proc`; without control groups, the only limit."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_MOST: Final = 4096


def processes(first: int) -> list[int]:
    """Return a process and its descendants; in a process namespace, none can escape its first process."""
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
    """Return the bytes that would be freed if these exited."""
    return _sum(pids, (b"Private_Clean:", b"Private_Dirty:", b"SwapPss:"))


def _own(pids: list[int]) -> int:
    """Return the bytes of data, with shared pages counted proportionally: exact but slow."""
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
    """Return the maximum bytes that a socket buffers."""
    total = 0
    for name in ("wmem_default", "rmem_default"):
        with contextlib.suppress(OSError):
            total += int(Path("/proc/sys/net/core", name).read_bytes())
    return total


class MemoryWatch:
    """Checks the memory of one session, twenty times a second.

    Sockets count by their capacity, because their usage is invisible and code could hide memory there. The code has no
    access to other memory that is not counted for a process.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._buffer = _buffer()
        self._sockets_before = self._sockets()

    def over(self, limit: int) -> bool:
        """Return True if the session uses more than `limit` bytes."""
        pids = processes(self._first)
        waiting = self.waiting
        # Pages shared with the parent count in both processes: use the cheap estimate first.
        return _resident(pids) + waiting > limit and _own(pids) + waiting > limit

    @property
    def waiting(self) -> int:
        """Return the bytes that its sockets can buffer."""
        return max(0, self._sockets() - self._sockets_before) * self._buffer

    def _sockets(self) -> int:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(Path(f"/proc/{self._first}/net/sockstat").read_bytes().split(b"\n", 1)[0].split()[-1])
        return 0


def _resident(pids: list[int]) -> int:
    """Return the resident bytes that are not backed by files."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/statm").read_bytes().split()
            total += int(fields[1]) - int(fields[2])
    return total * _PAGE
