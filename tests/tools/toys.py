"""A sandbox without a sandbox: sessions that tests open, fill, break and count."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from itertools import count

from projectdavid.ports.sandbox import (
    Event,
    FileInfo,
    FileListing,
    IsolationLevel,
    RunDone,
    SandboxFileRefused,
    SandboxFull,
    SandboxReport,
    SandboxSession,
    SandboxUnavailable,
    SessionLost,
    SessionSpec,
    SessionStats,
)

Play = Callable[["ToySession", str], AsyncGenerator[Event]]
"""What happens when a session runs something."""


async def nothing(session: "ToySession", source: str) -> AsyncGenerator[Event]:
    """It ends well, at once."""
    yield RunDone("ok", exit_status=0)


class ToySession:
    """A session with files in memory; `die` ends it from outside."""

    level = IsolationLevel.NONE

    def __init__(self, number: int, spec: SessionSpec, play: Play) -> None:
        self.id = f"sbx_{number}"
        self.spec = spec
        self.contents: dict[str, tuple[bytes, str]] = {}
        self.sizes: dict[str, int] = {}
        """What it claims about the size of files."""
        self.complete = True
        self.ran: list[tuple[str, float]] = []
        self.stopped = 0
        self.closed = asyncio.Event()
        self._play = play
        self._marks = count(1)
        self._gone: str | None = None
        self._shown = b""
        self._changed = asyncio.Event()

    def write(self, name: str, data: bytes) -> None:
        """The code writes a file."""
        self.contents[name] = data, str(next(self._marks))

    def show(self, data: bytes) -> None:
        """The terminal shows something."""
        self._shown += data
        self._wake()

    def die(self, reason: str = "It was killed.") -> None:
        self._gone = reason
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _live(self) -> None:
        if self._gone is not None:
            raise SessionLost(self._gone)

    async def run(self, source: str, timeout: float) -> AsyncGenerator[Event]:
        self._live()
        self.ran.append((source, timeout))
        whole = False
        try:
            async for event in self._play(self, source):
                self._live()
                yield event
            whole = True
        finally:
            self.stopped += not whole

    async def interrupt(self) -> None:
        self._live()

    async def put(self, name: str, size: int, chunks: AsyncIterable[bytes]) -> None:
        self._live()
        data = b"".join([chunk async for chunk in chunks])
        if name.startswith("refused"):
            raise SandboxFileRefused(name, "there is a folder of that name.")
        self.write(name, data)

    async def get(self, name: str) -> AsyncGenerator[bytes]:
        self._live()
        if name not in self.contents:
            raise SandboxFileRefused(name, "it is gone.")
        data = self.contents[name][0]
        for start in range(0, len(data), 1 << 20):
            yield data[start : start + (1 << 20)]

    async def list(self) -> FileListing:
        self._live()
        return FileListing(
            tuple(
                FileInfo(name, self.sizes.get(name, len(data)), mark, int(mark))
                for name, (data, mark) in self.contents.items()
            ),
            self.complete,
        )

    async def terminal(self, after: int = 0) -> AsyncGenerator[tuple[int, bytes]]:
        while True:
            changed = self._changed
            if after < len(self._shown):
                piece, after = self._shown[after:], len(self._shown)
                yield after, piece
                continue
            self._live()
            await changed.wait()

    async def resize(self, rows: int, columns: int) -> None:
        self._live()

    async def stats(self) -> SessionStats:
        return SessionStats(0, 1, self._gone is None)

    async def close(self) -> None:
        self.die("It was closed.")
        self.closed.set()


class ToySandbox:
    """Opens toy sessions; no more than `most` at once, and none where it is `off`."""

    def __init__(self, play: Play = nothing, most: int = 1000) -> None:
        self.play = play
        self.most = most
        self.off: SandboxUnavailable | None = None
        self.report: SandboxReport | None = SandboxReport(IsolationLevel.NONE)
        self.opened: list[ToySession] = []
        self.asked = 0
        self.peak = 0

    def alive(self) -> int:
        return sum(not session.closed.is_set() for session in self.opened)

    async def start(self) -> None: ...

    async def probe(self) -> SandboxReport:
        return SandboxReport(IsolationLevel.NONE)

    async def open(self, spec: SessionSpec) -> SandboxSession:
        self.asked += 1
        if self.off:
            raise self.off
        if self.alive() >= self.most:
            raise SandboxFull
        session = ToySession(len(self.opened) + 1, spec, self.play)
        self.opened.append(session)
        self.peak = max(self.peak, self.alive())
        return session

    async def close(self) -> None:
        for session in self.opened:
            await session.close()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now
