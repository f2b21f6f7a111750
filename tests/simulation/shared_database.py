"""The real store on PostgreSQL in a world: its commits take as long as the seed says, and its clients can die.

The store needs a loop and a network of its own, which a thread has. The time of a world stands still while it waits
for an answer, so the same seed makes the same world as long as the server does the same.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

import asyncpg

from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.ports.store import AnyRow, Op, R, RowQuery, StoreError, StoreView, Value
from tests.simulation.database import COMMIT_SECONDS
from tests.timeouts import EVENT_TIMEOUT

T = TypeVar("T")
EMPTY = "DELETE FROM users; DELETE FROM configs"
"""Unlike TRUNCATE, this takes no time for tables that are empty."""


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    owner: str | None
    ops: Sequence[Op]
    done: "asyncio.Future[list[AnyRow | None]]"


class _RealTime:
    """A loop in a thread, with the time and the network of this machine."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for something, without letting the time of the world pass."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(EVENT_TIMEOUT)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class SharedDatabase:
    """A store whose writing process can die, and that is emptied for the next world.

    A process that dies leaves the first of its groups committed, as many as it happens, and the others not.
    """

    exclusive = False

    def __init__(self, url: str) -> None:
        self._url = url
        self._real = _RealTime()
        self._store = PostgresStore(url, pool=2)
        self._look: asyncpg.Connection | None = None
        self._random = Random(0)
        self._waiting: list[_Group] = []
        self._timer: asyncio.TimerHandle | None = None

    def open_once(self) -> None:
        """Open it in real time."""
        if self._look is None:
            self._real.run(self._store.open())
            self._look = self._real.run(asyncpg.connect(self._url))

    def end(self) -> None:
        """Disconnect."""
        if self._look is not None:
            self._real.run(self._store.close())
            self._real.run(self._look.close())
        self._real.close()

    async def start(self, random: Random) -> None:
        """Begin to write, as a new process does."""
        self._random = random

    def crash(self) -> None:
        """Lose the process: its groups are committed up to some point, and nothing is told of that."""
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting, self._timer = self._waiting, [], None
        for group in waiting[: self._random.randint(0, len(waiting))]:
            with suppress(StoreError):  # rejected, as it would have been
                self._commit(group)

    def empty(self) -> None:
        """Forget everything."""
        assert self._look is not None
        self._real.run(self._look.execute(EMPTY))

    def look(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What is committed, for those who look often."""
        assert self._look is not None
        for number in range(len(values)):
            sql = sql.replace("?", f"${number + 1}", 1)
        return [tuple(row) for row in self._real.run(self._look.fetch(sql, *values))]

    def rows(self, query: RowQuery[R], params: Mapping[str, Value]) -> list[R]:
        """The rows of a named query."""
        return self._real.run(self._store.all(query, **params))

    def of(self, owner: str) -> StoreView:
        """Return the view of one owner."""
        return _View(self, self._store.of(owner), owner)

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        """Return the first row of a named query, or None."""
        return self._real.run(self._store.one(query, **params))

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        """Return all rows of a named query."""
        return self.rows(query, params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        """Return the first rows of a named query."""
        return self._real.run(self._store.up_to(query, max_bytes, **params))

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group after a while, in the order of the calls."""
        return await self.write_of(None, ops)

    async def write_of(self, owner: str | None, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group with each operation bound to an owner, if there is one."""
        loop = asyncio.get_running_loop()
        group = _Group(owner, ops, loop.create_future())
        self._waiting.append(group)
        if self._timer is None:
            self._timer = loop.call_later(self._random.choice(COMMIT_SECONDS), self._commit_all)
        return await group.done

    async def flush(self) -> None:
        """Wait until each earlier group is written or rejected."""
        await self.write(())

    async def now(self) -> float:
        """Return the time of the server."""
        return self._real.run(self._store.now())

    async def open(self) -> None:
        """Do nothing: it stays open from one world to the next."""

    async def close(self) -> None:
        """Do nothing."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for an answer of the store."""
        return self._real.run(work)

    def _commit_all(self) -> None:
        waiting, self._waiting, self._timer = self._waiting, [], None
        for group in waiting:
            try:
                result = self._commit(group)
            except Exception as error:  # noqa: BLE001 whatever the store raises belongs to the caller
                if not group.done.done():
                    group.done.set_exception(error)
            else:
                if not group.done.done():
                    group.done.set_result(result)

    def _commit(self, group: _Group) -> list[AnyRow | None]:
        return self._real.run(self._store.write_of(group.owner, group.ops))


class _View:
    """What one owner sees and writes."""

    def __init__(self, db: SharedDatabase, view: StoreView, owner: str) -> None:
        self._db = db
        self._view = view
        self._owner = owner

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        return self._db.run(self._view.one(query, **params))

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        return self._db.run(self._view.all(query, **params))

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        return self._db.run(self._view.up_to(query, max_bytes, **params))

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        return await self._db.write_of(self._owner, ops)
