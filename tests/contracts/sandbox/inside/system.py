"""What the probes share: raw system calls, and work in a child that may be killed for it. Standard library only."""

import ctypes
import os
import platform
import struct
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
ARM = platform.machine() == "aarch64"
MEGABYTE = 1 << 20
Facts = dict[str, Any]


def number(x86: int, arm: int) -> int:
    """That of a system call on this machine."""
    return arm if ARM else x86


def call(syscall: int, *arguments: int) -> int:
    """What a raw system call returns; less than 0: minus the error's number."""
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(syscall), *(ctypes.c_long(argument) for argument in arguments))
    return -ctypes.get_errno() if result == -1 else int(result)


def in_child(work: Callable[[], int]) -> int | None:
    """What the work gives when another process does it; None where that was killed."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.close(read)
            os.write(write, struct.pack("q", work()))
        finally:
            os._exit(0)
    os.close(write)
    data = os.read(read, 8)
    os.close(read)
    os.waitpid(pid, 0)
    return struct.unpack("q", data)[0] if data else None


def content(path: str | Path, size: int = MEGABYTE) -> bytes:
    """The first bytes of a file; b"" if it cannot be read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (OSError, ValueError):
        return b""
    found = b""
    try:
        # What `/proc` holds comes a page at a time.
        while len(found) < size and (more := os.read(file, size - len(found))):
            found += more
        return found
    except OSError:
        return found
    finally:
        os.close(file)


def opens(path: str, flags: int) -> bool:
    """Whether a file can be opened so; nothing is read or written."""
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError:
        return False
    return True


def names(folder: str) -> set[str]:
    """What a folder holds; nothing where it cannot be seen."""
    try:
        return set(os.listdir(folder))  # noqa: PTH208 - names, not paths
    except OSError:
        return set()


def processes() -> Iterable[int]:
    """The ids of all processes that can be seen."""
    return sorted(int(name) for name in names("/proc") if name.isdigit())
