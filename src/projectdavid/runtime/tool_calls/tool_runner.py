"""Runs the platform's calls of a turn concurrently; each is recorded before it starts and when it is done."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from projectdavid.engine.inputs import RunExpired, RunInput, ToolReturned, ToolStarted, WorkAborted
from projectdavid.engine.run import FunctionCall, InputRefused
from projectdavid.ports.store import Op, StoreUnavailable
from projectdavid.runtime.runs.abort_signals import RunInterrupted, unless_aborted
from projectdavid.runtime.runs.driver import RunDecision, RunDriver
from projectdavid.runtime.storage_limits import LimitReached
from projectdavid.runtime.tool_calls.call_context import CallContext, CallEnvironment
from projectdavid.runtime.tool_calls.toolbox import CallResult, Toolbox

log = logging.getLogger("projectdavid.worker")


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """Runs calls of a run for the worker that holds it."""

    driver: RunDriver
    toolbox: Toolbox
    environment: CallEnvironment

    async def run(self, calls: tuple[FunctionCall, ...]) -> RunDecision:
        """Run all calls, and record the outcomes; returns the last decision.

        Raises:
            LeaseLost, InputRefused, RowMissing, StoreUnavailable: as for the driver's `decide`.
        """
        row, clock = self.environment.row, self.environment.clock
        left = row.expires_at - clock()
        try:
            if left <= 0:
                raise TimeoutError
            return await unless_aborted(self.environment.store, self.environment.bus, row.n, left, self._all(calls))
        except TimeoutError:
            # Timers and the clock differ: one can be later than the other.
            return await self._decide(RunExpired(max(clock(), row.expires_at)))
        except (RunInterrupted, InputRefused):
            return await self._decide(WorkAborted(clock()))

    async def _all(self, calls: tuple[FunctionCall, ...]) -> RunDecision:
        tasks = [asyncio.create_task(self._one(call)) for call in calls]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            return max((task.result() for task in done), key=lambda decided: decided.version)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, call: FunctionCall) -> RunDecision:
        env = self.environment
        await self._decide(ToolStarted(call.id, env.clock()))
        await self.driver.hold(env.row.n, env.holder)  # a worker delayed after the commit can have lost its lease
        calling = CallContext(env, call)
        ran = await self.toolbox.run(call, env.row, calling)
        while True:  # the outcome must not be lost because the disk is full
            try:
                files, rows = calling.describe_made(ran.files), await calling.rows(ran.files)
                returned = ToolReturned(call.id, ran.output, env.clock(), ran.failed, files, ran.details)
                return await self._decide(returned, rows)
            except LimitReached as reached:
                ran = without_files(ran, reached)
            except StoreUnavailable as error:
                log.warning("the output of call %s waits for the store: %s", call.id, error)
                await asyncio.sleep(env.look)

    async def _decide(self, happened: RunInput, also: Sequence[Op] = ()) -> RunDecision:
        return await self.driver.decide(self.environment.row.n, happened, holder=self.environment.holder, also=also)


def without_files(ran: CallResult, reached: LimitReached) -> CallResult:
    """Return the outcome of a call whose files exceed the storage, with a note for the model."""
    details = {**ran.details, "files": []} if ran.details and "files" in ran.details else ran.details
    return replace(ran, output=f"{ran.output}\n\n[None of the files is saved. {reached}]", files=(), details=details)
