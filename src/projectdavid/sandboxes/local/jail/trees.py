"""What the processes of a session use, read from `/proc` of the host."""

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


def resident(pids: list[int]) -> int:
    """Bytes that are in memory and in no file: at least what is their own, and cheap to know.

    What a process still shares with the one that it was forked from counts in both.
    """
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{pid}/statm").read_bytes().split()
            total += int(fields[1]) - int(fields[2])
    return total * _PAGE


def own(pids: list[int]) -> int:
    """Bytes of data, where a page that several processes share counts in parts: exact, and dear to know."""
    return _sum(pids, (b"Pss_Anon:", b"Pss_Shmem:", b"SwapPss:"))


def private(pids: list[int]) -> int:
    """Bytes that would be free if these ended."""
    return _sum(pids, (b"Private_Clean:", b"Private_Dirty:", b"SwapPss:"))


def _sum(pids: list[int], names: tuple[bytes, ...]) -> int:
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
                if line.startswith(names):
                    total += int(line.split()[1]) << 10
    return total
