"""The only network access of a session: a local port whose connections travel as frames to the host, which decides."""

import contextlib
import select
import socket
from collections import deque
from collections.abc import Iterator
from typing import Any

from .channel import AgentChannel
from .event_loop import Interest

WINDOW = 256 << 10
"""Unacknowledged bytes per connection and direction."""
PIECE = 32 << 10
MOST = 64
"""Simultaneous connections; more wait until one closes."""


class AgentTunnel:
    """Listens on the loopback of the session."""

    def __init__(self, channel: AgentChannel, port: int) -> None:
        self._channel = channel
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(MOST)
        self.port = int(self._listener.getsockname()[1])
        self._next = 1
        self._connections: dict[int, _Connection] = {}

    def interests(self) -> Iterator[Interest]:
        """What the loop waits for."""
        if len(self._connections) < MOST:
            yield self._listener.fileno(), select.POLLIN, lambda _events: self._accept()
        for connection in self._connections.values():
            events = connection.events(crowded=self._channel.crowded)
            # Without events, a reset connection would wake the loop forever.
            if events:
                yield connection.fileno(), events, lambda got, one=connection: self._on(one, got)

    def on_frame(self, header: dict[str, Any], body: bytes) -> None:
        """Handle a frame of the host about a connection, which can already be closed here."""
        connection = self._connections.get(int(header["id"]))
        if connection is None:
            return
        match header["type"]:
            case "tunnel_data":
                connection.to_write.append(body)
                self._on(connection, select.POLLOUT)
            case "tunnel_taken":
                connection.window += int(header["size"])
            case "tunnel_end":
                connection.ending = True
                self._on(connection, select.POLLOUT)
            case _:
                pass

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            accepted, _ = self._listener.accept()
            connection = _Connection(self._next, accepted)
            self._connections[self._next] = connection
            self._next += 1
            self._channel.send("tunnel_open", id=connection.id)

    def _on(self, connection: "_Connection", events: int) -> None:
        if connection.id not in self._connections:
            return
        try:
            if events & select.POLLOUT and (taken := connection.write()):
                self._channel.send("tunnel_taken", id=connection.id, size=taken)
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR) and connection.reads:
                self._read(connection)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection, told="tunnel_gone")
            return
        if connection.ending and not connection.to_write:
            self._drop(connection, told="tunnel_gone")

    def _read(self, connection: "_Connection") -> None:
        data = connection.socket.recv(min(PIECE, connection.window))
        connection.window -= len(data)
        if data:
            self._channel.send("tunnel_data", data, id=connection.id)
        else:
            connection.read_all = True
            self._channel.send("tunnel_end", id=connection.id)

    def _drop(self, connection: "_Connection", told: str) -> None:
        del self._connections[connection.id]
        connection.socket.close()
        self._channel.send(told, id=connection.id)


class _Connection:
    """One connection of a program inside."""

    def __init__(self, number: int, accepted: socket.socket) -> None:
        self.id = number
        self.socket = accepted
        self.socket.setblocking(False)
        self.to_write: deque[bytes] = deque()
        self.window = WINDOW
        self.ending = False
        """The host sends nothing more."""
        self.read_all = False

    def fileno(self) -> int:
        """Its file descriptor."""
        return self.socket.fileno()

    @property
    def reads(self) -> bool:
        """True if more can be read and the host accepts it."""
        return self.window > 0 and not self.read_all

    def events(self, *, crowded: bool) -> int:
        """The events to wait for."""
        return (select.POLLIN if self.reads and not crowded else 0) | (select.POLLOUT if self.to_write else 0)

    def write(self) -> int:
        """Write as much as possible; returns the number of bytes."""
        taken = 0
        while self.to_write:
            try:
                written = self.socket.send(self.to_write[0])
            except BlockingIOError:
                break
            taken += written
            self.to_write[0] = self.to_write[0][written:]
            if not self.to_write[0]:
                self.to_write.popleft()
        return taken
