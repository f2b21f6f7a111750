"""The hands of a platform: its sandbox, the sessions of threads in it, and the tools that work there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from projectdavid.outbound.egress import Egress
from projectdavid.ports.sandbox import Level, Report, Sandbox
from projectdavid.ports.terminal import Terminals
from projectdavid.ports.tool import Tool


class ThreadSessions(Terminals, Protocol):
    """The sessions of threads, and their terminals."""

    @property
    def live(self) -> int:
        """How many there are now."""
        ...

    async def serve(self) -> None:
        """End those that nobody uses, until cancelled."""
        ...

    async def forget(self, thread_id: str) -> None:
        """End those of a thread that was deleted."""
        ...

    async def forget_owner(self, owner: str) -> None:
        """End those of a user who was deleted."""
        ...

    async def close(self) -> None:
        """End all of them."""
        ...


@dataclass(frozen=True, slots=True)
class Hands:
    """The sandbox, the sessions of threads in it, and their way out."""

    sandbox: Sandbox
    sessions: ThreadSessions
    egress: Egress
    tools: Mapping[str, Tool]
    minimum: Level
    """Below it they are off."""
    ahead: bool
    """Whether the sandbox gets ready before somebody needs it."""

    async def serve(self) -> None:
        """End sessions that nobody uses, until cancelled."""
        if self.ahead:
            await self.sandbox.start()
        await self.sessions.serve()

    async def close(self) -> None:
        """End all sessions, and the sandbox."""
        await self.sessions.close()
        await self.sandbox.close()
        await self.egress.close()

    def refusal(self) -> str | None:
        """Why the tools are off, and what to do; None: they are not, as far as is known."""
        report = self.sandbox.report
        if report is None or report.level >= self.minimum:
            return None
        return " ".join((*report.reasons, report.remedy)).strip()

    def health(self) -> dict[str, Any]:
        """What is known of the sandbox now."""
        report = self.sandbox.report
        if report is None:
            return {"state": "starting" if self.ahead else "starts with the first call"}
        state = "ready" if report.level >= self.minimum else "off"
        return {"state": state, **shown(report), "sessions": self.sessions.live}


def shown(report: Report) -> dict[str, Any]:
    """A report in plain words."""
    return {
        "level": report.level.name.lower(),
        "launcher": report.launcher,
        "limits": dict(report.limits),
        "reasons": list(report.reasons),
        "remedy": report.remedy,
    }
