"""Viewers of a thread's shell across its sessions; they never slow it down."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from projectdavid.ports.sandbox import SandboxError, SandboxSession
from projectdavid.ports.terminal import Sight, TerminalOutput

PIECES = 64
"""Output that is kept for a slow viewer; the session itself keeps more of the terminal."""


class TerminalViews:
    """Viewers by thread."""

    def __init__(self) -> None:
        self._there: defaultdict[str, set[_Viewer]] = defaultdict(set)
        self._over = False

    async def watch(self, thread_id: str, session: SandboxSession | None) -> AsyncGenerator[Sight]:
        """Yield the output from now on, of this session and later ones, until `end`."""
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

    def turn(self, thread_id: str, session: SandboxSession) -> None:
        """Switch the viewers to another session."""
        for viewer in self._there.get(thread_id, ()):
            viewer.turn(session)

    def show(self, thread_id: str, sight: Sight) -> None:
        """Show text to the viewers that are not too slow."""
        for viewer in self._there.get(thread_id, ()):
            with suppress(asyncio.QueueFull):
                viewer.sights.put_nowait(sight)

    def end(self, thread_id: str | None = None) -> None:
        """End the view of a thread, or (None) all views, now and in the future."""
        self._over |= thread_id is None
        for viewer in [one for name, there in self._there.items() if thread_id in (None, name) for one in there]:
            viewer.end()


class _Viewer:
    """One viewer, and the task that reads the terminal for it."""

    def __init__(self) -> None:
        self.sights: asyncio.Queue[Sight | None] = asyncio.Queue(PIECES)
        self._reader: asyncio.Task[None] | None = None

    def turn(self, session: SandboxSession) -> None:
        # Remaining output of the previous session comes first: its terminal ends with it.
        self._reader = asyncio.create_task(self._read(self._reader, session))

    async def _read(self, before: asyncio.Task[None] | None, session: SandboxSession) -> None:
        if before is not None:
            await before
        with suppress(SandboxError):
            async with aclosing(session.terminal()) as pieces:
                async for position, data in pieces:
                    await self.sights.put(TerminalOutput(data, position))

    def end(self) -> None:
        """Drop pending output, to make room for the end."""
        if self._reader is not None:
            self._reader.cancel()
        while not self.sights.empty():
            self.sights.get_nowait()
        self.sights.put_nowait(None)

    async def close(self) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
