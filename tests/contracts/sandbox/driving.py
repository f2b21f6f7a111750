"""How the suites drive a session: open one, run code in it, and take what came of it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from projectdavid.ports.sandbox import (
    DisplayOutput,
    Event,
    Kind,
    OutputText,
    RunDone,
    Sandbox,
    SandboxLimits,
    SandboxSession,
    SessionSpec,
    Tunnel,
)
from tests.timeouts import EVENT_TIMEOUT

PATIENCE = EVENT_TIMEOUT
"""Seconds that a test waits before it calls a thing stuck."""


@dataclass
class Ran:
    """What one run told."""

    events: list[Event] = field(default_factory=list[Event])

    @property
    def done(self) -> RunDone:
        last = self.events[-1]
        assert isinstance(last, RunDone), "a run ends with Done"
        assert not any(isinstance(event, RunDone) for event in self.events[:-1]), "and with nothing else"
        return last

    @property
    def displays(self) -> list[DisplayOutput]:
        return [event for event in self.events if isinstance(event, DisplayOutput)]

    @property
    def result(self) -> str | None:
        """The value of the last expression, as text."""
        found = [display.data["text/plain"].decode() for display in self.displays if display.result]
        return found[0] if found else None

    @property
    def stdout(self) -> str:
        return self.text("stdout")

    @property
    def stderr(self) -> str:
        return self.text("stderr")

    @property
    def terminal(self) -> str:
        return self.text("terminal").replace("\r\n", "\n")

    def text(self, stream: str) -> str:
        return "".join(event.text for event in self.events if isinstance(event, OutputText) and event.stream == stream)


@asynccontextmanager
async def opened(
    sandbox: Sandbox, kind: Kind = "python", limits: SandboxLimits | None = None, tunnel: Tunnel | None = None
) -> AsyncIterator[SandboxSession]:
    """A session, closed in the end."""
    async with asyncio.timeout(PATIENCE):
        session = await sandbox.open(SessionSpec(kind, limits or SandboxLimits(), tunnel))
    try:
        yield session
    finally:
        async with asyncio.timeout(PATIENCE):
            await session.close()


async def ran(session: SandboxSession, source: str, timeout: float = PATIENCE) -> Ran:
    """Run something to its end."""
    told = Ran()
    async with asyncio.timeout(PATIENCE):
        async for event in session.run(source, timeout):
            told.events.append(event)
    return told


async def value(session: SandboxSession, source: str) -> str | None:
    """The value of an expression, as text."""
    told = await ran(session, source)
    assert told.done.status == "ok", told.events
    return told.result


async def until(session: SandboxSession, source: str, word: str) -> tuple[Ran, asyncio.Task[Ran]]:
    """Begin a run, and wait until it has written a word; the task runs it to its end."""
    told = Ran()
    written = asyncio.Event()

    async def follow() -> Ran:
        async for event in session.run(source, 1000.0):
            told.events.append(event)
            if word in "".join(event.text for event in told.events if isinstance(event, OutputText)):
                written.set()
        return told

    task = asyncio.create_task(follow())
    waiting = asyncio.create_task(written.wait())
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    assert written.is_set(), told.events
    return told, task


async def ended(task: asyncio.Task[Ran]) -> Ran:
    """What a run that was begun has told in the end."""
    async with asyncio.timeout(PATIENCE):
        return await task


async def pieces(*data: bytes) -> AsyncIterator[bytes]:
    """These, one after the other."""
    for one in data:
        yield one


async def put(session: SandboxSession, name: str, data: bytes) -> None:
    """Put a file."""
    async with asyncio.timeout(PATIENCE):
        await session.put(name, len(data), pieces(data))


async def got(session: SandboxSession, name: str) -> bytes:
    """Read a file."""
    async with asyncio.timeout(PATIENCE):
        return b"".join([piece async for piece in session.get(name)])
