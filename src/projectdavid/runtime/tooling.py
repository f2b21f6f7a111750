"""The calls of a turn that the platform runs: side by side, each written down before it starts and when it is done."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from projectdavid.engine.happenings import Aborted, Expired, Happened, ToolReturned, ToolStarted
from projectdavid.engine.run import Call, Refused
from projectdavid.ports.store import Op, Unavailable
from projectdavid.runtime.calling import Calling, Desk
from projectdavid.runtime.driver import Decided, Driver
from projectdavid.runtime.interrupting import Interrupted, unless_aborted
from projectdavid.runtime.storage_limits import LimitReached
from projectdavid.runtime.toolbox import Ran, Toolbox

log = logging.getLogger("projectdavid.worker")


@dataclass(frozen=True, slots=True)
class Tooling:
    """The calls of a run, run for the worker that holds it."""

    driver: Driver
    toolbox: Toolbox
    desk: Desk

    async def run(self, calls: tuple[Call, ...]) -> Decided:
        """Run all of them, and decide what each comes to; returns what was decided last.

        Raises:
            Lost, Refused, Missing, Unavailable: as the driver's `decide`.
        """
        row, clock = self.desk.row, self.desk.clock
        left = row.expires_at - clock()
        try:
            if left <= 0:
                raise TimeoutError
            return await unless_aborted(self.desk.store, self.desk.bus, row.n, left, self._all(calls))
        except TimeoutError:
            # Timers and the clock are not the same: one may be late for the other.
            return await self._decide(Expired(max(clock(), row.expires_at)))
        except (Interrupted, Refused):
            return await self._decide(Aborted(clock()))

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
        desk = self.desk
        await self._decide(ToolStarted(call.id, desk.clock()))
        await self.driver.hold(desk.row.n, desk.holder)  # who was held up after the commit may have been given up
        calling = Calling(desk, call)
        ran = await self.toolbox.run(call, desk.row, calling)
        while True:  # what it did is done, and must not be forgotten because the disk is full
            try:
                files, rows = calling.made(ran.files), await calling.rows(ran.files)
                returned = ToolReturned(call.id, ran.output, desk.clock(), ran.failed, files, ran.details)
                return await self._decide(returned, rows)
            except LimitReached as reached:
                ran = without_files(ran, reached)
            except Unavailable as error:
                log.warning("the output of call %s waits for the store: %s", call.id, error)
                await asyncio.sleep(desk.look)

    async def _decide(self, happened: Happened, also: Sequence[Op] = ()) -> Decided:
        return await self.driver.decide(self.desk.row.n, happened, holder=self.desk.holder, also=also)


def without_files(ran: Ran, reached: LimitReached) -> Ran:
    """Return what a call came to whose files do not fit any more, with a note that says so to the model."""
    details = {**ran.details, "files": []} if ran.details and "files" in ran.details else ran.details
    return replace(ran, output=f"{ran.output}\n\n[None of the files is saved. {reached}]", files=(), details=details)
