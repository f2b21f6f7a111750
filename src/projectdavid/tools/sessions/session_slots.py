"""Limits of sessions: in total and per owner; further callers wait in order of arrival."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


class QueueFull(Exception):
    """Too many callers are waiting already."""


@dataclass(frozen=True, slots=True)
class _Waiter:
    owner: str
    admitted: asyncio.Future[None]


class SessionSlots:
    """Counts sessions, and queues callers.

    A caller that waits because of the owner's limit does not block others.

    Args:
        total: sessions in total.
        owner: sessions per owner.
        waiting: maximum number of waiting callers.
        make_room: ends an idle session, of an owner or (None) any, and frees its slot; False if all are in use.
    """

    def __init__(self, total: int, owner: int, waiting: int, make_room: Callable[[str | None], bool]) -> None:
        self._total = total
        self._owner = owner
        self._waiting = waiting
        self._make_room = make_room
        self._taken: Counter[str] = Counter()
        self._waiters: dict[int, _Waiter] = {}
        self._came = 0

    def ask(self, owner: str) -> asyncio.Future[None]:
        """Request a slot for an owner; the future is done when it is assigned. A caller that stops waiting calls
        `leave`.

        Raises:
            QueueFull: too many are waiting.
        """
        self._came += 1
        waiter = _Waiter(owner, asyncio.get_running_loop().create_future())
        self._waiters[self._came] = waiter
        self.look()
        if not waiter.admitted.done() and len(self._waiters) > self._waiting:
            del self._waiters[self._came]
            raise QueueFull
        return waiter.admitted

    def leave(self, owner: str, asked: asyncio.Future[None]) -> None:
        """Withdraw a request, whether it was assigned or not."""
        self._waiters = {number: waiter for number, waiter in self._waiters.items() if waiter.admitted is not asked}
        if asked.done() and not asked.cancelled():
            self.free(owner)
            self.look()

    def free(self, owner: str) -> None:
        """Release a slot; `look` then assigns it."""
        self._taken[owner] -= 1
        self._taken += Counter()  # removes zero counts

    @property
    def taken(self) -> int:
        """Number of slots in use."""
        return self._taken.total()

    def look(self) -> None:
        """Assign free slots to waiting callers."""
        enough: set[str] = set()
        for number, waiter in list(self._waiters.items()):
            owner = waiter.owner
            if waiter.admitted.done() or owner in enough:
                continue
            if self._taken[owner] >= self._owner and not self._make_room(owner):
                enough.add(owner)
                continue
            if self.taken >= self._total and not self._make_room(None):
                return
            del self._waiters[number]
            self._taken[owner] += 1
            waiter.admitted.set_result(None)
