"""Connections of the index to PostgreSQL, which are replaced when they are lost."""

from __future__ import annotations

import asyncio
import importlib.util
import time
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeVar

from projectdavid.distribution import DISTRIBUTION
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.index import IndexUnavailable

if TYPE_CHECKING:
    import asyncpg
    from asyncpg.pool import Pool, PoolConnectionProxy

    IndexConnection = PoolConnectionProxy
else:
    asyncpg = LazyModule("asyncpg")

MISSING = f"PostgreSQL needs a library that is not installed: pip install '{DISTRIBUTION}[postgres]'"
TIMEOUT = 10.0
"""Seconds for a statement, for a connection, and for closing."""
LONG_TIMEOUT = 3600.0
"""Seconds for a maintenance statement."""
SESSION = MappingProxyType(
    {
        "application_name": "projectdavid-index",
        "jit": "off",  # compiling takes longer than these statements
        "enable_seqscan": "off",  # every statement has an index, also before the first ANALYZE
        "plan_cache_mode": "force_generic_plan",  # planning takes longer than most of these statements
        "statement_timeout": "30s",
        "lock_timeout": "5s",
        "idle_in_transaction_session_timeout": "30s",
        "tcp_keepalives_idle": "5",
        "tcp_keepalives_interval": "2",
        "tcp_keepalives_count": "3",
    }
)
_AGAIN = frozenset({"08", "40001", "40P01", "53300", "55P03", "57P01", "57P02", "57P03", "0A000"})
"""Codes and classes after which a transaction is repeated; 0A000 is a plan that a migration made invalid."""
_MISTAKES = frozenset({"21", "22", "23", "42"})
"""Classes of mistakes in a statement or its parameters."""
_NOT_MIGRATED = frozenset({"3F000", "42P01", "42501"})
"""Codes of class 42 and others that say what the database lacks: schema, table, privilege."""

T = TypeVar("T")


class IndexPool:
    """A few connections to one database.

    Each transaction is repeated while the database cannot be reached, up to `patience` seconds. It must be idempotent,
    because its outcome is unknown if the connection is lost during the commit.

    Raises:
        ValueError: the library is not installed.
    """

    def __init__(self, url: str, size: int, patience: float) -> None:
        if importlib.util.find_spec("asyncpg") is None:
            raise ValueError(MISSING)
        self._url = url
        self._size = size
        self._patience = patience
        self._pool: Pool | None = None

    async def open(self) -> None:
        """Connect once.

        Raises:
            IndexUnavailable: the database cannot be reached.
        """

        async def connect() -> Pool:
            return await asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._size,
                timeout=TIMEOUT,
                command_timeout=TIMEOUT,
                server_settings=dict(SESSION),
            )

        self._pool = await self._repeat(connect)

    async def close(self) -> None:
        """Close all connections once their transactions have ended."""
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), TIMEOUT)
            except TimeoutError:
                pool.terminate()

    async def write(self, work: Callable[[IndexConnection], Awaitable[T]]) -> T:
        """Run a function in a transaction.

        Raises:
            IndexUnavailable: the database cannot be used.
        """
        return await self._transact(work, "read_committed")

    async def read(self, work: Callable[[IndexConnection], Awaitable[T]]) -> T:
        """Run a function that sees one snapshot.

        Raises:
            IndexUnavailable: the database cannot be used.
        """
        return await self._transact(work, "repeatable_read", readonly=True)

    async def maintain(self, *statements: str) -> None:
        """Execute statements that can take long, outside of a transaction.

        Raises:
            IndexUnavailable: the database cannot be used.
        """

        async def execute() -> None:
            async with self._opened().acquire(timeout=TIMEOUT) as connection:
                await connection.execute("SET statement_timeout = 0")
                for statement in statements:
                    await connection.execute(statement, timeout=LONG_TIMEOUT)

        await self._repeat(execute)

    async def _transact(
        self,
        work: Callable[[IndexConnection], Awaitable[T]],
        isolation: Literal["read_committed", "repeatable_read"],
        *,
        readonly: bool = False,
    ) -> T:
        async def run() -> T:
            async with (
                self._opened().acquire(timeout=TIMEOUT) as connection,
                connection.transaction(isolation=isolation, readonly=readonly),
            ):
                return await work(connection)

        return await self._repeat(run)

    async def _repeat(self, run: Callable[[], Awaitable[T]]) -> T:
        end, pause = time.monotonic() + self._patience, 0.1
        while True:
            try:
                return await run()
            except TimeoutError as error:
                raise IndexUnavailable("PostgreSQL did not answer in time") from error
            except (
                OSError,
                asyncpg.InterfaceError,
                asyncpg.InternalClientError,  # of a connection that has just been lost
                asyncpg.TargetServerAttributeNotMatched,
            ) as error:
                if isinstance(error, ValueError):  # the URL or a parameter is invalid
                    raise
                failure: Exception = error
            except asyncpg.PostgresError as error:
                _check_transient(error)
                failure = error
            if time.monotonic() + pause > end:
                raise IndexUnavailable(f"PostgreSQL cannot be reached: {_describe(failure)}") from failure
            await asyncio.sleep(pause)
            pause = min(2 * pause, 2.0)

    def _opened(self) -> Pool:
        if self._pool is None:
            raise IndexUnavailable("the index is not open")
        return self._pool


def _check_transient(error: asyncpg.PostgresError) -> None:
    """Return if the transaction can be repeated.

    Raises:
        IndexUnavailable: the database cannot be used.
        PostgresError: the statement is wrong.
    """
    code: str = getattr(error, "sqlstate", None) or ""
    if code in _AGAIN or code[:2] in _AGAIN:
        return
    if code[:2] in _MISTAKES and code not in _NOT_MIGRATED:
        raise error
    raise IndexUnavailable(f"PostgreSQL refused: {_describe(error)}") from error


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
