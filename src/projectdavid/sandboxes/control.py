"""What an adapter gives for each session, besides the stream to its agent; and how long one waits for that."""

from dataclasses import dataclass
from typing import Protocol

from projectdavid.ports.sandbox import Stats


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what is inside may take, in seconds."""

    grace: float = 2.0
    """Code, to end after it was interrupted for taking too long."""
    kill: float = 10.0
    """The agent, to kill what did not."""
    answer: float = 60.0
    """The agent, to take, or to answer, what it is told."""


class Control(Protocol):
    """What an adapter gives besides the stream."""

    async def kill(self) -> None:
        """End the sandbox with everything in it; nothing happens if it is gone already."""
        ...

    async def stats(self) -> Stats:
        """What it uses now."""
        ...

    def reason(self) -> str:
        """Why it is gone, as a sentence, as far as that is known."""
        ...
