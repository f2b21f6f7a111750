"""A queue of rows that is shared out fairly: read owner by owner, and the one with the fewest rows at work comes first.

The rule for places: an owner takes another place of a worker only while it holds fewer places than are free, and the
last eighth of the places goes to owners that hold none. A single owner gets half of them, two that start together get a
third each, and a newcomer finds a free place even if the work of all others never ends.
"""

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import msgspec

from projectdavid.ports.store import Row

WINDOW = 100
"""Owners that are read at once; with more of them, the next look goes on after the last one."""

RESERVED = 8
"""The last place in so many is for owners that hold none."""
JUST_BEGUN = 8
"""Rows that are read beyond the free places of a worker: the store may not know yet that they were begun."""


class Waiting(NamedTuple):
    """A row that no worker holds."""

    n: int
    owner: str


class Window(NamedTuple):
    """What to read: so many owners after one, so many rows of each, but none of the owners in `full` (a JSON array)."""

    after: str
    owners: int
    each: int
    full: str


class Places:
    """The places of a worker, and who holds them."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._held: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """Free places."""
        return self._count - self._held.total()

    def is_open_to(self, owner: str) -> bool:
        """Whether an owner can take another place."""
        if self.free <= self._count // RESERVED:
            return self.free > 0 and not self._held[owner]
        return self._held[owner] < self.free

    def take(self, owner: str) -> None:
        """Give an owner a place."""
        self._held[owner] += 1

    def release(self, owner: str) -> None:
        """Take the place of an owner back."""
        self._held[owner] -= 1
        self._held += Counter()  # forgets owners that hold none

    def full_owners(self) -> list[str]:
        """Owners that cannot take another place."""
        return [owner for owner in self._held if not self.is_open_to(owner)]


class OwnerQueue:
    """Reads a queue, a window of owners at a time.

    Args:
        load: returns one row for each owner, in their order: `owner`, `at_work` and `waiting`. `at_work` is what the
            store knows of all workers; `waiting` is a JSON array of the numbers of rows, oldest first.
    """

    def __init__(self, load: Callable[[Window], Awaitable[list[Row]]]) -> None:
        self._load = load
        self._after = ""

    async def read(self, places: Places) -> AsyncGenerator[list[Waiting]]:
        """Yield what can be begun, in the order in which it should be, while there is a free place."""
        start, turned = self._after, not self._after
        while places.free > 0:
            full = msgspec.json.encode(places.full_owners()).decode()
            rows = await self._load(Window(self._after, WINDOW, places.free + JUST_BEGUN, full))
            last = len(rows) < WINDOW
            self._after = "" if last else rows[-1].owner
            yield order_fairly(rows)
            if last and turned:
                return
            turned = turned or last
            if turned and start and self._after >= start:
                return


def order_fairly(rows: Sequence[Row]) -> list[Waiting]:
    """Order rows of several owners: the owner with the fewest at work first, then the oldest."""
    queues = {row.owner: msgspec.json.decode(row.waiting, type=list[int])[::-1] for row in rows}
    heap = [(row.at_work, queues[row.owner].pop(), row.owner) for row in rows if queues[row.owner]]
    heapify(heap)
    ordered: list[Waiting] = []
    while heap:
        at_work, n, owner = heappop(heap)
        ordered.append(Waiting(n, owner))
        if queues[owner]:
            heappush(heap, (at_work + 1, queues[owner].pop(), owner))
    return ordered
