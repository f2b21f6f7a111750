"""Who may have a session now: so many at once, so many of one owner, and the others wait in the order they came."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass


class Crowded(Exception):
    """So many wait already that another one would wait in vain."""


@dataclass(frozen=True, slots=True)
class _Waiter:
    owner: str
    admitted: asyncio.Future[None]


class Seats:
    """Counts sessions, and queues whoever wants one.

    Who waits for a session of their own to end holds up nobody else.

    Args:
        total: sessions at once.
        owner: of them, those of one owner.
        waiting: how many may wait.
        make_room: ends an idle session, of an owner or (None) of anybody, and frees its seat; False if there is none.
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
        """A seat for an owner: done when it is theirs. Whoever stops waiting calls `leave`.

        Raises:
            Crowded: too many wait.
        """
        self._came += 1
        waiter = _Waiter(owner, asyncio.get_running_loop().create_future())
        self._waiters[self._came] = waiter
        self.look()
        if not waiter.admitted.done() and len(self._waiters) > self._waiting:
            del self._waiters[self._came]
            raise Crowded
        return waiter.admitted

    def leave(self, owner: str, asked: asyncio.Future[None]) -> None:
        """Give up what was asked for, whether it was given or not."""
        self._waiters = {number: waiter for number, waiter in self._waiters.items() if waiter.admitted is not asked}
        if asked.done() and not asked.cancelled():
            self.free(owner)
            self.look()

    def free(self, owner: str) -> None:
        """Give a seat back; `look` then lets others have it."""
        self._taken[owner] -= 1
        self._taken += Counter()  # forgets owners who have none

    @property
    def taken(self) -> int:
        """How many are not free."""
        return self._taken.total()

    def look(self) -> None:
        """Let in who can be let in by now."""
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
