"""The host's end of a session's tunnel: each connection that a program inside made is served by a function."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Protocol

from projectdavid.ports.sandbox import Tunnel
from projectdavid.sandboxes.agent.frames import Malformed
from projectdavid.sandboxes.agent.tunnel import MOST, PIECE, WINDOW
from projectdavid.sandboxes.wire import OfTunnel, TunnelData, TunnelEnded, TunnelGone, TunnelOpened, TunnelTaken


class _Send(Protocol):
    def __call__(self, kind: str, body: bytes = b"", **fields: object) -> Awaitable[None]: ...


class Tunnels:
    """Serves connections until it is closed; an agent that opens too many, or sends too much, is not believed."""

    def __init__(self, serve: Tunnel, send: _Send) -> None:
        self._serve = serve
        self._send = send
        self._last = 0
        self._connections: dict[int, _Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, said: OfTunnel, body: bytes) -> None:
        """The agent says something about a connection.

        Raises:
            Malformed: it cannot be so.
        """
        if isinstance(said, TunnelOpened):
            if said.id <= self._last or len(self._connections) > 2 * MOST:
                raise Malformed("too many connections")
            self._last = said.id
            connection = self._connections[said.id] = _Connection(said.id, self._send)
            task = asyncio.create_task(self._attend(connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        if said.id > self._last:
            raise Malformed("no such connection")
        # One that has been served to its end here may still be heard of.
        if (connection := self._connections.get(said.id)) is not None:
            connection.take(said, body)

    async def close(self) -> None:
        """Break off all connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _attend(self, connection: "_Connection") -> None:
        try:
            await self._serve(connection.read, connection.write)
        except ConnectionError:
            pass  # the program inside has gone
        finally:
            del self._connections[connection.id]
            await self._send("tunnel_end", id=connection.id)


class _Connection:
    """One connection: what came over it and was not read yet, and how much may be sent."""

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
        """What came; b"" at its end."""
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
        """Send; waits while the program inside does not take what was sent before.

        Raises:
            ConnectionResetError: the program has gone.
        """
        while data:
            while self._window <= 0 and not self._gone:
                self._taken.clear()
                await self._taken.wait()
            if self._gone:
                raise ConnectionResetError("The program inside has gone.")
            piece = data[: min(PIECE, self._window)]
            data = data[len(piece) :]
            self._window -= len(piece)
            await self._send("tunnel_data", piece, id=self.id)

    def take(self, said: OfTunnel, body: bytes) -> None:
        """The agent says something about it.

        Raises:
            Malformed: there is more under way than may be.
        """
        match said:
            case TunnelData():
                self._size += len(body)
                if self._size > WINDOW or not body or self._ended:
                    raise Malformed("too much under way")
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
