"""The host's end of a session, the same for every adapter: it needs a stream to the agent, and a way to kill it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable

from projectdavid.ports.sandbox import Chunks, Done, Event, Kind, Level, Limits, Listing, Lost, Stats, Tunnel
from projectdavid.sandboxes.agent.frames import BODY, Malformed
from projectdavid.sandboxes.control import Control, Patience
from projectdavid.sandboxes.link import CLOSED, LIAR, SILENT, Link
from projectdavid.sandboxes.runs import Run
from projectdavid.sandboxes.terminal import Screen
from projectdavid.sandboxes.transfers import Transfers
from projectdavid.sandboxes.tunnels import Tunnels
from projectdavid.sandboxes.wire import AnySaid, Data, Declined, Ended, Line, Listed, Opened, Showed, Stored, Wrote

TOO_LONG = f"The code is longer than {BODY} bytes.\n"
ROWS, COLUMNS = 500, 1000
"""The largest terminal."""


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
        patience: Patience = Patience(),  # noqa: B008 - it is frozen
    ) -> None:
        self._id = id
        self._level = level
        self._kind: Kind = kind
        self._limits = limits
        self._line = Line(reader, writer)
        self._control = control
        self._patience = patience
        self._link = Link(self._line, control, patience.answer, self._on_lost)
        self._transfers = Transfers(self._link)
        self._tunnels = None if tunnel is None else Tunnels(tunnel, self._link.send)
        self._screen = Screen()
        self._turn = asyncio.Lock()
        self._run: Run | None = None
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
        code = source.encode("utf-8", "replace")
        if len(code) > BODY:
            yield Done("error", error=TOO_LONG)
            return
        await self._turn.acquire()
        run = Run(self._limits.output)
        if self._link.lost:
            run.lose(self._link.why())
        self._run = run
        task = asyncio.create_task(self._see_through(run, timeout))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # At once, so that whoever interrupts from now on interrupts this.
            await self._link.send("run", code)
            while not isinstance(event := await run.next(), Done):
                yield event
            # The turn is free before anybody hears that the run is over: who then begins another one need not wait.
            await asyncio.wait({task})
            yield event
        finally:
            run.abandon()

    async def interrupt(self) -> None:
        """Interrupt what runs."""
        self._link.check()
        await self._link.send("interrupt")

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file; see the socket."""
        async with self._turn:
            await self._transfers.put(name, size, chunks)

    async def get(self, name: str) -> Chunks:
        """Read a file; see the socket."""
        async with self._turn, contextlib.aclosing(self._transfers.get(name)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def list(self) -> Listing:
        """The files; see the socket."""
        async with self._turn:
            return await self._transfers.list()

    async def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        """What the terminal shows; it ends when the session is closed."""
        async with contextlib.aclosing(self._screen.watch(after)) as pieces:
            async for piece in pieces:
                yield piece

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal, to something that a terminal can have."""
        self._link.check()
        await self._link.send("resize", rows=min(max(rows, 1), ROWS), columns=min(max(columns, 1), COLUMNS))

    async def stats(self) -> Stats:
        """What it uses now."""
        self._link.check()
        return await self._control.stats()

    async def close(self) -> None:
        """End it; nothing of it is left, and nothing happens the second time."""
        await self._link.lose(CLOSED)
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._tasks, return_exceptions=True)

    # The line

    async def _read(self) -> None:
        """Take what comes until the line ends, or something comes that no agent says."""
        try:
            while (frame := await self._line.receive()) is not None:
                self._take(*frame)
        except Malformed:
            await self._link.lose(LIAR)
        else:
            await self._link.lose(None)

    def _take(self, said: AnySaid, body: bytes) -> None:
        run = self._run if self._run is not None and not self._run.ended.done() else None
        match said:
            case Wrote(stream=stream):
                if (stream == "terminal") != (self._kind == "shell"):
                    raise Malformed("another kind of session")
                if stream == "terminal":
                    self._screen.show(body)
                if run is not None:
                    run.wrote(stream, body)
            case Showed() if run is not None:
                run.showed(said, body)
            case Ended() if run is not None:
                run.done(said, body)
            case Showed() | Ended():
                raise Malformed("nothing runs")
            case Stored() | Opened() | Data() | Listed() | Declined():
                self._transfers.answered(said, body)
            case _ if self._tunnels is None:
                raise Malformed("there is no tunnel")
            case _:
                self._tunnels.take(said, body)

    # The end

    async def _see_through(self, run: Run, timeout: float) -> None:
        """Hold the turn until a run is over; end it when it takes too long, or when nobody reads it any more."""
        try:
            if await run.over(timeout, hurry=True):
                return
            run.late = not run.abandoned.done()
            await self._link.send("interrupt")
            if await run.over(self._patience.grace):
                return
            await self._link.send("restart")
            if not await run.over(self._patience.kill):
                await self._link.lose(SILENT)
        finally:
            self._turn.release()

    async def _on_lost(self, lost: Lost, closed: bool) -> None:
        self._screen.close(None if closed else lost)
        if self._run is not None:
            self._run.lose(lost)
        self._transfers.lost()
        if self._tunnels is not None:
            await self._tunnels.close()
