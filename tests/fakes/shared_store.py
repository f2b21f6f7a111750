"""A store that several sets of components share, as processes share a database server."""

import asyncio
import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.ports.store import AnyRow, StoreUnavailable


class SharedStore(SQLiteStore):
    """A store that several servers open at once; `die` leaves it as a process that is killed does."""

    exclusive = False

    def __init__(self, path: Path, clock: Callable[[], float] = lambda: time.time()) -> None:
        super().__init__(path)
        self._start_lock = path.with_suffix(".start")
        self._clock = clock
        self.is_dead = False

    async def open(self) -> None:
        """Open in turn: SQLite cannot enable its write-ahead log, or migrate, on two connections at once."""
        self._start_lock.parent.mkdir(parents=True, exist_ok=True)
        with self._start_lock.open("w") as turn:
            await asyncio.to_thread(fcntl.flock, turn, fcntl.LOCK_EX)
            await super().open()

    def _hold(self) -> int:
        return -1

    async def now(self) -> float:
        return self._clock()

    def die(self) -> None:
        self.is_dead = True

    def read(self, *arguments: Any) -> list[Any]:
        self._see_alive()
        return super().read(*arguments)

    async def write_of(self, owner: str | None, ops: Any) -> list[AnyRow | None]:
        self._see_alive()
        return await super().write_of(owner, ops)

    def _see_alive(self) -> None:
        if self.is_dead:
            raise StoreUnavailable("the process is dead")
