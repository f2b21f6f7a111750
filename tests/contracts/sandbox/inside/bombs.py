"""Bombs of a few times the limit and no more: what more of it stands than may is what broke out."""

import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.holding import fork_all, over
from tests.contracts.sandbox.inside.system import LIBC, MEGABYTE, Facts, names

PAGE = b"x" * MEGABYTE
TERMINALS, WATCHERS, SIGNALS = 64, 32, 1024
"""What a session may have at most, however few sessions there are."""


def forks(facts: Facts) -> list[str]:
    """Processes."""
    limit = facts["limits"]["processes"]
    alive, _ = fork_all(2 * limit, lambda _: 0)
    return over(alive, limit, "processes")


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
    return over(len(running), limit, "threads")


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
            found += over(_written(Path(place), 4 * limit, each), limit, f"bytes in {place} in files of {each}")
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
        found += over(made, limit, f"files in {place}")
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
    return over(len(held), limit, "open files")


def terminals(facts: Facts) -> list[str]:
    """Pseudo terminals: the machine has some thousands for all."""
    held: list[int] = []
    with suppress(OSError):
        for _ in range(TERMINALS + 32):
            held.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))  # noqa: PERF401 - those before the error count
    for file in held:
        os.close(file)
    return over(len(held), TERMINALS, "pseudo terminals", margin=1)


def watchers(facts: Facts) -> list[str]:
    """Instances of inotify: a user has some dozens."""
    made = [LIBC.inotify_init1(0) for _ in range(WATCHERS + 16)]
    held = [file for file in made if file >= 0]
    for file in held:
        os.close(file)
    return over(len(held), WATCHERS, "instances of inotify", margin=1)


def waiting_signals(facts: Facts) -> list[str]:
    """Signals that are sent and not taken: a user has some thousands."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
    sent = 0
    while sent < 2 * SIGNALS and LIBC.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0:
        sent += 1
    while signal.sigtimedwait({signal.SIGRTMIN}, 0) is not None:
        pass
    return over(sent, SIGNALS, "signals that wait", margin=1)


def sparse_file(facts: Facts) -> list[str]:
    """A file of a terabyte that holds nothing: who copies it would write it all."""
    path = Path("sparse")
    path.touch()
    try:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        with suppress(OSError):
            os.truncate(path, 1 << 40)
        return over(path.stat().st_size, facts["limits"]["disk"], "bytes of a sparse file")
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
