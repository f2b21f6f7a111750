"""An agent that says what a test tells it to, at the other end of a real stream."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from projectdavid.adapters.sandboxes.control import SandboxTimeouts
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import IsolationLevel, Kind, SandboxLimits, SessionStats, Tunnel
from tests.timeouts import EVENT_TIMEOUT


@dataclass
class Killed:
    """The `Control` of a session that is nowhere."""

    times: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    may: asyncio.Event = field(default_factory=asyncio.Event)

    async def kill(self) -> None:
        self.times += 1
        self.asked.set()
        await self.may.wait()

    async def stats(self) -> SessionStats:
        return SessionStats(1, 2, alive=True)

    def reason(self) -> str:
        return "It was struck by lightning."


class Agent:
    """The other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, header: object, body: bytes = b"") -> None:
        """Say anything, as one frame."""
        head = header if isinstance(header, bytes) else json.dumps(header).encode()
        self.writer.write(struct.pack("!II", len(head), len(body)) + head + body)

    def done(self, status: str = "ok", **fields: object) -> None:
        """Say that the run is over."""
        self.say({"type": "done", "status": status, "exit_status": None, "state_lost": False, "dropped": 0} | fields)

    async def told(self, kind: str) -> bytes:
        """What the host has said, which is of this kind."""
        header, body = struct.unpack("!II", await self.reader.readexactly(8))
        said = json.loads(await self.reader.readexactly(header))
        assert said["type"] == kind, said
        return await self.reader.readexactly(body)


@asynccontextmanager
async def session_with_agent(
    kind: Kind = "python", *, output: int = 1000, tunnel: Tunnel | None = None, patience: SandboxTimeouts | None = None
) -> AsyncIterator[tuple[FramedSession, Agent, Killed]]:
    """A session, the agent that it talks with, and whether it was killed; nothing of it may be left running."""
    before = asyncio.all_tasks()
    ours, theirs = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=ours)
    agent = Agent(*await asyncio.open_connection(sock=theirs))
    control = Killed()
    control.may.set()
    limits = SandboxLimits(output=output)
    async with asyncio.timeout(EVENT_TIMEOUT):
        session = FramedSession(
            "s", IsolationLevel.NONE, kind, limits, tunnel, reader, writer, control, patience or SandboxTimeouts()
        )
        try:
            yield session, agent, control
        finally:
            control.may.set()
            await session.close()
            agent.writer.close()
            await agent.writer.wait_closed()
            assert asyncio.all_tasks() == before
            assert control.times == 1
