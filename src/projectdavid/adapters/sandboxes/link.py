"""A session's connection to its agent; if it is lost, all waiting calls receive the reason."""

import asyncio
from collections.abc import Awaitable, Callable

from projectdavid.adapters.sandboxes.control import SessionControl
from projectdavid.adapters.sandboxes.wire import FrameStream
from projectdavid.ports.sandbox import SessionLost

GONE = "The session is gone."
CLOSED = "The session was closed."
LIAR = "The session was ended: its agent violated the protocol."
SILENT = "The session was ended: it stopped responding."


class AgentLink:
    """The connection, and the control to kill the sandbox.

    Args:
        answer: seconds that an agent has to accept or answer a request.
        on_lost: called once, with the reason, when the sandbox is completely gone; `closed`: on purpose.
    """

    def __init__(
        self,
        line: FrameStream,
        control: SessionControl,
        answer: float,
        on_lost: Callable[[SessionLost, bool], Awaitable[None]],
    ) -> None:
        self._line = line
        self._control = control
        self.answer = answer
        self._on_lost = on_lost
        self._lost: SessionLost | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def lost(self) -> bool:
        """True if it is gone."""
        return self._lost is not None

    def check(self) -> None:
        """Raise SessionLost if it is gone."""
        if self._lost is not None:
            raise self.why()

    def why(self) -> SessionLost:
        """Why it is gone."""
        return SessionLost(GONE if self._lost is None else self._lost.reason)

    async def send(self, kind: str, body: bytes = b"", **fields: object) -> None:
        """Send a frame; a timeout ends the session."""
        try:
            async with asyncio.timeout(self.answer):
                await self._line.send(kind, body, **fields)
        except TimeoutError:
            await self.lose(SILENT)

    def lose(self, reason: str | None) -> asyncio.Future[None]:
        """Kill the rest of it, and notify all waiting calls. Without a reason, use the adapter's."""
        if self._ending is None:
            self._lost = SessionLost(reason or GONE)
            self._ending = asyncio.create_task(self._end(reason))
        return asyncio.shield(self._ending)

    async def _end(self, reason: str | None) -> None:
        self._line.close()
        await self._control.kill()
        self._lost = SessionLost(reason or self._control.reason() or GONE)
        await self._on_lost(self._lost, reason == CLOSED)
