"""Concurrent tasks of a process under leases: each row once, with a limited number of tasks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from projectdavid.ports.bus import Bus
from projectdavid.ports.store import StoreUnavailable
from projectdavid.runtime.queues import OwnerQueue, WaitingRow, WorkerPlaces


class LeasedTasks:
    """The tasks of a worker, by the number of their row.

    Args:
        room: maximum number of tasks.
        look: seconds between polls for work, in case a notification was lost.
        lease: seconds for which a row is held, unless extended.
        freed: called when a task is done, with whether an owner was at their limit until then.
        log: logger for an unavailable store.
    """

    def __init__(
        self, *, room: int, look: float, lease: float, freed: Callable[[bool], None], log: logging.Logger
    ) -> None:
        self._places = WorkerPlaces(room)
        self._look = look
        self._lease = lease
        self._freed = freed
        self._log = log
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def free(self) -> int:
        """Number of free places."""
        return self._places.free

    def takes(self, waiting: WaitingRow) -> bool:
        """True if a row can be started: its owner has a place, and no other task works on it."""
        return self._places.is_open_to(waiting.owner) and waiting.n not in self._tasks

    def read(self, queue: OwnerQueue) -> AsyncGenerator[list[WaitingRow]]:
        """Yield rows of a queue while there is a free place."""
        return queue.read(self._places)

    def begin(self, waiting: WaitingRow, work: Coroutine[Any, Any, None]) -> None:
        """Start a task for a row."""
        self._places.take(waiting.owner)
        self._tasks[waiting.n] = task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._finish(waiting))

    async def serve(
        self, bus: Bus, topic: str, claim: Callable[[], Awaitable[None]], extend: Callable[[], Awaitable[None]]
    ) -> None:
        """Claim work on notification, and extend leases, until cancelled; then cancel all tasks."""
        extending = asyncio.create_task(self._extend(extend))
        try:
            with bus.subscribe(topic) as subscription:
                while True:
                    try:
                        await claim()
                    except StoreUnavailable:
                        self._log.exception("the store is not available; trying again")
                    await subscription.wait(self._look)
        finally:
            extending.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(extending, *self._tasks.values(), return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for the tasks to finish."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)

    def _finish(self, waiting: WaitingRow) -> None:
        full = self.free <= 0 or bool(self._places.full_owners())
        del self._tasks[waiting.n]
        self._places.release(waiting.owner)
        self._freed(full)

    async def _extend(self, extend: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(self._lease / 3)
            if self._tasks:
                try:
                    await extend()
                except StoreUnavailable:
                    self._log.exception("leases could not be extended")
