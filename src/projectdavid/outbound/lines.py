"""The two ends of a proxied connection, how bytes go between them, and how many may."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable

from projectdavid.outbound.heads import MAX_HEAD, Unreadable, chunk_size

Write = Callable[[bytes], Awaitable[None]]

_PIECE = 64 * 1024


class Ended(Exception):
    """A connection is over before all of what was expected came; the message says why."""


class Meter:
    """Counts the bytes of one connection, and ends it when they are too many, or none come for too long."""

    def __init__(self, max_bytes: int, idle_timeout: float) -> None:
        self._left = max_bytes
        self._idle = idle_timeout
        self._limit: asyncio.Timeout | None = None

    def count(self, data: bytes) -> bytes:
        """Let a piece through.

        Raises:
            Ended: there were too many.
        """
        self._left -= len(data)
        if self._left < 0:
            raise Ended("it was more than one connection may carry")
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time() + self._idle)
        return data

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncGenerator[None]:
        """Look at the time while bytes go to and fro.

        Raises:
            Ended: none came for too long, there were too many, or a side hung up.
        """
        try:
            async with asyncio.timeout(self._idle) as self._limit:
                yield
        except TimeoutError:
            raise Ended(f"nothing came for {self._idle:g} seconds") from None
        except ConnectionError:
            raise Ended("it broke off") from None
        finally:
            self._limit = None


class Source:
    """The program's end: what it sends, in the pieces that are wanted."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._buffer = b""

    async def some(self) -> bytes:
        """What is there, or comes next; b"" at the end."""
        if self._buffer:
            some, self._buffer = self._buffer, b""
            return some
        return await self._read()

    async def at_most(self, size: int) -> bytes:
        """The same, of at most this many bytes.

        Raises:
            Ended: nothing comes any more.
        """
        some = await self.some()
        if not some:
            raise Ended("it broke off")
        self._buffer = some[size:]
        return some[:size]

    async def head(self, limit: int) -> bytes:
        """All up to an empty line, with it.

        Raises:
            Ended: there was none.
            Unreadable: it is longer than `limit`.
        """
        return await self.until(b"\r\n\r\n", limit)

    async def until(self, end: bytes, limit: int) -> bytes:
        """All up to `end`, with it.

        Raises:
            Ended, Unreadable: as `head`.
        """
        found = b""
        while end not in found[:limit]:
            if len(found) > limit:
                raise Unreadable(f"its head is longer than {limit} bytes")
            some = await self.some()
            if not some:
                raise Ended("it broke off")
            found += some
        at = found.index(end) + len(end)
        self._buffer = found[at:]
        return found[:at]


class Line:
    """The server's end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._source = Source(lambda: reader.read(_PIECE))
        self._writer = writer

    async def some(self) -> bytes:
        """What it sends next; b"" at the end."""
        return await self._source.some()

    async def head(self, limit: int) -> bytes:
        """The head of its answer.

        Raises:
            Unreadable: it is too long, or never ends.
        """
        try:
            return await self._source.head(limit)
        except Ended:
            raise Unreadable("it broke off") from None

    def write(self, data: bytes) -> None:
        """Send something, some time."""
        self._writer.write(data)

    async def send(self, data: bytes) -> None:
        """Send something as fast as it is taken."""
        self._writer.write(data)
        await self._writer.drain()

    def end(self) -> None:
        """Say that nothing more comes."""
        if self._writer.can_write_eof():
            self._writer.write_eof()

    def abort(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


async def exchange(source: Source, write: Write, line: Line, meter: Meter, *, deaf: bool = False) -> None:
    """Pass bytes both ways until the server is done.

    `deaf`: what the program sends is dropped, for its request is whole; that it hangs up ends all.

    Raises:
        Ended: as `Meter.watch`.
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


async def pass_body(source: Source, line: Line, length: int | None, meter: Meter) -> None:
    """Pass on the body of a request, and not a byte of what follows it; `length` None: in chunks.

    Raises:
        Ended: it breaks off.
        Unreadable: its chunks are none.
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
                raise Unreadable("a chunk is longer than it says")
            await line.send(b"\r\n")
    # Trailers are dropped: most servers do not expect any.
    while await source.until(b"\r\n", MAX_HEAD) != b"\r\n":
        pass
    await line.send(b"\r\n")


async def _pass(source: Source, line: Line, length: int, meter: Meter) -> None:
    while length:
        piece = meter.count(await source.at_most(min(length, _PIECE)))
        length -= len(piece)
        await line.send(piece)


async def _upward(source: Source, line: Line, meter: Meter) -> None:
    while some := await source.some():
        await line.send(meter.count(some))
    line.end()


async def _downward(line: Line, write: Write, meter: Meter) -> None:
    while some := await line.some():
        await write(meter.count(some))


async def _listen(source: Source) -> None:
    while await source.some():
        pass
