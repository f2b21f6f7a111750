"""The host's end of a session, common to all adapters: it needs a stream to the agent, and a way to kill it."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable

from projectdavid.adapters.sandboxes.agent.frames import BODY, MalformedFrame
from projectdavid.adapters.sandboxes.control import SandboxTimeouts, SessionControl
from projectdavid.adapters.sandboxes.link import CLOSED, LIAR, SILENT, AgentLink
from projectdavid.adapters.sandboxes.runs import SandboxRun
from projectdavid.adapters.sandboxes.terminal import TerminalBuffer
from projectdavid.adapters.sandboxes.transfers import FileTransfers
from projectdavid.adapters.sandboxes.tunnels import TunnelServer
from projectdavid.adapters.sandboxes.wire import (
    AnySaid,
    DataFrame,
    DisplayFrame,
    EndFrame,
    FrameStream,
    ListingFrame,
    OpenedFrame,
    RejectionFrame,
    SkippedFrame,
    StoredFrame,
    WroteFrame,
)
from projectdavid.ports.sandbox import (
    Chunks,
    Event,
    FileListing,
    IsolationLevel,
    Kind,
    RunDone,
    SandboxLimits,
    SessionLost,
    SessionStats,
    Tunnel,
)

TOO_LONG = f"The code is longer than {BODY} bytes.\n"
ROWS, COLUMNS = 500, 1000
"""Maximum size of a terminal."""


class FramedSession:
    """A `ports.sandbox.Session` over a stream. Exclusive operations wait for their turn.

    Created in a running event loop; it then owns the stream and the sandbox.
    """

    def __init__(
        self,
        id: str,
        level: IsolationLevel,
        kind: Kind,
        limits: SandboxLimits,
        tunnel: Tunnel | None,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        control: SessionControl,
        patience: SandboxTimeouts = SandboxTimeouts(),  # noqa: B008 - it is frozen
    ) -> None:
        self._id = id
        self._level = level
        self._kind: Kind = kind
        self._limits = limits
        self._line = FrameStream(reader, writer)
        self._control = control
        self._patience = patience
        self._link = AgentLink(self._line, control, patience.answer, self._on_lost)
        self._transfers = FileTransfers(self._link)
        self._tunnels = None if tunnel is None else TunnelServer(tunnel, self._link.send)
        self._screen = TerminalBuffer()
        self._turn = asyncio.Lock()
        self._run: SandboxRun | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read())

    @property
    def id(self) -> str:
        """Unique id of this session."""
        return self._id

    @property
    def level(self) -> IsolationLevel:
        """Its isolation level."""
        return self._level

    async def run(self, source: str, timeout: float) -> AsyncGenerator[Event]:
        """Run code; see the port."""
        code = source.encode("utf-8", "replace")
        if len(code) > BODY:
            yield RunDone("error", error=TOO_LONG)
            return
        await self._turn.acquire()
        run = SandboxRun(self._limits.output)
        if self._link.lost:
            run.lose(self._link.why())
        self._run = run
        task = asyncio.create_task(self._finish_run(run, timeout))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            # At once, so an interruption from now on interrupts this run.
            await self._link.send("run", code)
            while not isinstance(event := await run.next(), RunDone):
                yield event
            # The turn is released before the run's end is reported: the next run need not wait.
            await asyncio.wait({task})
            yield event
        finally:
            run.abandon()

    async def interrupt(self) -> None:
        """Interrupt the current run."""
        self._link.check()
        await self._link.send("interrupt")

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        """Write a file; see the port."""
        async with self._turn:
            await self._transfers.put(name, size, chunks)

    async def get(self, name: str) -> Chunks:
        """Read a file; see the port."""
        async with self._turn, contextlib.aclosing(self._transfers.get(name)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def list(self) -> FileListing:
        """List the files; see the port."""
        async with self._turn:
            return await self._transfers.list()

    async def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        """Yield the output of the terminal until the session is closed."""
        async with contextlib.aclosing(self._screen.watch(after)) as pieces:
            async for piece in pieces:
                yield piece

    async def resize(self, rows: int, columns: int) -> None:
        """Change the size of the terminal, within its limits."""
        self._link.check()
        await self._link.send("resize", rows=min(max(rows, 1), ROWS), columns=min(max(columns, 1), COLUMNS))

    async def stats(self) -> SessionStats:
        """Return its current resource usage."""
        self._link.check()
        return await self._control.stats()

    async def close(self) -> None:
        """End the session and clean up; a second call has no effect."""
        await self._link.lose(CLOSED)
        self._reading.cancel()
        await asyncio.gather(self._reading, *self._tasks, return_exceptions=True)

    # Connection

    async def _read(self) -> None:
        """Handle frames until the connection ends or violates the protocol."""
        try:
            while (frame := await self._line.receive()) is not None:
                self._take(*frame)
        except MalformedFrame:
            await self._link.lose(LIAR)
        else:
            await self._link.lose(None)

    def _take(self, said: AnySaid, body: bytes) -> None:
        run = self._run if self._run is not None and not self._run.ended.done() else None
        match said:
            case WroteFrame(stream=stream):
                if (stream == "terminal") != (self._kind == "shell"):
                    raise MalformedFrame("a frame of another kind of session")
                if stream == "terminal":
                    self._screen.show(body)
                if run is not None:
                    run.wrote(stream, body)
            case SkippedFrame(size=size) if run is not None:
                if self._kind == "shell":
                    self._screen.show(f"\r\n[{size} bytes of output are not shown]\r\n".encode())
                run.on_gap(size)
            case DisplayFrame() if run is not None:
                run.on_display(said, body)
            case EndFrame() if run is not None:
                run.on_end(said, body)
            case SkippedFrame() | DisplayFrame() | EndFrame():
                raise MalformedFrame("nothing runs")
            case StoredFrame() | OpenedFrame() | DataFrame() | ListingFrame() | RejectionFrame():
                self._transfers.on_answer(said, body)
            case _ if self._tunnels is None:
                raise MalformedFrame("there is no tunnel")
            case _:
                self._tunnels.take(said, body)

    # Shutdown

    async def _finish_run(self, run: SandboxRun, timeout: float) -> None:
        """Hold the turn until a run ends; end it at its timeout, or when no reader is left."""
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

    async def _on_lost(self, lost: SessionLost, closed: bool) -> None:
        self._screen.close(None if closed else lost)
        if self._run is not None:
            self._run.lose(lost)
        self._transfers.on_lost()
        if self._tunnels is not None:
            await self._tunnels.close()
