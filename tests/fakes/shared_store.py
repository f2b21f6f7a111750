"""A store that several sets of components share, as processes share a database server."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.ports.store import AnyRow, StoreUnavailable


class SharedStore(SQLiteStore):
    """A store that several servers open at once; `die` leaves it as a process that is killed does."""

    exclusive = False

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path)
        self._clock = clock
        self.is_dead = False

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
