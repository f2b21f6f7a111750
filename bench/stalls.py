"""How long a heavy request keeps the server from answering others, seen by a second client that asks for `/health`."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from bench.heavy import REJECTED, TAKEN, Client, Heavy
from bench.measures import Rig, Row
from bench.processes import NANOSECONDS, Process

BOUND = 0.05
"""Seconds of CPU of the server's main thread."""
PAUSE = 0.0005


@dataclass(frozen=True, slots=True)
class Stall:
    """The longest stall during a request: seconds of the main thread's CPU, and seconds by the clock.

    `pings` is how many answers the second client received during the request.
    """

    status: int
    cpu: float
    wall: float
    pings: int


def stalls(rig: Rig) -> list[Row]:
    """The longest stall of a ping while each heavy request is under way, in CPU of the main thread."""
    rows: list[Row] = []
    requests = (*REJECTED, *TAKEN)
    for number, heavy in enumerate(requests, 1):
        rig.say(f"stalls {number}/{len(requests)} {heavy.name}")
        stall = longest_stall(rig.platform, heavy)
        shown = f"{stall.cpu * 1000:.1f} ms (wall {stall.wall * 1000:.1f}) {stall.status}"
        good = stall.cpu <= BOUND and is_answered(stall, heavy)
        rows.append(Row(f"Stall: {heavy.name}", shown, f"<= 50 ms, {heavy.status}", good))
    return rows


def is_answered(stall: Stall, heavy: Heavy) -> bool:
    """True if the server answered as it should; it may hang up on a body that it does not read."""
    return stall.status == heavy.status or (stall.status == 0 and heavy.status in (413, 422, 431))


def longest_stall(process: Process, heavy: Heavy) -> Stall:
    """Send a heavy request, and ping until it is answered."""
    url, key = process.told["url"], process.told["admin_key" if heavy.admin else "key"]
    client = Client(url, key)
    request = heavy.prepare(client)
    answered: list[int] = []
    over = threading.Event()

    def send() -> None:
        try:
            answered.append(client.send(request)[0])
            time.sleep(heavy.follow_up)
        finally:
            over.set()

    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=600)
    _ping(connection)
    thread = threading.Thread(target=send)
    thread.start()
    worst_cpu = worst_wall = 0.0
    pings = 0
    try:
        for cpu, wall in _pings(process, connection, over):
            worst_cpu, worst_wall, pings = max(worst_cpu, cpu), max(worst_wall, wall), pings + 1
    finally:
        thread.join()
        connection.close()
    return Stall(answered[0], worst_cpu, worst_wall, pings)


def _pings(process: Process, connection: HTTPConnection, over: threading.Event) -> Iterable[tuple[float, float]]:
    """CPU and time from one answer to the next, until the request is over, and once more."""
    cpu, clock = main_cpu(process), time.perf_counter()
    last = False
    while not last:
        last = over.is_set()
        _ping(connection)
        now, moment = main_cpu(process), time.perf_counter()
        yield now - cpu, moment - clock
        cpu, clock = now, moment
        over.wait(PAUSE)


def _ping(connection: HTTPConnection) -> None:
    connection.request("GET", "/health")
    connection.getresponse().read()


def main_cpu(process: Process) -> float:
    """Seconds of CPU that the main thread has used, by the scheduler's own count."""
    return int(Path(f"/proc/{process.pid}/task/{process.pid}/schedstat").read_text().split()[0]) / NANOSECONDS
