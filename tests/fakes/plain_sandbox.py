"""A sandbox that isolates nothing: the agent as a process of this machine, with a folder of its own. Only for tests.

Code that a test runs in it can do whatever the test can do.
"""

import asyncio
import contextlib
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from projectdavid.adapters.sandboxes import agent
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import (
    IsolationLevel,
    SandboxFull,
    SandboxReport,
    SandboxSession,
    SessionSpec,
    SessionStats,
)
from tests.timeouts import EVENT_TIMEOUT

AGENT = Path(agent.__file__).parent


class PlainSandbox:
    """Implements `ports.sandbox.Sandbox` without any isolation.

    Args:
        sessions: how many may be open at once.
        warm: import the scientific libraries before a session begins, which takes a second.
        python: the interpreter.
    """

    def __init__(self, *, sessions: int = 16, warm: bool = False, python: str = sys.executable) -> None:
        self._most = sessions
        self._warm = warm
        self._python = python
        self._open: set[_Plain] = set()

    async def start(self) -> None:
        """There is nothing to get ready."""

    @property
    def report(self) -> SandboxReport:
        """Nothing is isolated, and no limit is kept."""
        nothing = dict.fromkeys(("memory", "processes", "disk", "cpu"), "none")
        return SandboxReport(IsolationLevel.NONE, nothing, "plain", ("It isolates nothing.",), "Use it for tests only.")

    async def probe(self) -> SandboxReport:
        """The same: it is always ready."""
        return self.report

    async def open(self, spec: SessionSpec) -> SandboxSession:
        """Start an agent."""
        self._open = {one for one in self._open if one.process.returncode is None}
        if len(self._open) >= self._most:
            raise SandboxFull(f"There are {self._most} sessions already.")
        folder = Path(tempfile.mkdtemp(prefix="plain-sandbox-"))
        root, scratch = folder / "data", folder / "scratch"
        root.mkdir()
        scratch.mkdir()
        limits = asdict(spec.limits) | ({} if spec.tunnel is None else {"tunnel": 0})
        arguments = [f"--kind={spec.kind}", f"--root={root}", f"--scratch={scratch}"]
        arguments += [f"--limit={name}={value}" for name, value in limits.items()]
        process = await asyncio.create_subprocess_exec(
            self._python,
            "-I",
            str(AGENT),
            *arguments,
            *(["--warm"] if self._warm else []),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={"PATH": "/usr/bin:/bin"},
        )
        assert process.stdin
        assert process.stdout
        plain = _Plain(process, folder)
        self._open.add(plain)
        return FramedSession(
            uuid4().hex, IsolationLevel.NONE, spec.kind, spec.limits, spec.tunnel, process.stdout, process.stdin, plain
        )

    async def close(self) -> None:
        """End all sessions."""
        for one in self._open:
            await one.kill()
        self._open.clear()


class _Plain:
    """The process of a session."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.process = process
        self._folder = folder

    async def kill(self) -> None:
        # The agent ends what it has started when its line ends; only one that hangs is killed.
        assert self.process.stdin
        self.process.stdin.close()
        try:
            async with asyncio.timeout(EVENT_TIMEOUT):
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def stats(self) -> SessionStats:
        return SessionStats(memory=0, processes=0, alive=self.process.returncode is None)

    def reason(self) -> str:
        code = self.process.returncode
        if code is not None and code < 0:
            return f"The session was killed by {signal.Signals(-code).name}."
        return "The session ended."
