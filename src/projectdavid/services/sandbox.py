"""Sandbox service: the sandbox, sessions of threads, and their tools."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from projectdavid.egress.proxy.service import EgressService
from projectdavid.ports.sandbox import IsolationLevel, Sandbox, SandboxReport
from projectdavid.ports.terminal import TerminalService


class SessionUse(Protocol):
    """When a session was opened and last used, in Unix seconds."""

    @property
    def opened_at(self) -> float:
        """When it was opened."""
        ...

    @property
    def used_at(self) -> float:
        """When a call last used it."""
        ...


class ThreadSessions(TerminalService, Protocol):
    """Sessions of threads and their terminals."""

    @property
    def live(self) -> int:
        """Number of live sessions."""
        ...

    async def serve(self) -> None:
        """End idle sessions until cancelled."""
        ...

    def uses(self) -> Mapping[tuple[str, str], SessionUse]:
        """Return the live sessions by thread and kind."""
        ...

    async def forget(self, thread_id: str) -> None:
        """End the sessions of a deleted thread."""
        ...

    async def forget_owner(self, owner: str) -> None:
        """End the sessions of a deleted user."""
        ...

    async def close(self) -> None:
        """End all sessions."""
        ...


@dataclass(frozen=True, slots=True)
class SandboxService:
    """The sandbox, its sessions, and their egress proxy."""

    sandbox: Sandbox
    sessions: ThreadSessions
    egress: EgressService
    minimum: IsolationLevel
    """Required isolation level; below it the tools are off."""
    ahead: bool
    """True if the sandbox is prepared before its first use."""

    async def serve(self) -> None:
        """End idle sessions until cancelled."""
        if self.ahead:
            await self.sandbox.start()
        await self.sessions.serve()

    async def close(self) -> None:
        """End all sessions and close the sandbox."""
        await self.sessions.close()
        await self.sandbox.close()
        await self.egress.close()

    def refusal(self) -> str | None:
        """Return why the tools are off and how to fix it; None if they are available as far as is known."""
        report = self.sandbox.report
        if report is None or report.level >= self.minimum:
            return None
        return " ".join((*report.reasons, report.remedy)).strip()

    def health(self) -> dict[str, Any]:
        """Return the health of the sandbox."""
        report = self.sandbox.report
        if report is None:
            return {"state": "starting" if self.ahead else "starts with the first call"}
        state = "ready" if report.level >= self.minimum else "off"
        return {"state": state, **describe_health(report), "sessions": self.sessions.live}


def describe_health(report: SandboxReport) -> dict[str, Any]:
    """Convert a report to JSON."""
    return {
        "level": report.level.name.lower(),
        "launcher": report.launcher,
        "limits": dict(report.limits),
        "reasons": list(report.reasons),
        "remedy": report.remedy,
    }
