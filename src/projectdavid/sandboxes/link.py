"""A session's link to its agent: what is said goes over it, and when it is lost, all who wait are told why."""

import asyncio
from collections.abc import Awaitable, Callable

from projectdavid.ports.sandbox import Lost
from projectdavid.sandboxes.control import Control
from projectdavid.sandboxes.wire import Line

GONE = "The session is gone."
CLOSED = "The session was closed."
LIAR = "The session was ended: what came from inside did not follow the protocol."
SILENT = "The session was ended: it did not answer any more."


class Link:
    """The line, and the way to kill what is behind it.

    Args:
        answer: seconds that an agent has to take, or to answer, what it is told.
        on_lost: told once, with the reason, when nothing of the sandbox is left; `closed`: it was meant.
    """

    def __init__(
        self, line: Line, control: Control, answer: float, on_lost: Callable[[Lost, bool], Awaitable[None]]
    ) -> None:
        self._line = line
        self._control = control
        self.answer = answer
        self._on_lost = on_lost
        self._lost: Lost | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """It is gone."""
        return self._lost is not None

    def check(self) -> None:
        """Raise Lost if it is gone."""
        if self._lost is not None:
            raise self.why()

    def why(self) -> Lost:
        """Why it is gone."""
        return Lost(GONE if self._lost is None else self._lost.reason)

    async def send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        """Send a frame; one that is not taken in time is the end of the session."""
        try:
            async with asyncio.timeout(self.answer):
                await self._line.send(kind, body, **fields)
        except TimeoutError:
            await self.lose(SILENT)

    def lose(self, reason: str | None) -> asyncio.Future[None]:
        """End what is left of it, and tell all who wait. Without a reason the adapter says it."""
        if self._ending is None:
            self._lost = Lost(reason or GONE)
            self._ending = asyncio.create_task(self._end(reason))
        return asyncio.shield(self._ending)

    async def _end(self, reason: str | None) -> None:
        self._line.close()
        await self._control.kill()
        self._lost = Lost(reason or self._control.reason() or GONE)
        await self._on_lost(self._lost, reason == CLOSED)
