"""Limits of connections, and the registry of idle connections."""

import asyncio
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Limits of a connection.

    `head_bytes`, `head_fields` and `head_seconds` bound the request line with its headers; `head_bytes` also bounds a
    trailer and the chunk extensions of a body. `body_seconds` is the longest silence within a body, `idle_seconds` the
    keep-alive time after a response, and `idle` the maximum number of idle connections.
    """

    head_bytes: int = 64 * 1024
    head_fields: int = 100
    head_seconds: float = 20
    body_seconds: float = 60
    idle_seconds: float = 180
    idle: int = 1024


class IdleConnection(Protocol):
    """A connection that can be closed while it is idle."""

    @property
    def has_begun(self) -> bool:
        """True if a request head is partially received; it has its own time limit."""
        ...

    def close_idle(self) -> None:
        """Close the connection."""
        ...


class IdleConnections:
    """Connections without a request, oldest first.

    One timer serves all of them, because a timer for each request would cost as much as parsing the request.
    """

    def __init__(self, limits: HttpLimits) -> None:
        self._most = limits.idle
        self._seconds = limits.idle_seconds
        self._since: dict[IdleConnection, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: IdleConnection, loop: asyncio.AbstractEventLoop) -> None:
        """Add a connection, and close the oldest if there are too many."""
        self._since.pop(connection, None)
        self._since[connection] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._close_expired, loop)
        if len(self._since) > self._most:
            self._close(next(iter(self._since)))

    def discard(self, connection: IdleConnection) -> None:
        """Remove a connection that received a request or was closed."""
        self._since.pop(connection, None)

    def _close_expired(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        for connection, since in list(self._since.items()):
            left = since + self._seconds - loop.time()
            if left > 0:
                self._timer = loop.call_later(left, self._close_expired, loop)
                return
            if connection.has_begun:
                self.add(connection, loop)
            else:
                self._close(connection)

    def _close(self, connection: IdleConnection) -> None:
        del self._since[connection]
        connection.close_idle()
