"""Bombs, each of a few times the limit and no more: what more of it stands than may is what broke out."""

import ctypes
import mmap
import os
import signal
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.system import LIBC, MEGABYTE, Facts, call, names, number

MARGIN = 1.5
PR_SET_DUMPABLE = 4
HELD_SECONDS = 1.0
"""How long a bomb stands: what watches over memory must have had its turn by then."""
BUILD_SECONDS = 20.0
PIECE = 8 * MEGABYTE
PAGE = b"x" * MEGABYTE


def _fork_all(count: int, work: Callable[[int], int]) -> tuple[int, int]:
    """(processes, the sum of what they hold) at once; they end afterwards."""
    read, write = os.pipe()
    gate, opened = os.pipe()
    alive: set[int] = set()
    for at in range(count):
        try:
            pid = os.fork()
        except OSError:
            break
        if not pid:
            with suppress(BaseException):
                os.close(opened)
                os.write(write, struct.pack("qq", os.getpid(), work(at)))
                os.read(gate, 1)
            os._exit(0)
        alive.add(pid)
    os.set_blocking(read, False)
    held: dict[int, int] = {}
    until = time.monotonic() + BUILD_SECONDS
    while alive - held.keys() and time.monotonic() < until:
        with suppress(BlockingIOError):
            held.update([struct.unpack("qq", os.read(read, 16))])
            continue
        alive = {pid for pid in alive if os.waitpid(pid, os.WNOHANG) == (0, 0)}
        time.sleep(0.01)
    time.sleep(HELD_SECONDS if alive else 0)
    alive = {pid for pid in alive if os.waitpid(pid, os.WNOHANG) == (0, 0)}
    for file in (opened, read, write, gate):
        os.close(file)
    for pid in alive:
        os.waitpid(pid, 0)
    return len(alive), sum(held.get(pid, 0) for pid in alive)


def _over(held: int, limit: int, what: str) -> list[str]:
    return [f"{held} of {what}, {limit} are allowed"] if held > MARGIN * limit else []


def forks(facts: Facts) -> list[str]:
    """Processes."""
    limit = facts["limits"]["processes"]
    alive, _ = _fork_all(2 * limit, lambda _: 0)
    return _over(alive, limit, "processes")


def threads(facts: Facts) -> list[str]:
    """Threads of one process."""
    limit = facts["limits"]["processes"]
    stop, running = threading.Event(), []
    threading.stack_size(64 << 10)  # so that it is not the memory that ends first
    with suppress(RuntimeError, MemoryError):
        for _ in range(4 * limit):
            thread = threading.Thread(target=stop.wait, daemon=True)
            thread.start()
            running.append(thread)
    stop.set()
    for thread in running:
        thread.join()
    return _over(len(running), limit, "threads")


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


def memory(facts: Facts) -> list[str]:
    """Memory of one process."""
    limit = facts["limits"]["memory"]
    pieces, held = _fill(4 * limit, mmap.MAP_PRIVATE)
    time.sleep(HELD_SECONDS)
    del pieces
    return _over(held, limit, "memory")


