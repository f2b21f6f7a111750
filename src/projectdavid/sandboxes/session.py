"""The host's end of a session, the same for every adapter: it needs a stream to the agent, and a way to kill it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

import msgspec

from projectdavid.ports.sandbox import (
    Chunks,
    Done,
    Event,
    FileInfo,
    Kind,
    Level,
    Limits,
    Listing,
    Lost,
    Refused,
    Stats,
    Tunnel,
)
from projectdavid.sandboxes.agent.frames import PIECE, Malformed
from projectdavid.sandboxes.control import Control
from projectdavid.sandboxes.runs import Run
from projectdavid.sandboxes.terminal import Screen
from projectdavid.sandboxes.tunnels import Tunnels
from projectdavid.sandboxes.wire import (
    AnySaid,
    Data,
    Declined,
    Ended,
    Files,
    Line,
    Listed,
    Opened,
    Showed,
    Stored,
    Wrote,
)

GRACE = 2.0
"""Seconds that code has to end after it was interrupted for taking too long."""
LAST = 10.0
"""Seconds that an agent has to kill what did not."""
ANSWER = 60.0
"""Seconds that an agent has to answer."""
GONE = "The session is gone."
CLOSED = "The session was closed."
LIAR = "The session was ended: what came from inside did not follow the protocol."
SILENT = "The session was ended: it did not answer any more."
_S = TypeVar("_S", Stored, Opened, Data, Listed)
_FILES = msgspec.json.Decoder(Files)


class FramedSession:
    """A `ports.sandbox.Session` over a stream. What is not for two at once waits for its turn.

    Made where an event loop runs; the stream and the sandbox are its own from then on.
    """

    def __init__(
        self,
        id: str,
        level: Level,
        kind: Kind,
        limits: Limits,
        tunnel: Tunnel | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        control: Control,
    ) -> None:
        self._id = id
        self._level = level
        self._kind = kind
        self._limits = limits
        self._line = Line(reader, writer)
        self._control = control
        self._screen = Screen()
        self._turn = asyncio.Lock()
        self._tunnels = None if tunnel is None else Tunnels(tunnel, self._send)
        self._run: Run | None = None
        self._answer: asyncio.Future[tuple[AnySaid, bytes]] | None = None
        self._lost: Lost | None = None
        self._ending: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read())

    @property
    def id(self) -> str:
        """Of this session only."""
        return self._id

    @property
    def level(self) -> Level:
        """What it is isolated by."""
        return self._level

    async def run(self, source: str, timeout: float) -> AsyncGenerator[Event]:
        """Run code; see the socket."""
        await self._turn.acquire()
        run = Run(self._limits.output)
        if self._lost is not None:
            run.lose(self._lost)
        self._run = run
        task = asyncio.create_task(self._see_through(run, timeout))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # At once, so that whoever interrupts from now on interrupts this.
            await self._send("run", source.encode("utf-8", "replace"))
            while not isinstance(event := await run.next(), Done):
                yield event
            # The turn is free before anybody hears that the run is over: who then begins another one need not wait.
            await asyncio.wait({task})
            yield event
        finally:
            run.abandon()

    async def interrupt(self) -> None:
        """Interrupt what runs."""
        self._check()
        await self._send("interrupt")

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file; see the socket."""
        async with self._turn:
            self._check()
            await self._send("put", name=name, size=size)
            try:
                async for chunk in chunks:
                    for start in range(0, len(chunk), PIECE):
                        await self._send("piece", chunk[start : start + PIECE])
                        self._check()
            except BaseException:
                if self._lost is None:
                    await asyncio.shield(self._ask("abort", name, Stored))
                raise
            await self._ask("commit", name, Stored)

    async def get(self, name: str) -> Chunks:
        """Read a file; see the socket."""
        async with self._turn:
            said, _ = await self._ask("get", name, Opened, name=name)
            left = said.size
            try:
                # No more than it said at first: a file that grows while it is read has no end.
                while left > 0:
                    _, data = await self._ask("read", name, Data)
                    if not data:
                        break
                    data = data[:left]
                    left -= len(data)
                    yield data
            finally:
                if self._lost is None:
                    await self._send("shut")

    async def list(self) -> Listing:
        """The files; see the socket."""
        async with self._turn:
            said, body = await self._ask("list", "", Listed)
            try:
                files = _FILES.decode(body)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                await self._lose(LIAR)
                raise self._gone() from None
            return Listing(tuple(FileInfo(*one) for one in files), said.complete)

    async def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        """What the terminal shows; it ends when the session is closed."""
        async with contextlib.aclosing(self._screen.watch(after)) as pieces:
            async for piece in pieces:
                yield piece

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal, to something that a terminal can have."""
        self._check()
        await self._send("resize", rows=min(max(rows, 1), 500), columns=min(max(columns, 1), 1000))

    async def stats(self) -> Stats:
        """What it uses now."""
        self._check()
        return await self._control.stats()

    async def close(self) -> None:
        """End it; nothing of it is left, and nothing happens the second time."""
        await self._lose(CLOSED)
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._tasks, return_exceptions=True)

    # The line

    async def _read(self) -> None:
        """Take what comes until the line ends, or something comes that no agent says."""
        try:
            while (frame := await self._line.receive()) is not None:
                self._take(*frame)
        except Malformed:
            await self._lose(LIAR)
        else:
            await self._lose(None)

    def _take(self, said: AnySaid, body: bytes) -> None:
        match said:
            case Wrote(stream=stream):
                if stream == "terminal":
                    self._screen.show(body)
                if self._running is not None:
                    self._running.wrote(stream, body)
            case Showed() if self._running is not None:
                self._running.showed(said, body)
            case Ended() if self._running is not None:
                self._running.done(said, body)
            case Showed() | Ended():
                raise Malformed("nothing runs")
            case Stored() | Opened() | Data() | Listed() | Declined():
                if self._answer is None or self._answer.done():
                    raise Malformed("nothing was asked")
                self._answer.set_result((said, body))
            case _ if self._tunnels is None:
                raise Malformed("there is no tunnel")
            case _:
                self._tunnels.take(said, body)

    @property
    def _running(self) -> Run | None:
        return self._run if self._run is not None and not self._run.ended.done() else None

    async def _send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        try:
            async with asyncio.timeout(ANSWER):
                await self._line.send(kind, body, **fields)
        except TimeoutError:
            await self._lose(SILENT)

    async def _ask(self, kind: str, about: str, expected: type[_S], /, **fields: object) -> tuple[_S, bytes]:
        """Ask for something that is answered with one frame."""
        if self._answer is not None:
            # Whoever asked before has been cancelled; the answer comes all the same.
            await asyncio.wait({self._answer}, timeout=ANSWER)
        self._check()
        answer = self._answer = asyncio.get_running_loop().create_future()
        await self._send(kind, b"", **fields)
        await asyncio.wait({answer}, timeout=ANSWER)
        if not answer.done():
            await self._lose(SILENT)
        self._check()
        said, body = answer.result()
        match said:
            case Declined():
                raise Refused(about, body.decode("utf-8", "replace")[:200])
            case _ if isinstance(said, expected):
                return said, body
            case _:
                await self._lose(LIAR)
                raise self._gone()

    # The end

    async def _see_through(self, run: Run, timeout: float) -> None:
        """Hold the turn until a run is over; end it when it takes too long, or when nobody reads it any more."""
        try:
            if await run.over(timeout, hurry=True):
                return
            run.late = not run.abandoned.done()
            await self._send("interrupt")
            if await run.over(GRACE):
                return
            await self._send("restart")
            if not await run.over(LAST):
                await self._lose(SILENT)
        finally:
            self._turn.release()

    def _check(self) -> None:
        if self._lost is not None:
            raise self._gone()

    def _gone(self) -> Lost:
        return Lost(self._lost.reason if self._lost is not None else GONE)

    def _lose(self, reason: str | None) -> asyncio.Future[None]:
        """It is gone: end what is left of it, and tell all who wait. Without a reason the adapter says it."""
        if self._ending is None:
            self._lost = Lost(reason or GONE)
            self._ending = asyncio.create_task(self._end(reason))
        return asyncio.shield(self._ending)

    async def _end(self, reason: str | None) -> None:
        self._line.close()
        await self._control.kill()
        lost = self._lost = Lost(reason or self._control.reason() or GONE)
        self._screen.close(None if reason == CLOSED else lost)
        if self._run is not None:
            self._run.lose(lost)
        if self._answer is not None:
            self._answer.cancel()
        if self._tunnels is not None:
            await self._tunnels.close()
