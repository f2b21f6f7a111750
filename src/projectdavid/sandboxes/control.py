"""What an adapter gives for each session, besides the stream to its agent."""

from typing import Protocol

from projectdavid.ports.sandbox import Stats


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
