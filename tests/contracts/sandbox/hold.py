"""Holds a sandbox while it is attacked: opens sessions, takes the probes into them, reads what they found."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.ports.sandbox import (
    Event,
    Kind,
    OutputText,
    RunDone,
    Sandbox,
    SandboxLimits,
    SandboxSession,
    SessionLost,
    SessionSpec,
)
from tests.contracts.sandbox.bait import Bait, laid
from tests.timeouts import EVENT_TIMEOUT

INSIDE = Path(__file__).with_name("inside")
FOLDER = "escape"
PACKAGE = "tests/contracts/sandbox/inside"
PROBE_SECONDS = EVENT_TIMEOUT
MEGABYTE = 1 << 20
SMALL = SandboxLimits(
    memory=192 * MEGABYTE,
    disk=32 * MEGABYTE,
    scratch=16 * MEGABYTE,
    files=2000,
    processes=48,
    open_files=256,
    output=256 << 10,
)
"""Small limits, so that bombs of a few times as much harm nobody where a limit does not hold."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run told. `done` is None where the session was lost."""

    text: str
    done: RunDone | None
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a probe found; `breaches` is None where it did not get to say it."""

    breaches: tuple[str, ...] | None
    ran: Ran

    @property
    def contained(self) -> bool:
        """Whether a bomb was put out: it found itself within limits, or was stopped by one."""
        if self.breaches is not None:
            return not self.breaches
        done = self.ran.done
        if done is None or done.status == "died":
            return True
        return done.status == "error" and any(name in (done.error or "") for name in ("MemoryError", "OSError"))


async def ran(session: SandboxSession, source: str, timeout: float = PROBE_SECONDS) -> Ran:
    """Run something to its end."""
    events: list[Event] = []
    try:
        async for event in session.run(source, timeout):
            events.append(event)  # noqa: PERF401 - those before the error count
    except SessionLost as lost:
        events.append(OutputText("stderr", str(lost)))
    text = "".join(event.text for event in events if isinstance(event, OutputText))
    done = events[-1] if events and isinstance(events[-1], RunDone) else None
    return Ran(text, done, tuple(events))


async def put(session: SandboxSession, name: str, data: bytes) -> None:
    """Write a file into a session."""

    async def chunks() -> AsyncGenerator[bytes]:
        yield data

    await session.put(name, len(data), chunks())


async def got(session: SandboxSession, name: str, most: int = MEGABYTE) -> bytes:
    """The first bytes of a file of a session."""
    data = b""
    pieces = session.get(name)
    async for piece in pieces:
        data += piece
        if len(data) >= most:
            break
    await pieces.aclose()
    return data


@dataclass
class Hold:
    """A sandbox in use. Sessions that came out whole of a probe are used for the next one."""

    sandbox: Sandbox
    bait: Bait
    limits: SandboxLimits = SMALL
    kept: dict[Kind, SandboxSession] = field(default_factory=dict[Kind, SandboxSession])

    async def open(self, kind: Kind = "python") -> SandboxSession:
        """A session that holds the probes; the caller closes it."""
        session = await self.sandbox.open(SessionSpec(kind, self.limits))
        for path in sorted(INSIDE.glob("*.py")):
            await put(session, f"{FOLDER}/{PACKAGE}/{path.name}", path.read_bytes())
        for parent in Path(PACKAGE).parents[:-1]:
            await put(session, f"{FOLDER}/{parent}/__init__.py", b"")
        await put(session, f"{FOLDER}/{PACKAGE}/facts.json", json.dumps(self.facts()).encode())
        return session

    @asynccontextmanager
    async def session(self, kind: Kind = "python") -> AsyncIterator[SandboxSession]:
        """The same, closed at the end."""
        session = await self.open(kind)
        try:
            yield session
        finally:
            await session.close()

    def facts(self) -> dict[str, object]:
        """What the probes are told."""
        limits = self.limits
        data, *scratch = self.bait.facts["writable"]
        disks = {data: limits.disk} | dict.fromkeys(scratch, limits.scratch)
        names = ("memory", "disk", "files", "processes", "open_files")
        return self.bait.facts | {"disks": disks, "limits": {name: getattr(limits, name) for name in names}}

    async def probe(self, module: str, name: str, kind: Kind = "python") -> Verdict:
        """Run one probe in the session that is kept for this kind, or in a new one if the last did not stand it."""
        session = self.kept.pop(kind, None) or await self.open(kind)
        verdict = await self.found(session, module, name, kind)
        if verdict.breaches is not None and verdict.ran.done and verdict.ran.done.status == "ok":
            self.kept[kind] = session
        else:
            await session.close()
        return verdict

    async def found(self, session: SandboxSession, module: str, name: str, kind: Kind = "python") -> Verdict:
        """Run one probe in a session of that kind."""
        mark = self.bait.facts["mark"]
        result = await ran(session, (PYTHON if kind == "python" else SHELL).format(module, name))
        lines = [line.strip() for line in result.text.splitlines() if line.startswith(mark)]
        return Verdict(tuple(json.loads(lines[-1][len(mark) :])) if lines else None, result)

    async def close(self) -> None:
        """Close the sessions that were kept, and the sandbox."""
        for session in self.kept.values():
            await session.close()
        await self.sandbox.close()


SHELL = f"python3 -I -B {FOLDER}/{PACKAGE}/__main__.py {{}} {{}}"
PYTHON = f"""
import sys
from pathlib import Path
sys.dont_write_bytecode = True
sys.path.insert(0, str(Path({FOLDER!r}).resolve()))
from tests.contracts.sandbox.inside.__main__ import main
main({{!r}}, {{!r}})
"""


@asynccontextmanager
async def held(make: Callable[[], Sandbox], uid: int | None = None) -> AsyncIterator[Hold]:
    """Lay the bait, then make and start the sandbox; `uid` as in `laid`."""
    with laid(uid) as bait:
        sandbox = make()
        await sandbox.start()
        hold = Hold(sandbox, bait)
        try:
            yield hold
        finally:
            await hold.close()
