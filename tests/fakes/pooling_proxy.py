"""A proxy in front of PostgreSQL that pools transactions: each one goes to the backend that was free last."""

import asyncio
import struct
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

SSL_REQUEST = 80877103
READY, SYNC, QUERY, TERMINATE = b"Z", b"S", b"Q", b"X"
IDLE = b"I"


async def read_message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Return the type of a message, and the whole of it."""
    head = await reader.readexactly(5)
    body = await reader.readexactly(struct.unpack("!I", head[1:])[0] - 4)
    return head[:1], head + body


async def read_startup(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return the code of a first message, and the whole of it."""
    head = await reader.readexactly(8)
    length, code = struct.unpack("!II", head)
    return code, head + await reader.readexactly(length - 8)


class Backend:
    """A connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def close(self) -> None:
        self._writer.close()

    async def ask(self, request: bytes) -> tuple[bytes, bool]:
        """Send messages; returns the answer, and whether a transaction is still open."""
        self._writer.write(request)
        answer = b""
        while True:
            kind, message = await read_message(self._reader)
            answer += message
            if kind == READY:
                return answer, message[-1:] != IDLE


class PoolingProxy:
    """Accepts connections, and shares the backends between them; it asks for no password."""

    def __init__(self, port: int) -> None:
        self._server_port = port
        self._free: list[Backend] = []
        self._all: list[Backend] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        code, startup = await read_startup(reader)
        if code == SSL_REQUEST:
            writer.write(b"N")
            _, startup = await read_startup(reader)
        backend, answer = await self._connect(startup)
        writer.write(answer)
        is_open = False
        self._free.append(backend)
        request = b""
        while True:
            kind, message = await read_message(reader)
            if kind == TERMINATE:
                return
            request += message
            if kind in (SYNC, QUERY):
                if not is_open:
                    backend = self._free.pop() if self._free else (await self._connect(startup))[0]
                answer, is_open = await backend.ask(request)
                if not is_open:
                    self._free.append(backend)
                writer.write(answer)
                request = b""

    async def _connect(self, startup: bytes) -> tuple[Backend, bytes]:
        backend = Backend(*await asyncio.open_connection("127.0.0.1", self._server_port))
        self._all.append(backend)
        answer, _ = await backend.ask(startup)
        return backend, answer

    def close(self) -> None:
        for backend in self._all:
            backend.close()


@asynccontextmanager
async def run_pooling_proxy(port: int) -> AsyncGenerator[PoolingProxy]:
    """Run a proxy for the server on a port of this machine."""
    proxy = PoolingProxy(port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    try:
        proxy.port = server.sockets[0].getsockname()[1]
        yield proxy
    finally:
        server.close()
        proxy.close()
