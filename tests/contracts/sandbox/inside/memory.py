"""Bombs of memory, each of four times the limit and no more, by every way that memory can be held."""

import ctypes
import mmap
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.holding import HELD_SECONDS, fork_all, over
from tests.contracts.sandbox.inside.system import LIBC, MEGABYTE, Facts, call, number

PR_SET_DUMPABLE = 4
PIECE = 8 * MEGABYTE
PAGE = b"x" * MEGABYTE


def _fill(size: int, flags: int) -> tuple[list[mmap.mmap], int]:
    """Memory, in pieces, each of it written to."""
    pieces: list[mmap.mmap] = []
    with suppress(OSError, MemoryError):
        while len(pieces) * PIECE < size:
            piece = mmap.mmap(-1, PIECE, flags | mmap.MAP_ANONYMOUS)
            for _ in range(PIECE // MEGABYTE):
                piece.write(PAGE)
            pieces.append(piece)
    return pieces, len(pieces) * PIECE


def of_one(facts: Facts) -> list[str]:
    """Memory of one process."""
    limit = facts["limits"]["memory"]
    pieces, held = _fill(4 * limit, mmap.MAP_PRIVATE)
    time.sleep(HELD_SECONDS)
    del pieces
    return over(held, limit, "memory")


def of_many(facts: Facts) -> list[str]:
    """Memory of sixteen processes, of which none has too much."""
    limit = facts["limits"]["memory"]
    kept: list[object] = []

    def fill(at: int) -> int:
        pieces, held = _fill(4 * limit // 16, mmap.MAP_PRIVATE)
        kept.append(pieces)
        return held

    _, held = fork_all(16, fill)
    return over(held, limit, "memory in many processes")


def shared(facts: Facts) -> list[str]:
    """Memory that processes share."""
    limit = facts["limits"]["memory"]
    pieces, held = _fill(4 * limit, mmap.MAP_SHARED)
    time.sleep(HELD_SECONDS)
    del pieces
    return over(held, limit, "shared memory")


def nobody_maps(facts: Facts) -> list[str]:
    """Shared memory that a child filled and left: its pages stand, and are in no process's count."""
    limit = facts["limits"]["memory"]
    pieces: list[mmap.mmap] = []
    held = 0
    with suppress(OSError, MemoryError):
        while held < 4 * limit:
            piece = mmap.mmap(-1, PIECE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
            pid = os.fork()
            if not pid:
                for at in range(0, PIECE, mmap.PAGESIZE):
                    piece[at] = 1
                os._exit(0)
            _, status = os.waitpid(pid, 0)
            pieces.append(piece)
            held += PIECE if status == 0 else 0
    time.sleep(HELD_SECONDS)
    del pieces
    return over(held, limit, "memory that nobody maps")


def _shared() -> mmap.mmap:
    """Shared memory of no file, by either way to it."""
    try:
        return mmap.mmap(-1, PIECE, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS)
    except OSError:
        with Path("/dev/zero").open("r+b", buffering=0) as zero:
            return mmap.mmap(zero.fileno(), PIECE, mmap.MAP_SHARED)


def cut_off(facts: Facts) -> list[str]:
    """Shared memory of which all but a page was given back: its pages stand as long as that one is mapped."""
    limit = facts["limits"]["memory"]
    pieces: list[mmap.mmap] = []
    with suppress(OSError, MemoryError):
        while len(pieces) * PIECE < 4 * limit:
            piece = _shared()
            for _ in range(PIECE // MEGABYTE):
                piece.write(PAGE)
            address = ctypes.addressof(ctypes.c_char.from_buffer(piece))
            LIBC.munmap(ctypes.c_void_p(address + mmap.PAGESIZE), ctypes.c_size_t(PIECE - mmap.PAGESIZE))
            pieces.append(piece)
    time.sleep(HELD_SECONDS)
    return over(len(pieces) * PIECE, limit, "shared memory behind small mappings")


def out_of_sight(facts: Facts) -> list[str]:
    """Memory of many processes that nobody but root may look into."""
    limit = facts["limits"]["memory"]
    kept: list[object] = []

    def fill(at: int) -> int:
        LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        pieces, held = _fill(4 * limit // 16, (mmap.MAP_PRIVATE, mmap.MAP_SHARED)[at % 2])
        kept.append(pieces)
        return held

    _, held = fork_all(16, fill)
    return over(held, limit, "memory out of sight")


def of_sockets(facts: Facts) -> list[str]:
    """Bytes that were sent and that nobody receives; the kernel holds them."""
    return _sent(facts, socket.socketpair, "memory in sockets")


def of_connections(facts: Facts) -> list[str]:
    """The same over TCP, where the kernel lets a few connections hold more."""
    return _sent(facts, _connection, "memory in connections")


def _connection() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]


def _sent(facts: Facts, pair: Callable[[], tuple[socket.socket, socket.socket]], what: str) -> list[str]:
    limit = facts["limits"]["memory"]
    kept: list[socket.socket] = []

    def fill(at: int) -> int:
        held = 0
        with suppress(OSError):
            while held < 4 * limit // 16:
                kept.extend(pair())
                for end in kept[-2:]:
                    end.setblocking(False)
                    with suppress(BlockingIOError):
                        while True:
                            held += end.send(PAGE)
        return held

    _, held = fork_all(min(32, facts["limits"]["processes"] - 8), fill)
    return over(held, limit, what)


def of_files(facts: Facts) -> list[str]:
    """Files of no name in memory, in many processes."""
    limit = facts["limits"]["memory"]
    kept: list[int] = []

    def fill(at: int) -> int:
        held = 0
        with suppress(OSError):
            kept.append(os.memfd_create("bomb"))
            while held < 4 * limit // 16:
                held += os.write(kept[-1], PAGE)
        return held

    _, held = fork_all(16, fill)
    return over(held, limit, "memory in files of no name")


def of_segments(facts: Facts) -> list[str]:
    """Segments of System V that nobody is attached to."""
    limit = facts["limits"]["memory"]
    get, attach, control = number(29, 194), number(30, 196), number(31, 195)
    LIBC.shmdt.argtypes = (ctypes.c_void_p,)
    segments: list[int] = []
    while len(segments) * PIECE < 4 * limit:
        segment = call(get, 0, PIECE, 0o1600)
        if segment < 0:
            break
        segments.append(segment)
        address = call(attach, segment, 0, 0)
        if address > 0:
            for at in range(0, PIECE, MEGABYTE):
                ctypes.memmove(address + at, PAGE, MEGABYTE)
            LIBC.shmdt(address)
    time.sleep(HELD_SECONDS if segments else 0)
    for segment in segments:
        call(control, segment, 0, 0)
    return over(len(segments) * PIECE, limit, "memory in segments")
