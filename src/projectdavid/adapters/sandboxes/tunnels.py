"""The host's end of a session's tunnel: a function serves each connection of a program inside."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Protocol

from projectdavid.adapters.sandboxes.agent.frames import MalformedFrame
from projectdavid.adapters.sandboxes.agent.tunnel import MOST, PIECE, WINDOW
from projectdavid.adapters.sandboxes.wire import (
    OfTunnel,
    TunnelData,
    TunnelEnded,
    TunnelGone,
    TunnelOpened,
    TunnelTaken,
)
from projectdavid.ports.sandbox import Tunnel


class _Send(Protocol):
    def __call__(self, kind: str, body: bytes = b"", **fields: object) -> Awaitable[None]: ...


class TunnelServer:
    """Serves connections until it is closed; an agent that exceeds the limits violates the protocol."""

    def __init__(self, serve: Tunnel, send: _Send) -> None:
        self._serve = serve
        self._send = send
        self._last = 0
        self._connections: dict[int, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, said: OfTunnel, body: bytes) -> None:
        """Handle a frame about a connection.

        Raises:
            MalformedFrame: it violates the protocol.
        """
        if isinstance(said, TunnelOpened):
            if said.id <= self._last or len(self._connections) > 2 * MOST:
                raise MalformedFrame("too many connections")
            self._last = said.id
            connection = self._connections[said.id] = _Connection(said.id, self._send)
            task = asyncio.create_task(self._attend(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if said.id > self._last:
            raise MalformedFrame("no such connection")
        # A connection that was already closed here can still receive frames.
        if (connection := self._connections.get(said.id)) is not None:
            connection.take(said, body)

    async def close(self) -> None:
        """Close all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attend(self, connection: "_Connection") -> None:
        try:
            await self._serve(connection.read, connection.write)
        except ConnectionError:
            pass  # the program inside is gone
        finally:
            del self._connections[connection.id]
            await self._send("tunnel_end", id=connection.id)


class _Connection:
    """One connection: its unread bytes, and its send window."""

    def __init__(self, number: int, send: _Send) -> None:
        self.id = number
        self._send = send
        self._in: deque[bytes] = deque()
        self._size = 0
        self._ended = self._gone = False
        self._window = WINDOW
        self._news = asyncio.Event()
        self._taken = asyncio.Event()

    async def read(self) -> bytes:
        """Return received bytes; b"" at the end."""
        while not self._in and not self._ended:
            self._news.clear()
            await self._news.wait()
        if not self._in:
            return b""
        data = self._in.popleft()
        self._size -= len(data)
        await self._send("tunnel_taken", id=self.id, size=len(data))
        return data

    async def write(self, data: bytes) -> None:
        """Send bytes; waits until the program inside has read enough of the earlier ones.

        Raises:
            ConnectionResetError: the program is gone.
        """
        while data:
            while self._window <= 0 and not self._gone:
                self._taken.clear()
                await self._taken.wait()
            if self._gone:
                raise ConnectionResetError("The program inside is gone.")
            piece = data[: min(PIECE, self._window)]
            data = data[len(piece) :]
            self._window -= len(piece)
            await self._send("tunnel_data", piece, id=self.id)

    def take(self, said: OfTunnel, body: bytes) -> None:
        """Handle a frame about it.

        Raises:
            MalformedFrame: it exceeds the window.
        """
        match said:
            case TunnelData():
                self._size += len(body)
                if self._size > WINDOW or not body or self._ended:
                    raise MalformedFrame("the window was exceeded")
                self._in.append(body)
            case TunnelTaken(size=size):
                self._window = min(WINDOW, self._window + size)
                self._taken.set()
            case TunnelEnded():
                self._ended = True
            case TunnelGone():
                self._ended = self._gone = True
                self._taken.set()
            case TunnelOpened():
                pass
        self._news.set()
