"""Holds much for a while: what the bombs have in common."""

import os
import struct
import time
from collections.abc import Callable
from contextlib import suppress

MARGIN = 1.5
HELD_SECONDS = 1.0
"""How long a bomb stands: what watches over memory must have had its turn by then."""
BUILD_SECONDS = 200.0


def fork_all(count: int, work: Callable[[int], int]) -> tuple[int, int]:
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


def over(held: int, limit: int, what: str, margin: float = MARGIN) -> list[str]:
    """What of a limit was passed, with some margin."""
    return [f"{held} of {what}, {limit} are allowed"] if held > margin * limit else []
