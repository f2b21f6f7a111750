"""Connections to a PostgreSQL server: how they are made, and which errors of theirs mean what."""

import asyncio
import random
from typing import Any

import asyncpg

from projectdavid.adapters.stores.postgres.moves import exclude_moves
from projectdavid.ports.store import StoreUnavailable

PATIENCE = 10.0
"""Seconds for which a lost server is waited for."""
LONGEST_WAIT = 2.0
"""Maximum seconds between two attempts."""
SETTINGS = {
    "application_name": "projectdavid",
    # A frozen process keeps its locks only for so long.
    "idle_in_transaction_session_timeout": "5s",
    "statement_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
COMMAND_TIMEOUT = 40.0
"""Seconds after which a server that does not answer counts as lost."""
DRIVER_ERRORS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Whatever the driver raises; of a connection that has just been lost it says that another operation is in progress."""
CONFLICTS = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidCachedStatementError,
)
"""Errors of a transaction that can simply be run again."""
MISTAKES = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.PostgresSyntaxError,
    asyncpg.SyntaxOrAccessError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
)
"""Errors of a single group: its caller receives the error, and the other groups continue."""


class Connection(asyncpg.Connection):
    """A connection that keeps its state when it returns to the pool; resetting it would cost a round trip."""

    def get_reset_query(self) -> str:
        """Return no statement: nothing here changes the state of a session."""
        return ""


async def connect(url: str) -> asyncpg.Connection:
    """Open a connection of a store.

    Raises:
        StoreUnavailable: the server refuses it for a reason that waiting does not mend, or the data is being moved.
    """
    connection = await open_connection(url)
    try:
        await exclude_moves(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


async def open_connection(url: str) -> asyncpg.Connection:
    """Open a connection, also while the data is being moved.

    Raises:
        StoreUnavailable: the server refuses it for a reason that waiting does not mend.
    """
    try:
        connection = await asyncpg.connect(url, connection_class=Connection, **OPTIONS)
    except ValueError:  # its message can quote a part of the URL, and with it the password
        raise StoreUnavailable("the URL of the database is invalid", "check database_url") from None
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise StoreUnavailable(f"PostgreSQL refuses the user: {error}", "check the user and the password") from None
    except asyncpg.InvalidCatalogNameError as error:
        raise StoreUnavailable(f"PostgreSQL has no such database: {error}", "create it with createdb") from None
    await prepare(connection)
    return connection


OPTIONS: dict[str, Any] = {
    "command_timeout": COMMAND_TIMEOUT,
    "timeout": 10.0,
    "server_settings": SETTINGS,
    "statement_cache_size": 1024,
    "max_cached_statement_lifetime": 0,
}


async def prepare_pooled(connection: asyncpg.Connection) -> None:
    """Prepare a connection of a pool."""
    await prepare(connection)
    await exclude_moves(connection)


async def prepare(connection: asyncpg.Connection) -> None:
    """Make a connection return numbers as the records have them."""
    await connection.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text")
    await connection.set_type_codec("bool", schema="pg_catalog", encoder=str, decoder=_flag, format="text")


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _flag(text: str) -> int:
    return int(text == "t")


def is_lost(error: BaseException) -> bool:
    """Whether an error means that the server or the connection is gone for now."""
    return isinstance(
        error,
        OSError  # with TimeoutError and ConnectionError
        | asyncpg.InterfaceError
        | asyncpg.InternalClientError
        | asyncpg.PostgresConnectionError
        | asyncpg.OperatorInterventionError
        | asyncpg.TooManyConnectionsError
        | asyncpg.ReadOnlySQLTransactionError,
    )


def unavailable(error: BaseException) -> StoreUnavailable:
    """Build the error for callers; it does not name the address, which can contain a password."""
    if isinstance(error, asyncpg.PostgresError):
        return StoreUnavailable(f"PostgreSQL: {error.args[0] if error.args else type(error).__name__}")
    return StoreUnavailable(f"PostgreSQL cannot be reached ({type(error).__name__})", "check that it runs")


class Patience:
    """Waits between attempts, at most `PATIENCE` seconds in all."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadline = self._loop.time() + PATIENCE
        self._wait = 0.05

    async def retry_after(self, error: BaseException) -> None:
        """Wait for the next attempt.

        Raises:
            StoreUnavailable: it has taken too long.
        """
        left = self._deadline - self._loop.time()
        if left <= 0:
            raise unavailable(error) from error
        await asyncio.sleep(min(left, self._wait * random.uniform(0.5, 1.0)))  # noqa: S311
        self._wait = min(2 * self._wait, LONGEST_WAIT)
