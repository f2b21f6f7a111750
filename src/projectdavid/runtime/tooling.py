"""The calls of a turn that the platform runs: side by side, each written down before it starts and when it is done."""

import asyncio
import logging
from dataclasses import dataclass

from projectdavid.engine.happenings import Aborted, Expired, Happened, ToolReturned, ToolStarted
from projectdavid.engine.run import Call, Refused
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Row, Unavailable
from projectdavid.runtime.driver import Clock, Decided, Driver
from projectdavid.runtime.interrupting import Interrupted, unless_aborted
from projectdavid.runtime.toolbox import Toolbox

log = logging.getLogger("projectdavid.worker")


@dataclass(frozen=True, slots=True)
class Tooling:
    """The calls of the run of a row, run for the worker that holds it."""

    driver: Driver
    toolbox: Toolbox
    bus: Bus
    clock: Clock
    holder: str
    row: Row
    look: float
    """Seconds after which a store that was not there is tried again."""

    async def run(self, calls: tuple[Call, ...]) -> Decided:
        """Run all of them, and decide what each comes to; returns what was decided last.

        Raises:
            Lost, Refused, Missing, Unavailable: as the driver's `decide`.
        """
        left = self.row.expires_at - self.clock()
        try:
            if left <= 0:
                raise TimeoutError
            return await unless_aborted(self.bus, self.row.n, left, self._all(calls))
        except TimeoutError:
            # Timers and the clock are not the same: one may be late for the other.
            return await self._decide(Expired(max(self.clock(), self.row.expires_at)))
        except (Interrupted, Refused):
            return await self._decide(Aborted(self.clock()))

    async def _all(self, calls: tuple[Call, ...]) -> Decided:
        tasks = [asyncio.create_task(self._one(call)) for call in calls]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            return max((task.result() for task in done), key=lambda decided: decided.version)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, call: Call) -> Decided:
        await self._decide(ToolStarted(call.id, self.clock()))
        await self.driver.hold(self.row.n, self.holder)  # who was held up after the commit may have been given up
        output, failed = await self.toolbox.run(call, self.row)
        while True:  # what it did is done, and must not be forgotten because the disk is full
            try:
                return await self._decide(ToolReturned(call.id, output, self.clock(), failed))
            except Unavailable as error:
                log.warning("the output of call %s waits for the store: %s", call.id, error)
                await asyncio.sleep(self.look)

    async def _decide(self, happened: Happened) -> Decided:
        return await self.driver.decide(self.row.n, happened, holder=self.holder)
