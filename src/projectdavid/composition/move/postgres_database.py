"""A PostgreSQL database as one side of a move, closed to servers until the move ends."""

import time
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import asyncpg

from projectdavid.adapters.stores.postgres.connections import open_connection
from projectdavid.adapters.stores.postgres.migrations import migrate
from projectdavid.adapters.stores.postgres.moves import MOVE_LOCK, MOVE_STATE, MOVED
from projectdavid.adapters.stores.postgres.queries import escape, unescape
from projectdavid.composition.move.tables import MovedTable, MoveError, Row, list_tables, quote

PREFETCH = 200
"""Rows that one request reads."""


class PostgresDatabase:
    """A database that this process has for itself."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection

    async def lock(self) -> None:
        """Exclude all servers, until the connection ends.

        Raises:
            MoveError: one uses the database.
        """
        await self.connection.execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        if not await self.connection.fetchval("SELECT pg_try_advisory_lock($1)", MOVE_LOCK):
            problem = "the PostgreSQL database is in use by a server, a worker or another move"
            raise MoveError(problem, "stop all servers and workers, and try again")

    async def close(self) -> None:
        """Disconnect, which releases the lock."""
        await self.connection.close(timeout=10)

    async def migrate(self) -> None:
        """Apply the pending migrations.

        Raises:
            StoreUnavailable: a newer version of the platform wrote the schema.
        """
        await migrate(self.connection)

    async def find_rows(self) -> str | None:
        """Return the name of a table that has rows; None if the database is empty."""
        for table in ("search.editions", *(table.name for table in list_tables())):
            if await self.connection.fetchval("SELECT to_regclass($1)::text", table) is not None and (
                await self.connection.fetchval(f"SELECT EXISTS (SELECT FROM {table})")  # noqa: S608
            ):
                return table
        return None

    async def load_state(self) -> dict[str, str] | None:
        """Return the recorded steps."""
        if await self.connection.fetchval("SELECT to_regclass($1)::text", MOVE_STATE) is None:
            return None
        return {step: state for step, state in await self.connection.fetch(f"SELECT step, state FROM {MOVE_STATE}")}  # noqa: S608, C416

    async def begin(self, source: str) -> None:
        """Stop counting inserted rows, because the counts are copied, and record the source."""
        async with self.connection.transaction():
            await self._create_state()
            for table in list_tables():
                await self.connection.execute(f"ALTER TABLE {table.name} DISABLE TRIGGER USER")
            await self.save_state("source", source)

    async def _create_state(self) -> None:
        await self.connection.execute(f"CREATE TABLE {MOVE_STATE} (step text PRIMARY KEY, state text NOT NULL)")

    async def save_state(self, step: str, state: str) -> None:
        """Record a step."""
        await self.connection.execute(
            f"INSERT INTO {MOVE_STATE} (step, state) VALUES ($1, $2)"  # noqa: S608
            " ON CONFLICT (step) DO UPDATE SET state = excluded.state",
            step,
            escape(state),
        )

    async def rows(self, table: MovedTable, after: Sequence[Any] | None = None) -> AsyncGenerator[Row]:
        """Yield the rows after a key."""
        key = quote(table.key)
        values = [escape(value) if isinstance(value, str) else value for value in after or ()]
        where = f"WHERE ({key}) > ({', '.join(f'${n + 1}' for n in range(len(values)))})" if values else ""
        query = f"SELECT {quote(table.columns)} FROM {table.name} {where} ORDER BY {key}"  # noqa: S608 - our own names
        async with self.connection.transaction(readonly=True):
            async for row in self.connection.cursor(query, *values, prefetch=PREFETCH):
                yield tuple(map(unescape, row))

    async def count(self, table: MovedTable) -> int:
        """Return the number of rows."""
        query = f"SELECT count(*) FROM {table.name}"  # noqa: S608
        return int(await self.connection.fetchval(query, timeout=3600) or 0)

    async def add(self, table: MovedTable, rows: Sequence[Row], step: str, state: str) -> None:
        """Insert rows and record a step."""
        records = [tuple(escape(value) if isinstance(value, str) else value for value in row) for row in rows]
        async with self.connection.transaction():
            await self.connection.copy_records_to_table(table.name, columns=list(table.columns), records=records)
            await self.save_state(step, state)

    async def read_numbers(self) -> dict[str, int]:
        """Return the highest number that each numbered table has ever given."""
        numbers: dict[str, int] = {}
        for table in list_tables():
            if table.is_numbered:
                sequence = await self._find_sequence(table.name)
                query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608
                numbers[table.name] = int(await self.connection.fetchval(query) or 0)
        return numbers

    async def set_numbers(self, numbers: dict[str, int]) -> None:
        """Continue each numbered table after a number."""
        for name, number in numbers.items():
            if number:
                sequence = await self._find_sequence(name)
                await self.connection.execute("SELECT setval($1::text::regclass, $2)", sequence, number)

    async def _find_sequence(self, table: str) -> str:
        return str(await self.connection.fetchval("SELECT pg_get_serial_sequence($1, 'n')", table))

    async def find_fact(self, key: str) -> str | None:
        """Return a fact about the installation; None if it is not known."""
        return await self.connection.fetchval("SELECT value FROM meta WHERE key = $1", key)

    async def retire(self) -> None:
        """Close the database to servers for good, because its data was moved."""
        async with self.connection.transaction():
            await self._create_state()
            await self.save_state(MOVED, str(int(time.time())))

    async def publish(self) -> None:
        """End the move: count inserted rows again, and open the database to servers."""
        async with self.connection.transaction():
            for table in list_tables():
                await self.connection.execute(f"ALTER TABLE {table.name} ENABLE TRIGGER USER")
            await self.connection.execute(f"DROP TABLE {MOVE_STATE}")
        for table in list_tables():
            await self.connection.execute(f"ANALYZE {table.name}", timeout=3600)


async def open_postgres(url: str) -> PostgresDatabase:
    """Connect, and exclude all servers.

    Raises:
        MoveError: a server uses the database.
        StoreUnavailable: the server refuses the connection.
    """
    database = PostgresDatabase(await open_connection(url))
    try:
        await database.lock()
    except BaseException:
        await database.close()
        raise
    return database