def memory_of_many(facts: Facts) -> list[str]:
    """Memory of sixteen processes, of which none has too much."""
    limit = facts["limits"]["memory"]
    kept: list[object] = []

    def fill(at: int) -> int:
        pieces, held = _fill(4 * limit // 16, mmap.MAP_PRIVATE)
        kept.append(pieces)
        return held

    _, held = _fork_all(16, fill)
    return _over(held, limit, "memory in many processes")


def memory_shared(facts: Facts) -> list[str]:
    """Memory that processes share."""
    limit = facts["limits"]["memory"]
    pieces, held = _fill(4 * limit, mmap.MAP_SHARED)
    time.sleep(HELD_SECONDS)
    del pieces
    return _over(held, limit, "shared memory")


def memory_nobody_maps(facts: Facts) -> list[str]:
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
    return _over(held, limit, "memory that nobody maps")


def memory_out_of_sight(facts: Facts) -> list[str]:
    """Memory of many processes that nobody but root may look into."""
    limit = facts["limits"]["memory"]
    kept: list[object] = []

    def fill(at: int) -> int:
        LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        pieces, held = _fill(4 * limit // 16, (mmap.MAP_PRIVATE, mmap.MAP_SHARED)[at % 2])
        kept.append(pieces)
        return held

    _, held = _fork_all(16, fill)
    return _over(held, limit, "memory out of sight")


def memory_of_sockets(facts: Facts) -> list[str]:
    """Bytes that were sent and that nobody receives; the kernel holds them."""
    limit = facts["limits"]["memory"]
    kept: list[socket.socket] = []

    def fill(at: int) -> int:
        held = 0
        with suppress(OSError):
            while held < 4 * limit // 16:
                pair = socket.socketpair()
                kept.extend(pair)
                for end in pair:
                    end.setblocking(False)
                    with suppress(BlockingIOError):
                        while True:
                            held += end.send(PAGE)
        return held

    _, held = _fork_all(min(32, facts["limits"]["processes"] - 8), fill)
    return _over(held, limit, "memory in sockets")


def memory_of_files(facts: Facts) -> list[str]:
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

    _, held = _fork_all(16, fill)
    return _over(held, limit, "memory in files of no name")


def memory_of_segments(facts: Facts) -> list[str]:
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
    return _over(len(segments) * PIECE, limit, "memory in segments")


def _written(folder: Path, size: int, each: int) -> int:
    """Bytes that a folder took, in files of that size; removed again."""
    total, files = 0, []
    try:
        with suppress(OSError):
            while total < size:
                path = folder / f"bomb-{len(files)}"
                files.append(path)
                with path.open("wb", buffering=0) as file:
                    while file.tell() < each:
                        total += file.write(PAGE[: min(len(PAGE), each)])
    finally:
        for path in files:
            path.unlink(missing_ok=True)
    return total


def disk(facts: Facts) -> list[str]:
    """One file that is too large, and many that are too much, on each disk."""
    found: list[str] = []
    for place, limit in facts["disks"].items():
        for each in (4 * limit, limit // 8):
            found += _over(_written(Path(place), 4 * limit, each), limit, f"bytes in {place} in files of {each}")
    return found


def small_files(facts: Facts) -> list[str]:
    """Very many files with nothing in them, on each disk."""
    limit = facts["limits"]["files"]
    found: list[str] = []
    for place in facts["disks"]:
        folder = Path(place, "bomb")
        folder.mkdir(exist_ok=True)
        made = 0
        with suppress(OSError):
            for made in range(4 * limit):
                os.close(os.open(folder / str(made), os.O_CREAT | os.O_WRONLY))
        for name in names(str(folder)):
            (folder / name).unlink()
        folder.rmdir()
        found += _over(made, limit, f"files in {place}")
    return found


def open_files(facts: Facts) -> list[str]:
    """Open files of one process."""
    limit = facts["limits"]["open_files"]
    held: list[int] = []
    with suppress(OSError):
        for _ in range(4 * limit):
            held.append(os.dup(0))  # noqa: PERF401 - those before the error are to be closed
    for file in held:
        os.close(file)
    return _over(len(held), limit, "open files")


def sparse_file(facts: Facts) -> list[str]:
    """A file of a terabyte that holds nothing: who copies it would write it all."""
    path = Path("sparse")
    path.touch()
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with suppress(OSError):
            os.truncate(path, 1 << 40)
        return _over(path.stat().st_size, facts["limits"]["disk"], "bytes of a sparse file")
    finally:
        path.unlink()


def recursion(facts: Facts) -> list[str]:
    """A stack without an end: the interpreter dies of it, nothing else may."""
    sys.setrecursionlimit(100_000)

    def deeper(_: object) -> None:
        list(map(deeper, [0]))  # by way of the interpreter's own stack

    with suppress(RecursionError, MemoryError):
        deeper(0)
    return []
