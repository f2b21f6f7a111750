"""Opens sessions: waits for a slot, reports the wait, and gives up after a timeout."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from projectdavid.ports.sandbox import Sandbox, SandboxFull, SandboxSession, SandboxUnavailable, SessionSpec
from projectdavid.ports.tool import ToolContext, ToolError
from projectdavid.tools.sessions.output_events import tell_state
from projectdavid.tools.sessions.session_slots import QueueFull, SessionSlots

AGAIN = 1.0
"""Seconds between two attempts on a full sandbox."""
BUSY = "all sandbox sessions of this server are in use; try again in a minute"
STARTING = "the sandbox of this server is still starting; try again in a minute"


@dataclass(frozen=True, slots=True)
class SessionOpener:
    """Opens sessions for callers with a slot.

    `patience` is the timeout in seconds. `settled` waits until sessions that were ended to make room are gone.
    `room_made` ends an idle session if the sandbox is full; False if all are in use.
    """

    sandbox: Sandbox
    seats: SessionSlots
    patience: float
    settled: Callable[[], Awaitable[None]]
    room_made: Callable[[], Awaitable[bool]]

    async def open(self, owner: str, context: ToolContext, spec: SessionSpec) -> SandboxSession:
        """Open a session as soon as there is room for it.

        Raises:
            ToolError: the sandbox is off, or there is no room in time.
        """
        try:
            asked = self.seats.ask(owner)
        except QueueFull:
            raise ToolError(BUSY) from None
        try:
            if not asked.done():
                await tell_state(context, "waiting", spec.kind, None, "It waits for another session to end.")
            async with asyncio.timeout(self.patience):
                await asked
                await self.settled()
                return await self._open(context, spec)
        except BaseException as error:
            self.seats.leave(owner, asked)
            if isinstance(error, TimeoutError):
                raise ToolError(BUSY if self.sandbox.report is not None else STARTING) from None
            if isinstance(error, SandboxUnavailable):
                raise ToolError(f"the tool is off on this server: {error}") from error
            raise

    async def _open(self, context: ToolContext, spec: SessionSpec) -> SandboxSession:
        told = False
        while True:
            try:
                return await self.sandbox.open(spec)
            except SandboxFull:
                if not told:
                    told = True
                    await tell_state(
                        context, "waiting", spec.kind, None, "The sandbox is full; the call waits for a session."
                    )
                if not await self.room_made():
                    await asyncio.sleep(AGAIN)
