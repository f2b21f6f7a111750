"""A minimal HTTP/1.1 client for load: one request at a time on a kept connection, with as little work as possible.

It reads the two kinds of answers that the servers here give: a body of a known length, and a chunked stream.
"""

import asyncio
import json
from dataclasses import dataclass
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

FIRST_TOKEN = b'"content":"w0"'
"""The first token of the fake model, in the words of every server that is measured."""
LAST_CHUNK = b"\r\n0\r\n\r\n"


@dataclass(slots=True)
class Answer:
    """What came back; `first` is when the first token of a stream was seen."""

    status: int
    body: bytes
    first: float = 0.0

    def json(self) -> Any:
        """The body of a plain answer."""
        return json.loads(self.body)


class Connection(asyncio.Protocol):
    """One connection to a server."""

    def __init__(self) -> None:
        self._transport: Any = None
        self._waiter: asyncio.Future[Answer] | None = None
        self._buffer = bytearray()
        self._head = 0
        self._size = 0
        self._chunked = False
        self._first = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(exc or ConnectionError("the server closed the connection"))

    def data_received(self, data: bytes) -> None:
        """Collect until the answer is whole."""
        self._buffer += data
        if not self._head and not self._read_head():
            return
        if self._chunked:
            if not self._first and FIRST_TOKEN in self._buffer:
                self._first = perf_counter()
            if not self._buffer.endswith(LAST_CHUNK):
                return
        elif len(self._buffer) < self._head + self._size:
            return
        answer = Answer(int(self._buffer[9:12]), bytes(self._buffer[self._head :]), self._first)
        self._buffer.clear()
        self._head, self._first = 0, 0.0
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.set_result(answer)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(self._buffer[: end + 2]).lower()
        self._head = end + 4
        self._chunked = b"\r\ntransfer-encoding: chunked\r\n" in head
        _, _, rest = head.partition(b"\r\ncontent-length: ")
        self._size = int(rest.partition(b"\r\n")[0] or 0)
        return True

    def ask(self, request: bytes) -> "asyncio.Future[Answer]":
        """Send one whole request; the future is its answer."""
        self._waiter = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._waiter

    def close(self) -> None:
        """Hang up."""
        self._transport.close()


class Target:
    """A server: makes connections to it, and requests for it."""

    def __init__(self, url: str, key: str = "") -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._base = parts.path.rstrip("/")
        self._head = f"Host: {self._host}:{self._port}\r\n" + (f"X-API-Key: {key}\r\n" if key else "")

    async def connect(self, count: int = 1) -> list[Connection]:
        """New connections."""
        loop = asyncio.get_running_loop()
        made = [await loop.create_connection(Connection, self._host, self._port) for _ in range(count)]
        return [protocol for _, protocol in made]

    def get(self, path: str) -> bytes:
        """A request without a body."""
        return f"GET {self._base}{path} HTTP/1.1\r\n{self._head}\r\n".encode()

    def post(self, path: str, body: Any) -> bytes:
        """A request with a JSON body."""
        data = json.dumps(body).encode()
        head = f"{self._head}Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        return f"POST {self._base}{path} HTTP/1.1\r\n{head}\r\n".encode() + data


async def must(connection: Connection, request: bytes) -> Answer:
    """The answer to a request that has to succeed."""
    answer = await connection.ask(request)
    if answer.status >= 300:
        raise RuntimeError(f"{request[:60]!r} was answered {answer.status}: {answer.body[:300]!r}")
    return answer
