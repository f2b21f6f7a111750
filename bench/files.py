"""How fast a large file goes up, and what the server holds of it in memory meanwhile."""

import os
from collections.abc import Callable
from pathlib import Path
from statistics import median
from threading import Event, Thread
from time import perf_counter
from typing import Any

from projectdavid import Entity

MEGABYTE = 1024 * 1024
ROUNDS = 5


def upload_against_copy(
    megabytes: int, folder: Path, platform: Any, say: Callable[[str], None]
) -> tuple[list[float], list[float], float]:
    """Seconds of each upload and of each copy (read, write, fsync), in turns; and the memory added, in megabytes."""
    source = folder / "upload"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(MEGABYTE))
    uploads: list[float] = []
    copies: list[float] = []
    with Entity(platform.told["url"], platform.told["key"]) as client:
        client.files.delete(client.files.upload(b"warm", filename="warm").id)
        idle, most = platform.memory(), 0.0
        for number in range(ROUNDS):
            say(f"files {number + 1}/{ROUNDS}")
            copies.append(_timed(lambda: _copy(source, folder / "copy")))
            over, seen = Event(), [idle]
            watch = Thread(target=_watch, args=(platform, over, seen))
            watch.start()
            try:
                begun = perf_counter()
                stored = client.files.upload(source)
                uploads.append(perf_counter() - begun)
            finally:
                over.set()
                watch.join()
            most = max(most, *seen)
            client.files.delete(stored.id)
    source.unlink()
    (folder / "copy").unlink()
    return uploads, copies, most - idle


def summary(uploads: list[float], copies: list[float]) -> tuple[float, float]:
    """The median time of an upload, and how fast it is against the copy beside it."""
    return median(uploads), median(copy / upload for copy, upload in zip(copies, uploads, strict=True))


def _watch(platform: Any, over: Event, seen: list[float]) -> None:
    while not over.wait(0.02):
        seen.append(platform.memory())


def _timed(work: Callable[[], None]) -> float:
    begun = perf_counter()
    work()
    return perf_counter() - begun


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(MEGABYTE):
            write.write(piece)
        write.flush()
        os.fsync(write.fileno())
