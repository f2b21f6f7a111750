"""The sandbox of this machine: sessions in namespaces of Linux, made by forks of a process that has the libraries."""

import asyncio
import dataclasses
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from projectdavid.ports.sandbox import Full, Level, Limits, Off, Report, Session, Spec, Stats
from projectdavid.sandboxes.local import remedies
from projectdavid.sandboxes.local.connection import Connection, Gone, Opened
from projectdavid.sandboxes.local.jail.hardening import Hardening
from projectdavid.sandboxes.local.jail.setup import Setup
from projectdavid.sandboxes.local.options import Options
from projectdavid.sandboxes.session import FramedSession

__all__ = ["Hardening", "LocalSandbox", "Options"]

_PLACES: Final = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_PROXY: Final = 3128
"""The port, inside, of the proxy that a tunnel leads to."""
_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
_ATTEMPTS: Final = 5
_OFF_PAUSE: Final = 60.0
"""Seconds between two starts of a sandbox that is reported to be off."""


class _Control:
    """What the host's end of a session may do to its processes."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._life = connection.life(number)

    async def kill(self) -> None:
        """End it; returns when nothing of it is left."""
        try:
            await self._connection.kill(self._number)
        except Gone:
            return  # and the session with it

    async def stats(self) -> Stats:
        """What it uses."""
        return Stats(*await self._connection.stats(self._number))

    def reason(self) -> str:
        """Why it is gone."""
        return (self._life.reason if self._life is not None else "") or "The session ended."


class LocalSandbox:
    """Opens sessions in namespaces, of a supervisor that is a process of its own and has no secrets.

    A supervisor that ends is started again, and a start that fails is retried; the sessions of one that ended are lost.
    There is no mode without isolation.
    """

    def __init__(self, options: Options | None = None) -> None:
        self._options = options or Options()
        self._connection: Connection | None = None
        self._started: Connection | None = None
        self._report: Report | None = None
        self._known = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._opening = 0
        self._sessions: dict[int, FramedSession] = {}
        self._closed = False

    async def start(self) -> None:
        """Get ready in the background; returns at once."""
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._keep())

    @property
    def report(self) -> Report | None:
        """What was found out last; None: nothing yet."""
        return self._report

    async def probe(self) -> Report:
        """What can be had here; waits until it is ready."""
        await self.start()
        while self._report is None:
            await self._known.wait()
        return self._report

    async def open(self, spec: Spec) -> Session:
        """Open a session.

        Raises:
            Off: no namespaces can be had, or the operator asks for more than them.
            Full: there are as many sessions as there may be.
        """
        opened, connection = await self._opened(spec)
        control = _Control(connection, opened.number)
        reader, writer = await asyncio.open_unix_connection(sock=opened.stream)
        name = f"local_{secrets.token_hex(8)}"
        session = FramedSession(name, Level.NAMESPACES, spec.kind, spec.limits, spec.tunnel, reader, writer, control)
        lives = {number: one for number, one in self._sessions.items() if connection.life(number) is not None}
        self._sessions = {**lives, opened.number: session}
        return session

    async def close(self) -> None:
        """End all sessions, and leave nothing behind."""
        self._closed = True
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._started is not None:
            await self._started.close()  # it may be that its end was interrupted
        self._know(None, Report(Level.NONE, reasons=("The sandbox is closed.",)))

    async def _opened(self, spec: Spec) -> tuple[Opened, Connection]:
        limits = _travelling(spec.limits) | ({"tunnel": _PROXY} if spec.tunnel is not None else {})
        for attempt in range(_ATTEMPTS):
            report = await self.probe()
            connection = self._connection
            if report.level < max(self._options.minimum, Level.NAMESPACES) or connection is None:
                raise _off(report, self._options.minimum)
            if connection.sessions + self._opening >= self._options.sessions:
                raise Full(f"There are {self._options.sessions} sessions already, and there may be no more.")
            self._opening += 1
            try:
                return await connection.open(spec.kind, limits), connection
            except Gone as error:
                # What sessions are made from may have been killed; there will be another, which this waits for.
                if connection.ended.is_set():
                    self._forget(connection)
                if attempt == _ATTEMPTS - 1:
                    raise _not_opened(connection, error) from error
            finally:
                self._opening -= 1
            await asyncio.sleep(_pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    def _forget(self, connection: Connection) -> None:
        if self._connection is connection:
            self._connection = self._report = None
            self._known.clear()

    async def _keep(self) -> None:
        """Have a supervisor, as long as that makes sense."""
        failures = 0
        while True:
            connection = self._started = Connection()
            try:
                report, lasting = await self._try(connection)
                if report.level != Level.NONE:
                    self._know(connection, report)
                    await connection.ended.wait()
                    self._forget(connection)
            finally:
                await connection.close()
            if report.level != Level.NONE:
                failures = 0
            elif lasting:
                self._know(None, report)
                return
            # On a busy machine a start can fail that succeeds a moment later: callers wait, and the sandbox is
            # reported off only after several failed starts.
            elif failures >= _ATTEMPTS:
                self._know(None, report)
                await asyncio.sleep(_OFF_PAUSE)
                continue
            failures += 1
            await asyncio.sleep(_pause(failures))

    async def _try(self, connection: Connection) -> tuple[Report, bool]:
        """Start a supervisor; returns its report, and whether trying again would find the same."""
        bubblewrap = self._options.bubblewrap or shutil.which("bwrap", path=_PLACES)
        if sys.platform != "linux":
            return _none(*remedies.NOT_LINUX), True
        if bubblewrap is None or not os.access(bubblewrap, os.X_OK):
            return _none(*remedies.NO_BUBBLEWRAP), True
        try:
            await connection.start(_setup(self._options, str(bubblewrap)))
            found = await connection.report()
        except Gone as error:
            return _none(*remedies.of_failure(str(error))), False
        except OSError as error:  # there is no memory, or no process, to be had now
            return _none(*remedies.of_failure(f"Its supervisor could not be started: {error.strerror}.")), False
        if found["failure"]:
            return _none(*remedies.of_failure(found["failure"])), remedies.is_lasting(found["failure"])
        return _report(found["bounds"], found["remarks"]), True

    def _know(self, connection: Connection | None, report: Report) -> None:
        self._connection, self._report = connection, report
        self._known.set()


def _setup(options: Options, bubblewrap: str) -> Setup:
    return Setup(
        python=str(options.python or sys.executable),
        bubblewrap=bubblewrap,
        agent=str(Path(__file__).parents[1] / "agent"),
        uid=options.uid,
        sessions=options.sessions,
        spares=options.spares,
        libraries=options.preload,
        limits=_travelling(options.limits),
        lifetime_sessions=options.lifetime_sessions,
        lifetime_seconds=options.lifetime_seconds,
        environment={} if options.hardening.clean_environment else dict(os.environ),
        hardening=options.hardening,
    )


def _travelling(limits: Limits) -> dict[str, int]:
    return dataclasses.asdict(limits)


def _report(bounds: list[str], remarks: list[str]) -> Report:
    kept: Mapping[str, str] = {
        "memory": "cgroup" if "memory" in bounds else "watchdog",
        "processes": "cgroup" if "pids" in bounds else "rlimit",
        "disk": "tmpfs",
        "cpu": "cgroup" if "cpu" in bounds else "none",
    }
    shared = "The kernel of the host is shared; code that may be hostile wants gVisor or a virtual machine."
    return Report(Level.NAMESPACES, kept, "bubblewrap", (shared, *remarks))


def _none(reason: str, remedy: str) -> Report:
    return Report(Level.NONE, reasons=(reason,), remedy=remedy)


def _pause(attempt: int) -> float:
    return min(_LONGEST_PAUSE, _PAUSE * 2**attempt)


def _not_opened(connection: Connection, error: Gone) -> Off | Full:
    if connection.ended.is_set():
        return Full("The sandbox restarts again and again; try again in a minute.")
    return Off(f"The sandbox could not open a session: {error}", "Try again; the server's log says more.")


def _off(report: Report, minimum: Level) -> Off:
    if report.level == Level.NONE:
        return Off(" ".join(report.reasons), report.remedy)
    reason = (
        f"The local sandbox isolates by {report.level.name.lower()}, and at least {minimum.name.lower()} is asked for."
    )
    return Off(reason, "Ask for less, or configure a sandbox that isolates better.")
