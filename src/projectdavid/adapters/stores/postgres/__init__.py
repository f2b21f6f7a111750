"""The store on a PostgreSQL database, which many processes share: named SQL on asyncpg, one writer per process."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import asyncpg

from projectdavid.adapters.stores.postgres.connections import (
    CONFLICTS,
    DRIVER_ERRORS,
    OPTIONS,
    Connection,
    Patience,
    connect,
    is_lost,
    prepare_pooled,
)
from projectdavid.adapters.stores.postgres.migrations import SCHEMA, Schema, migrate
from projectdavid.adapters.stores.postgres.queries import QUERIES, NamedQuery
from projectdavid.adapters.stores.postgres.sweep import ErasureSweep
from projectdavid.adapters.stores.postgres.writer import GroupWriter, learn
from projectdavid.adapters.stores.queries import SHARED, check_owned, measure
from projectdavid.ports.store import (
    AnyRow,
    CommitObserver,
    Op,
    R,
    RowQuery,
    StoreUnavailable,
    StoreView,
    SweptRows,
    Value,
)

T = TypeVar("T")
POOL = 8
"""Connections for reads; the writer has one more."""
PAGE = 50
"""Rows that `up_to` reads at a time."""


class PostgresStore:
    """A store in a database that processes share.

    `pool` is the number of connections for reads. `observe` is called after each commit. `schema` is that of the
    program; an older one is migrated if the program does not work with it, or with `upgrade`.
    """

    exclusive = False

    def __init__(
        self,
        url: str,
        pool: int = POOL,
        observe: CommitObserver = lambda _, __: None,
        *,
        schema: Schema = SCHEMA,
        upgrade: bool = False,
    ) -> None:
        self._url = url
        self._schema = schema
        self._upgrade = upgrade
        self._observe = observe
        self._size = pool
        self._pool: asyncpg.Pool | None = None
        self._writer: GroupWriter | None = None
        self._sweep = ErasureSweep()

    async def open(self) -> None:
        """Migrate the schema if necessary, and connect.

        Raises:
            StoreUnavailable: the server cannot be reached or refuses, or a newer version wrote the schema.
        """
        patience = Patience()
        while True:
            try:
                connection = await connect(self._url)
                try:
                    await migrate(connection, self._schema, upgrade=self._upgrade)
                finally:
                    await connection.close()
                break
            except DRIVER_ERRORS as error:
                if not is_lost(error) and not isinstance(error, CONFLICTS):
                    raise StoreUnavailable(f"PostgreSQL: {error}") from error
                await patience.retry_after(error)
        self._pool = await asyncpg.create_pool(
            self._url, min_size=0, max_size=self._size, init=prepare_pooled, connection_class=Connection, **OPTIONS
        )
        self._writer = GroupWriter(self._url, self._observe)

    async def close(self) -> None:
        """Commit pending writes, and disconnect."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    def of(self, owner: str) -> StoreView:
        """Return the view of one owner."""
        return _OwnerView(self, owner)

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        """Return the first row of a named query, or None."""
        rows = await self.read(QUERIES[query.name], params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        """Return all rows of a named query."""
        return await self.read(QUERIES[query.name], params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        """Return the first rows of a named query with at most `max_bytes` together, and whether there are more."""
        return await self.read_up_to(QUERIES[query.name], max_bytes, params)

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group, all or nothing, durably."""
        return await self.write_of(None, ops)

    async def write_of(self, owner: str | None, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group with each operation bound to an owner, if there is one."""
        return await self._open_writer().write(ops, owner)

    async def flush(self) -> None:
        """Wait until each group whose `write` was called before is written or rejected."""
        await self.write(())

    async def now(self) -> float:
        """Return the time of the server, in Unix seconds."""
        rows = await self._with_connection(lambda db: db.fetch("SELECT store_time($1)", time.time()))
        return float(rows[0][0])

    async def sweep(self) -> SweptRows | None:
        """Delete some of the hidden rows."""
        return await self._open_writer().run(self._sweep.slice)

    async def left(self, owner: str) -> Mapping[str, int]:
        """Return an owner's number of rows by kind."""
        return await self._with_connection(lambda db: self._sweep.left(db, owner))

    async def checkpoint(self) -> bool:
        """Do nothing: the server overwrites its write-ahead log by itself."""
        self._open_writer()
        return True

    async def free_bytes(self) -> int:
        """Return 0: the server uses the space of deleted rows again by itself."""
        self._open_writer()
        return 0

    async def read(self, query: NamedQuery, params: dict[str, Value]) -> list[Any]:
        """Run a query on committed data."""

        async def work(db: asyncpg.Connection) -> list[Any]:
            await learn(db, query)
            return query.read(await db.fetch(query.sql, *query.bind(params)))

        return await self._with_connection(work)

    async def read_up_to(self, query: NamedQuery, max_bytes: int, params: dict[str, Value]) -> tuple[list[Any], bool]:
        """Run a query like `read`, until its rows exceed `max_bytes`."""

        async def work(db: asyncpg.Connection) -> tuple[list[Any], bool]:
            await learn(db, query)
            found: list[Any] = []
            size = 0
            async with db.transaction(readonly=True):
                async for row in db.cursor(query.sql, *query.bind(params), prefetch=PAGE):
                    (record,) = query.read([row])
                    size += sum(map(measure, record))
                    if found and size > max_bytes:
                        return found, True
                    found.append(record)
            return found, False

        return await self._with_connection(work)

    async def _with_connection(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Run a read; if the server is lost, wait for it and run the read again."""
        patience: Patience | None = None
        while True:
            if self._pool is None:
                raise StoreUnavailable("the store is closed")
            try:
                async with self._pool.acquire() as connection:
                    try:
                        return await work(connection)  # pyright: ignore[reportArgumentType] the proxy has its methods
                    except asyncpg.InternalClientError:
                        connection.terminate()
                        raise
            except DRIVER_ERRORS as error:
                if not is_lost(error) and not isinstance(error, CONFLICTS):
                    raise
                patience = patience or Patience()
                await patience.retry_after(error)

    def _open_writer(self) -> GroupWriter:
        if self._writer is None:
            raise StoreUnavailable("the store is closed")
        return self._writer


class _OwnerView:
    """A view that binds every query to one owner, and rejects queries without an owner as programming errors."""

    def __init__(self, store: PostgresStore, owner: str) -> None:
        self._store = store
        self._owner = owner

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        rows = await self.all(query, **params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        return await self._store.read(_owned_query(query.name), {**params, "owner": self._owner})

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        return await self._store.read_up_to(_owned_query(query.name), max_bytes, {**params, "owner": self._owner})

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        for name in {op.query.name for op in ops} - SHARED:
            _owned_query(name)
        return await self._store.write_of(self._owner, ops)


def _owned_query(name: str) -> NamedQuery:
    query = QUERIES[name]
    check_owned(name, query.owned)
    return query
