"""What a process works on side by side, under leases: each thing once, and no more at once than it has places for."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Unavailable
from projectdavid.runtime.queues import OwnerQueue, Places, Waiting


class Shift:
    """The tasks of a worker, by the number of the row that each works on.

    Args:
        room: how many there may be at once.
        look: seconds after which work is looked for that nobody told of.
        lease: seconds for which a row is held, unless that is extended.
        freed: called when a task is done, with whether an owner could not take another place until then.
        log: where it is said that the store is not available.
    """

    def __init__(
        self, *, room: int, look: float, lease: float, freed: Callable[[bool], None], log: logging.Logger
    ) -> None:
        self._places = Places(room)
        self._look = look
        self._lease = lease
        self._freed = freed
        self._log = log
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def free(self) -> int:
        """How many more there may be."""
        return self._places.free

    def takes(self, waiting: Waiting) -> bool:
        """Whether work on a row can begin: its owner can take a place, and no other task works on it."""
        return self._places.is_open_to(waiting.owner) and waiting.n not in self._tasks

    def read(self, queue: OwnerQueue) -> AsyncGenerator[list[Waiting]]:
        """Yield what waits in a queue while there is a free place."""
        return queue.read(self._places)

    def begin(self, waiting: Waiting, work: Coroutine[Any, Any, None]) -> None:
        """Begin to work on a row."""
        self._places.take(waiting.owner)
        self._tasks[waiting.n] = task = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._let_go(waiting))

    async def serve(
        self, bus: Bus, topic: str, claim: Callable[[], Awaitable[None]], extend: Callable[[], Awaitable[None]]
    ) -> None:
        """Claim whenever the topic says that there is work, and extend the leases, until cancelled; then all tasks are
        cancelled, too."""
        extending = asyncio.create_task(self._extend(extend))
        try:
            with bus.subscribe(topic) as ear:
                while True:
                    try:
                        await claim()
                    except Unavailable:
                        self._log.exception("the store is not available; trying again")
                    await ear.wait(self._look)
        finally:
            extending.cancel()
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(extending, *self._tasks.values(), return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Wait for the tasks to finish, `seconds` at the most."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=seconds)

    def _let_go(self, waiting: Waiting) -> None:
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
                except Unavailable:
                    self._log.exception("leases could not be extended")
