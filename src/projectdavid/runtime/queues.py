"""A fair queue of rows: read owner by owner; the owner with the fewest active rows comes first.

The rule for places: an owner takes another place of a worker only while it holds fewer places than are free, and the
last eighth of the places is reserved for owners that hold none. A single owner gets half of them, two that start
together get a third each, and a newcomer finds a free place even if the work of all others never ends.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import msgspec

from projectdavid.ports.rows import OwnerQueueRow

WINDOW = 100
"""Owners that are read at once; with more, the next read continues after the last one."""

RESERVED = 8
"""The last place in this many is reserved for owners that hold none."""
JUST_BEGUN = 8
"""Rows that are read beyond a worker's free places: the store can lag behind the worker."""


class WaitingRow(NamedTuple):
    """A row that no worker holds."""

    n: int
    owner: str


class QueueWindow(NamedTuple):
    """Parameters of a read: number of owners after one, rows per owner, and excluded owners `full` (JSON array)."""

    after: str
    owners: int
    each: int
    full: str


class WorkerPlaces:
    """The places of a worker, and their owners."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """Number of free places."""
        return self._count - self._held.total()

    def is_open_to(self, owner: str) -> bool:
        """True if an owner can take another place."""
        if self.free <= self._count // RESERVED:
            return self.free > 0 and not self._held[owner]
        return self._held[owner] < self.free

    def take(self, owner: str) -> None:
        """Assign a place to an owner."""
        self._held[owner] += 1

    def release(self, owner: str) -> None:
        """Release a place of an owner."""
        self._held[owner] -= 1
        self._held += Counter()  # removes zero counts

    def full_owners(self) -> list[str]:
        """Return the owners that cannot take another place."""
        return [owner for owner in self._held if not self.is_open_to(owner)]


class OwnerQueue:
    """Reads a queue, a window of owners at a time.

    Args:
        load: returns one row per owner, in order: `owner`, `at_work` and `waiting`. `at_work` counts the active rows of
            all workers; `waiting` is a JSON array of row numbers, oldest first.
    """

    def __init__(self, load: Callable[[QueueWindow], Awaitable[list[OwnerQueueRow]]]) -> None:
        self._load = load
        self._after = ""

    async def read(self, places: WorkerPlaces) -> AsyncGenerator[list[WaitingRow]]:
        """Yield rows in the order to start them, while there is a free place."""
        start, wrapped = self._after, not self._after
        while places.free > 0:
            full = msgspec.json.encode(places.full_owners()).decode()
            rows = await self._load(QueueWindow(self._after, WINDOW, places.free + JUST_BEGUN, full))
            last = len(rows) < WINDOW
            self._after = "" if last else rows[-1].owner
            yield order_fairly(rows)
            if last and wrapped:
                return
            wrapped = wrapped or last
            if wrapped and start and self._after >= start:
                return


def order_fairly(rows: Sequence[OwnerQueueRow]) -> list[WaitingRow]:
    """Sort rows of several owners: the owner with the fewest active rows first, then the oldest row."""
    queues = {row.owner: msgspec.json.decode(row.waiting, type=list[int])[::-1] for row in rows}
    heap = [(row.at_work, queues[row.owner].pop(), row.owner) for row in rows if queues[row.owner]]
    heapify(heap)
    ordered: list[WaitingRow] = []
    while heap:
        at_work, n, owner = heappop(heap)
        ordered.append(WaitingRow(n, owner))
        if queues[owner]:
            heappush(heap, (at_work + 1, queues[owner].pop(), owner))
    return ordered
