"""The adapter's control of a session, besides the stream to its agent; and timeouts."""

from dataclasses import dataclass
from typing import Protocol

from projectdavid.ports.sandbox import SessionStats


@dataclass(frozen=True, slots=True)
class SandboxTimeouts:
    """Timeouts of operations inside the sandbox, in seconds."""

    grace: float = 2.0
    """For code to end after an interruption."""
    kill: float = 10.0
    """For the agent to kill code that did not."""
    answer: float = 60.0
    """For the agent to accept or answer a request."""


class SessionControl(Protocol):
    """Control of a session by its adapter."""

    async def kill(self) -> None:
        """Kill the sandbox and everything in it; no effect if it is already gone."""
        ...

    async def stats(self) -> SessionStats:
        """Return its current resource usage."""
        ...

    def reason(self) -> str:
        """Return why it is gone, as a sentence, if known."""
        ...
