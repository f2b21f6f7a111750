"""Watching the shell of a thread: what its terminal shows, from one session to the next; who watches slows nobody."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from projectdavid.ports.sandbox import SandboxError, Session
from projectdavid.ports.terminal import Shown, Sight

PIECES = 64
"""What is kept for a slow observer; of the terminal, the session itself keeps more."""


class Viewers:
    """Those who watch, by thread."""

    def __init__(self) -> None:
        self._there: defaultdict[str, set[_Viewer]] = defaultdict(set)
        self._over = False

    async def watch(self, thread_id: str, session: Session | None) -> AsyncGenerator[Sight]:
        """What can be seen from now on, of this session and of those after it; ends with `end`."""
        if self._over:
            return
        viewer = _Viewer()
        self._there[thread_id].add(viewer)
        if session is not None:
            viewer.turn(session)
        try:
            while (sight := await viewer.sights.get()) is not None:
                yield sight
        finally:
            await viewer.close()
            self._there[thread_id].discard(viewer)
            if not self._there[thread_id]:
                del self._there[thread_id]

    def turn(self, thread_id: str, session: Session) -> None:
        """Let them see another session."""
        for viewer in self._there.get(thread_id, ()):
            viewer.turn(session)

    def show(self, thread_id: str, sight: Sight) -> None:
        """Let them see this, those who are not too slow."""
        for viewer in self._there.get(thread_id, ()):
            with suppress(asyncio.QueueFull):
                viewer.sights.put_nowait(sight)

    def end(self, thread_id: str | None = None) -> None:
        """Nothing more is to be seen of a thread, or (None) at all, now or later."""
        self._over |= thread_id is None
        for viewer in [one for name, there in self._there.items() if thread_id in (None, name) for one in there]:
            viewer.end()


class _Viewer:
    """One who watches, and the task that reads the terminal for them."""

    def __init__(self) -> None:
        self.sights: asyncio.Queue[Sight | None] = asyncio.Queue(PIECES)
        self._reader: asyncio.Task[None] | None = None

    def turn(self, session: Session) -> None:
        # What the session before still had to show comes first: its terminal ends with it.
        self._reader = asyncio.create_task(self._read(self._reader, session))

    async def _read(self, before: asyncio.Task[None] | None, session: Session) -> None:
        if before is not None:
            await before
        with suppress(SandboxError):
            async with aclosing(session.terminal()) as pieces:
                async for position, data in pieces:
                    await self.sights.put(Shown(data, position))

    def end(self) -> None:
        """Let what waits be, so that there is room to say that it is over."""
        if self._reader is not None:
            self._reader.cancel()
        while not self.sights.empty():
            self.sights.get_nowait()
        self.sights.put_nowait(None)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
