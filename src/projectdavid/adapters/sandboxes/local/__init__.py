"""The local sandbox: sessions in Linux namespaces, forked from a process with preloaded libraries."""

import asyncio
import dataclasses
import os
import secrets
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from projectdavid.adapters.sandboxes.local import remedies
from projectdavid.adapters.sandboxes.local.connection import OpenedSession, SupervisorConnection, SupervisorGone
from projectdavid.adapters.sandboxes.local.jail.hardening_switches import HardeningSwitches
from projectdavid.adapters.sandboxes.local.jail.setup import SupervisorSetup
from projectdavid.adapters.sandboxes.local.options import SandboxOptions
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import (
    IsolationLevel,
    SandboxFull,
    SandboxLimits,
    SandboxReport,
    SandboxSession,
    SandboxUnavailable,
    SessionSpec,
    SessionStats,
)

__all__ = ["HardeningSwitches", "LocalSandbox", "SandboxOptions"]

_PLACES: Final = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
_PROXY: Final = 3128
"""The port, inside, of the proxy of a tunnel."""
_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 10.0
_ATTEMPTS: Final = 5
_OFF_PAUSE: Final = 60.0
"""Seconds between start attempts while the sandbox is off."""


class _Control:
    """Control of a session's processes."""

    def __init__(self, connection: SupervisorConnection, number: int) -> None:
        self._connection = connection
        self._number = number
        self._life = connection.life(number)

    async def kill(self) -> None:
        """Kill it, and wait until nothing is left."""
        try:
            await self._connection.kill(self._number)
        except SupervisorGone:
            return  # and with it the session

    async def stats(self) -> SessionStats:
        """Return its resource usage."""
        return SessionStats(*await self._connection.stats(self._number))

    def reason(self) -> str:
        """Return why it is gone."""
        return (self._life.reason if self._life is not None else "") or "The session ended."


class LocalSandbox:
    """Opens sessions in namespaces through a supervisor, a separate process without secrets.

    A supervisor that exits is restarted, and failed starts are retried; its sessions are lost. There is no mode without
    isolation.
    """

    def __init__(self, options: SandboxOptions | None = None) -> None:
        self._options = options or SandboxOptions()
        self._connection: SupervisorConnection | None = None
        self._started: SupervisorConnection | None = None
        self._report: SandboxReport | None = None
        self._known = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._opening = 0
        self._sessions: dict[int, FramedSession] = {}
        self._closed = False

    async def start(self) -> None:
        """Start in the background; returns at once."""
        if self._task is None and not self._closed:
            self._task = asyncio.create_task(self._keep())

    @property
    def report(self) -> SandboxReport | None:
        """The last report, or None before the first one."""
        return self._report

    async def probe(self) -> SandboxReport:
        """Return the available isolation; waits until the sandbox is ready."""
        await self.start()
        while self._report is None:
            await self._known.wait()
        return self._report

    async def open(self, spec: SessionSpec) -> SandboxSession:
        """Open a session.

        Raises:
            SandboxUnavailable: namespaces are not available, or the operator requires stronger isolation.
            SandboxFull: the maximum number of sessions is open.
        """
        opened, connection = await self._connect(spec)
        control = _Control(connection, opened.number)
        reader, writer = await asyncio.open_unix_connection(sock=opened.stream)
        name = f"local_{secrets.token_hex(8)}"
        session = FramedSession(
            name, IsolationLevel.NAMESPACES, spec.kind, spec.limits, spec.tunnel, reader, writer, control
        )
        lives = {number: one for number, one in self._sessions.items() if connection.life(number) is not None}
        self._sessions = {**lives, opened.number: session}
        return session

    async def close(self) -> None:
        """End all sessions, and clean up."""
        self._closed = True
        await asyncio.gather(*(session.close() for session in self._sessions.values()))
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if self._started is not None:
            await self._started.close()  # its end can be interrupted
        self._know(None, SandboxReport(IsolationLevel.NONE, reasons=("The sandbox is closed.",)))

    async def _connect(self, spec: SessionSpec) -> tuple[OpenedSession, SupervisorConnection]:
        limits = _travelling(spec.limits) | ({"tunnel": _PROXY} if spec.tunnel is not None else {})
        for attempt in range(_ATTEMPTS):
            report = await self.probe()
            connection = self._connection
            if report.level < max(self._options.minimum, IsolationLevel.NAMESPACES) or connection is None:
                raise _off(report, self._options.minimum)
            if connection.sessions + self._opening >= self._options.sessions:
                raise SandboxFull(f"All {self._options.sessions} sessions are in use.")
            self._opening += 1
            try:
                return await connection.open(spec.kind, limits), connection
            except SupervisorGone as error:
                # The source of sessions can have been killed; wait for its replacement.
                if connection.ended.is_set():
                    self._forget(connection)
                if attempt == _ATTEMPTS - 1:
                    raise _not_opened(connection, error) from error
            finally:
                self._opening -= 1
            await asyncio.sleep(_pause(attempt))
        raise AssertionError("the last attempt returns or raises")

    def _forget(self, connection: SupervisorConnection) -> None:
        if self._connection is connection:
            self._connection = self._report = None
            self._known.clear()

    async def _keep(self) -> None:
        """Keep a supervisor running as long as restarts can succeed."""
        failures = 0
        while True:
            connection = self._started = SupervisorConnection()
            try:
                report, lasting = await self._try(connection)
                if report.level != IsolationLevel.NONE:
                    self._know(connection, report)
                    await connection.ended.wait()
                    self._forget(connection)
            finally:
                await connection.close()
            if report.level != IsolationLevel.NONE:
                failures = 0
            elif lasting:
                self._know(None, report)
                return
            # On a busy machine, starts can fail temporarily: callers wait, and the sandbox is reported as off only
            # after several failures.
            elif failures >= _ATTEMPTS:
                self._know(None, report)
                await asyncio.sleep(_OFF_PAUSE)
                continue
            failures += 1
            await asyncio.sleep(_pause(failures))

    async def _try(self, connection: SupervisorConnection) -> tuple[SandboxReport, bool]:
        """Start a supervisor; returns its report, and whether a retry would give the same result."""
        bubblewrap = self._options.bubblewrap or shutil.which("bwrap", path=_PLACES)
        if sys.platform != "linux":
            return _none(*remedies.NOT_LINUX), True
        if bubblewrap is None or not os.access(bubblewrap, os.X_OK):
            return _none(*remedies.NO_BUBBLEWRAP), True
        try:
            await connection.start(_setup(self._options, str(bubblewrap)))
            found = await connection.report()
        except SupervisorGone as error:
            return _none(*remedies.of_failure(str(error))), False
        except OSError as error:  # out of memory or processes
            return _none(*remedies.of_failure(f"Its supervisor could not be started: {error.strerror}.")), False
        if found["failure"]:
            return _none(*remedies.of_failure(found["failure"])), remedies.is_lasting(found["failure"])
        return _report(found), True

    def _know(self, connection: SupervisorConnection | None, report: SandboxReport) -> None:
        self._connection, self._report = connection, report
        self._known.set()


