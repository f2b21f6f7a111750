"""Opening a session: wait for a place, tell that it waits, and give up in time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from projectdavid.ports.sandbox import Full, Off, Sandbox, Session, Spec
from projectdavid.ports.tool import Context, ToolError
from projectdavid.tools.seats import Crowded, Seats
from projectdavid.tools.telling import tell_state

AGAIN = 1.0
"""Seconds after which a sandbox that was full is asked again."""
BUSY = "all sessions for code are busy on this server; try again in a minute"
STARTING = "the sandbox of this server is still starting; try again in a minute"


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens sessions for those who have a seat.

    `patience` is in seconds. `settled` waits until what was ended to make room is gone. `room_made` ends an idle
    session for a sandbox that is full; False if there is none.
    """

    sandbox: Sandbox
    seats: Seats
    patience: float
    settled: Callable[[], Awaitable[None]]
    room_made: Callable[[], Awaitable[bool]]

    async def open(self, owner: str, context: Context, spec: Spec) -> Session:
        """Open one as soon as there is a place for it.

        Raises:
            ToolError: the sandbox is off, or there is no place in time.
        """
        try:
            asked = self.seats.ask(owner)
        except Crowded:
            raise ToolError(BUSY) from None
        try:
            if not asked.done():
                await tell_state(context, "waiting", spec.kind, None, "It waits until another session has ended.")
            async with asyncio.timeout(self.patience):
                await asked
                await self.settled()
                return await self._opened(context, spec)
        except BaseException as error:
            self.seats.leave(owner, asked)
            if isinstance(error, TimeoutError):
                raise ToolError(BUSY if self.sandbox.report is not None else STARTING) from None
            if isinstance(error, Off):
                raise ToolError(f"the tool is off on this server: {error}") from error
            raise

    async def _opened(self, context: Context, spec: Spec) -> Session:
        told = False
        while True:
            try:
                return await self.sandbox.open(spec)
            except Full:
                if not told:
                    told = True
                    await tell_state(context, "waiting", spec.kind, None, "The sandbox is full; it waits for a place.")
                if not await self.room_made():
                    await asyncio.sleep(AGAIN)
