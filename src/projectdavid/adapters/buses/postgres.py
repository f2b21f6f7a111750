"""The bus over LISTEN and NOTIFY of PostgreSQL."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from projectdavid.adapters.buses.remote import BusUnavailable, RemoteBus
from projectdavid.distribution import DISTRIBUTION
from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    import asyncpg
else:
    asyncpg = LazyModule("asyncpg")

MISSING = f"PostgreSQL needs a library that is not installed: pip install '{DISTRIBUTION}[postgres]'"
MAX_BYTES = 7_900
"""PostgreSQL accepts payloads below 8,000 bytes."""
CLOSE_TIMEOUT = 2.0
NOTIFY = "SELECT pg_notify($1, message) FROM unnest($2::text[]) AS message"
SETTINGS = {"application_name": "projectdavid bus", "idle_session_timeout": "0"}
"""A connection that listens is idle most of the time, and must not be closed for that."""


class PostgresBus(RemoteBus):
    """A bus between the processes that use one database, on a connection of its own.

    The connection must be direct: notifications do not pass a proxy that pools transactions. Hints are sent outside of
    the store's transactions, because NOTIFY in a transaction serializes all commits.

    Args:
        url: the database, `postgresql://user:password@host:port/database`.
        channel: the channel that all processes of an installation share.

    Raises:
        ValueError: the library is not installed.
    """

    def __init__(self, url: str, channel: str = "projectdavid") -> None:
        if importlib.util.find_spec("asyncpg") is None:
            raise ValueError(MISSING)
        self._url = url
        self._channel = channel
        super().__init__("PostgreSQL", self._listen, MAX_BYTES)

    async def _listen(self, receive: Callable[[str], None], lose: Callable[[], None]) -> _PostgresConnection:
        try:
            connection = await asyncpg.connect(self._url, server_settings=SETTINGS)
            try:
                connection.add_termination_listener(lambda _: lose())
                await connection.add_listener(self._channel, lambda *arguments: receive(arguments[3]))
            except BaseException:
                connection.terminate()
                raise
        except ValueError:  # its message can quote a part of the URL, and with it the password
            raise BusUnavailable("the URL of the database is invalid") from None
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise _to_unavailable(error) from None
        return _PostgresConnection(connection, self._channel)


class _PostgresConnection:
    def __init__(self, connection: asyncpg.Connection, channel: str) -> None:
        self._connection = connection
        self._channel = channel

    @property
    def is_closed(self) -> bool:
        return self._connection.is_closed()

    async def send(self, messages: Sequence[str]) -> None:
        try:
            await self._connection.execute(NOTIFY, self._channel, list(messages))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise _to_unavailable(error) from None

    async def close(self) -> None:
        try:
            await self._connection.close(timeout=CLOSE_TIMEOUT)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self._connection.terminate()


def _to_unavailable(error: Exception) -> BusUnavailable:
    if isinstance(error, TimeoutError):
        return BusUnavailable("PostgreSQL does not answer")
    if isinstance(error, OSError):
        return BusUnavailable(error.strerror or "the connection failed")
    return BusUnavailable(str(error))