def _setup(options: SandboxOptions, bubblewrap: str) -> SupervisorSetup:
    return SupervisorSetup(
        python=str(options.python or sys.executable),
        bubblewrap=bubblewrap,
        agent=str(Path(__file__).parents[1] / "agent"),
        wheels=str(options.wheels.resolve()) if options.wheels is not None else "",
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


def _travelling(limits: SandboxLimits) -> dict[str, int]:
    return dataclasses.asdict(limits)


def _report(found: Mapping[str, Any]) -> SandboxReport:
    bounds = found["bounds"]
    kept: Mapping[str, str] = {
        "memory": "cgroup" if "memory" in bounds else "watchdog",
        "processes": "cgroup" if "pids" in bounds else "rlimit",
        "disk": "tmpfs",
        "cpu": "cgroup" if "cpu" in bounds else "none",
    }
    shared = "The kernel of the host is shared; potentially hostile code needs gVisor or a virtual machine."
    return SandboxReport(
        IsolationLevel.NAMESPACES, kept, "bubblewrap", (shared, *found["remarks"]), libraries=found["installed"]
    )


def _none(reason: str, remedy: str) -> SandboxReport:
    return SandboxReport(IsolationLevel.NONE, reasons=(reason,), remedy=remedy)


def _pause(attempt: int) -> float:
    return min(_LONGEST_PAUSE, _PAUSE * 2**attempt)


def _not_opened(connection: SupervisorConnection, error: SupervisorGone) -> SandboxUnavailable | SandboxFull:
    if connection.ended.is_set():
        return SandboxFull("The sandbox restarts repeatedly; try again in a minute.")
    return SandboxUnavailable(
        f"The sandbox could not open a session: {error}", "Try again; the server's log has details."
    )


def _off(report: SandboxReport, minimum: IsolationLevel) -> SandboxUnavailable:
    if report.level == IsolationLevel.NONE:
        return SandboxUnavailable(" ".join(report.reasons), report.remedy)
    reason = (
        f"The local sandbox isolates by {report.level.name.lower()}, but at least {minimum.name.lower()} is required."
    )
    return SandboxUnavailable(reason, "Lower the requirement, or configure a sandbox with stronger isolation.")
