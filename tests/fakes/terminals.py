"""Shells of threads whose every word a test says."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from projectdavid.ports.terminal import CommandCompleted, FileMade, Sight, TerminalOutput
from projectdavid.ports.tool import ToolFile

KEPT = 64
"""Sights that are kept for a viewer who comes late, or is slow; who is slower loses the oldest."""
PLOT = ToolFile("file_1", "plot.png", 3, "image/png", "00")


class Terminals:
    """`ports.terminal.Terminals`: what a thread's shell shows is what a test told it to."""

    def __init__(self) -> None:
        self._kept: dict[str, deque[tuple[int, Sight]]] = {}
        self._told: dict[str, int] = {}
        self._bytes: dict[str, int] = {}
        self._news = asyncio.Condition()
        self.watched: list[str] = []
        self.ended: asyncio.Queue[str] = asyncio.Queue()
        """The threads that somebody stopped watching."""

    async def tell(self, thread_id: str, *sights: Sight | bytes) -> None:
        """Let something happen; bytes are shown."""
        for sight in sights:
            if isinstance(sight, bytes):
                self._bytes[thread_id] = self._bytes.get(thread_id, 0) + len(sight)
                sight = TerminalOutput(sight, self._bytes[thread_id])
            self._told[thread_id] = self._told.get(thread_id, 0) + 1
            kept = self._kept.setdefault(thread_id, deque(maxlen=KEPT))
            kept.append((self._told[thread_id], sight))
        async with self._news:
            self._news.notify_all()

    async def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """What it shows from now on, and what is kept of before."""
        self.watched.append(thread_id)
        seen = 0
        try:
            while True:
                for number, sight in list(self._kept.get(thread_id, ())):
                    if number > seen:
                        seen = number
                        yield sight
                async with self._news:
                    await self._news.wait_for(lambda: self._told.get(thread_id, 0) > seen)  # noqa: B023 - read at once
        finally:
            self.ended.put_nowait(thread_id)


class Told:
    """The same, where all that ever happens is known before: for a server in a thread of its own."""

    def __init__(self, *sights: Sight) -> None:
        self._scenes = sights

    async def watch(self, thread_id: str) -> AsyncGenerator[Sight]:
        """All of it; then it is over."""
        for sight in self._scenes:
            yield sight


STORY = (
    TerminalOutput(b"$ ls; false\r\n\x1b[32mplot.png\x1b[m\r\n", 31),
    CommandCompleted("ls; false", 1),
    FileMade(PLOT),
)
