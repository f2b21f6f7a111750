"""The two ends of a proxied connection, and the transfer of bytes between them, within limits."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from projectdavid.egress.proxy.http_heads import MAX_HEAD, MalformedHead, chunk_size

Write = Callable[[bytes], Awaitable[None]]

_PIECE = 64 * 1024


class ConnectionEnded(Exception):
    """A connection ended too early; the message gives the reason."""


class ByteMeter:
    """Counts the bytes of one connection, and ends it when there are too many or it is idle too long."""

    def __init__(self, max_bytes: int, idle_timeout: float) -> None:
        self._left = max_bytes
        self._idle = idle_timeout
        self._limit: asyncio.Timeout | None = None

    def count(self, data: bytes) -> bytes:
        """Count a piece.

        Raises:
            ConnectionEnded: the limit is exceeded.
        """
        self._left -= len(data)
        if self._left < 0:
            raise ConnectionEnded("it exceeded the size limit of a connection")
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._idle)
        return data

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncGenerator[None]:
        """Enforce the limits while bytes are transferred.

        Raises:
            ConnectionEnded: it was idle too long, exceeded the limit, or a side closed it.
        """
        try:
            async with asyncio.timeout(self._idle) as self._limit:
                yield
        except TimeoutError:
            raise ConnectionEnded(f"it was idle for {self._idle:g} seconds") from None
        except ConnectionError:
            raise ConnectionEnded("the connection broke") from None
        finally:
            self._limit = None


class ClientStream:
    """The client's end of a connection, with buffered reads."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._buffer = b""

    async def some(self) -> bytes:
        """Return buffered or new bytes; b"" at the end."""
        if self._buffer:
            some, self._buffer = self._buffer, b""
            return some
        return await self._read()

    async def at_most(self, size: int) -> bytes:
        """Return at most this many bytes.

        Raises:
            ConnectionEnded: there are no more.
        """
        some = await self.some()
        if not some:
            raise ConnectionEnded("the connection broke")
        self._buffer = some[size:]
        return some[:size]

    async def head(self, limit: int) -> bytes:
        """Read up to and including an empty line.

        Raises:
            ConnectionEnded: there was none.
            MalformedHead: it exceeds `limit`.
        """
        return await self.until(b"\r\n\r\n", limit)

    async def until(self, end: bytes, limit: int) -> bytes:
        """Read up to and including `end`.

        Raises:
            ConnectionEnded, MalformedHead: as for `head`.
        """
        found = b""
        while end not in found[:limit]:
            if len(found) > limit:
                raise MalformedHead(f"its head is longer than {limit} bytes")
            some = await self.some()
            if not some:
                raise ConnectionEnded("the connection broke")
            found += some
        at = found.index(end) + len(end)
        self._buffer = found[at:]
        return found[:at]


class ServerStream:
    """The server's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._source = ClientStream(lambda: reader.read(_PIECE))
        self._writer = writer

    async def some(self) -> bytes:
        """Return the next bytes; b"" at the end."""
        return await self._source.some()

    async def head(self, limit: int) -> bytes:
        """Read the head of its response.

        Raises:
            MalformedHead: it is too long or never ends.
        """
        try:
            return await self._source.head(limit)
        except ConnectionEnded:
            raise MalformedHead("the connection broke") from None

    def write(self, data: bytes) -> None:
        """Queue bytes without waiting."""
        self._writer.write(data)

    async def send(self, data: bytes) -> None:
        """Send bytes, and wait for backpressure."""
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """Close the sending side."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def abort(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()


async def exchange(
    source: ClientStream, write: Write, line: ServerStream, meter: ByteMeter, *, deaf: bool = False
) -> None:
    """Pass bytes both ways until the server is done.

    With `deaf`, bytes from the client are dropped, because its request is complete; its disconnect still ends the
    exchange.

    Raises:
        ConnectionEnded: as for `ByteMeter.watch`.
    """
    async with meter.watch():
        up = asyncio.create_task(_listen(source) if deaf else _upward(source, line, meter))
        down = asyncio.create_task(_downward(line, write, meter))
        try:
            await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
            if not deaf and up.done() and up.exception() is None:
                await asyncio.wait((down,))
        finally:
            up.cancel()
            down.cancel()
            outcomes = await asyncio.gather(up, down, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome


async def pass_body(source: ClientStream, line: ServerStream, length: int | None, meter: ByteMeter) -> None:
    """Pass on the body of a request, and no byte after it; `length` is None for a chunked body.

    Raises:
        ConnectionEnded: it breaks.
        MalformedHead: a chunk is invalid.
    """
    if length is not None:
        await _pass(source, line, length, meter)
        return
    size = 1
    while size:
        start = await source.until(b"\r\n", 16)
        size = chunk_size(start)
        await line.send(meter.count(start))
        if size:
            await _pass(source, line, size, meter)
            if await source.until(b"\r\n", 2) != b"\r\n":
                raise MalformedHead("a chunk is longer than its size")
            await line.send(b"\r\n")
    # Trailers are dropped: most servers do not expect any.
    while await source.until(b"\r\n", MAX_HEAD) != b"\r\n":
        pass
    await line.send(b"\r\n")


async def _pass(source: ClientStream, line: ServerStream, length: int, meter: ByteMeter) -> None:
    while length:
        piece = meter.count(await source.at_most(min(length, _PIECE)))
        length -= len(piece)
        await line.send(piece)


async def _upward(source: ClientStream, line: ServerStream, meter: ByteMeter) -> None:
    while some := await source.some():
        await line.send(meter.count(some))
    line.end()


async def _downward(line: ServerStream, write: Write, meter: ByteMeter) -> None:
    while some := await line.some():
        await write(meter.count(some))


async def _listen(source: ClientStream) -> None:
    while await source.some():
        pass
