"""The bus within one process."""

import asyncio
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from projectdavid.ports.bus import BusState, Payload

MAX_PENDING = 256 * 1024
"""Bytes of pending payloads per listener."""
MAX_PENDING_OVERALL = 32 * 1024 * 1024
"""Bytes of pending payloads of all listeners."""


class _Budget:
    """Counts the pending payloads of all listeners of a bus."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left


class _Ear:
    __slots__ = ("_budget", "_deadline", "_loop", "_payloads", "_said", "_size", "_timer", "_unknown", "_waiter")

    def __init__(self, budget: _Budget) -> None:
        self._said = False
        self._waiter: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline = 0.0
        self._budget = budget
        self._payloads: list[Payload] = []
        self._size = 0
        self._unknown = False
        """True if payloads were dropped, so the listener must read the store."""

    def tell(self, payloads: Sequence[Payload]) -> None:
        self._said = True
        if not self._unknown:
            self._keep(payloads)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _keep(self, payloads: Sequence[Payload]) -> None:
        size = 0
        for payload in payloads:
            size += payload.size
        if not payloads or self._size + size > MAX_PENDING or size > self._budget.left:
            self.drop()
            self._unknown = True
            return
        self._payloads += payloads
        self._size += size
        self._budget.left -= size

    def drop(self) -> None:
        """Drop the payloads."""
        self._budget.left += self._size
        self._size = 0
        self._payloads = []

    def take(self) -> list[Payload] | None:
        payloads, unknown = self._payloads, self._unknown
        self.drop()
        self._unknown = False
        return None if unknown else payloads

    async def wait(self, seconds: float) -> bool:
        # Implemented with a timer: `asyncio.timeout` around an event costs several times as much, for every reader and
        # commit.
        if not self._said:
            loop = self._loop = self._loop or asyncio.get_running_loop()
            self._waiter = loop.create_future()
            self._start_timer(loop, loop.time() + seconds)
            try:
                await self._waiter
            finally:
                self._waiter = None
        said, self._said = self._said, False
        return said

    def _start_timer(self, loop: asyncio.AbstractEventLoop, deadline: float) -> None:
        """Wake the waiter at a time. An earlier timer is kept: most waits end long before theirs."""
        self._deadline = deadline
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = loop.call_at(deadline, self._expire, loop)

    def _expire(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        if self._waiter is None or self._waiter.done():
            return
        if loop.time() < self._deadline:
            self._start_timer(loop, self._deadline)
        else:
            self._waiter.set_result(None)

    def close(self) -> None:
        self.drop()
        if self._timer is not None:
            self._timer.cancel()


class LocalBus:
    """Notifies listeners in the same event loop."""

    def __init__(self) -> None:
        self._ears: dict[str, dict[_Ear, None]] = {}  # in order of arrival
        self._budget = _Budget(MAX_PENDING_OVERALL)

    @property
    def pending(self) -> int:
        """Bytes of pending payloads."""
        return MAX_PENDING_OVERALL - self._budget.left

    @property
    def state(self) -> BusState:
        """No connection is needed."""
        return BusState()

    async def open(self) -> None:
        """Do nothing: there are no other processes."""

    async def close(self) -> None:
        """Do nothing: there are no other processes."""

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        """Notify the listeners of `topic`, and pass them the committed payload."""
        for ear in self._ears.get(topic, ()):
            ear.tell(payloads)

    def publish_everywhere(self) -> None:
        """Notify all listeners, which must read the store."""
        for ears in self._ears.values():
            for ear in ears:
                ear.tell(())

    @contextmanager
    def subscribe(self, topic: str) -> Generator[_Ear]:
        """Subscribe to `topic` until the context exits."""
        ear = _Ear(self._budget)
        self._ears.setdefault(topic, {})[ear] = None
        try:
            yield ear
        finally:
            ear.close()
            ears = self._ears[topic]
            del ears[ear]
            if not ears:
                del self._ears[topic]
