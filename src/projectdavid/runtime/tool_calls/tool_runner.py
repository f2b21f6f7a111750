"""Runs the platform's calls of a turn concurrently; each is recorded before it starts and after it ends."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from projectdavid.engine.inputs import RunExpired, RunInput, ToolReturned, ToolStarted, WorkAborted
from projectdavid.engine.run import FunctionCall, InputRefused
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.store import Op, StoreUnavailable
from projectdavid.runtime.runs.abort_signals import RunInterrupted, unless_aborted
from projectdavid.runtime.runs.driver import RunDecision, RunDriver
from projectdavid.runtime.storage_limits import LimitReached
from projectdavid.runtime.tool_calls.call_context import CallContext, CallEnvironment
from projectdavid.runtime.tool_calls.call_spans import build_call_span
from projectdavid.runtime.tool_calls.toolbox import CallResult, Toolbox

log = logging.getLogger("projectdavid.worker")


@dataclass(frozen=True, slots=True)
class ToolRunner:
    """Runs calls of a run for the worker that holds it."""

    driver: RunDriver
    toolbox: Toolbox
    environment: CallEnvironment
    telemetry: Telemetry = field(default_factory=Telemetry)

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
            work = self._run_calls(calls)
            return await unless_aborted(self.environment.store, self.environment.bus, row.n, left, work)
        except TimeoutError:
            # Timers and the clock differ: one can be later than the other.
            return await self._decide(RunExpired(max(clock(), row.expires_at)))
        except (RunInterrupted, InputRefused):
            return await self._decide(WorkAborted(clock()))

    async def _run_calls(self, calls: tuple[FunctionCall, ...]) -> RunDecision:
        tasks = [asyncio.create_task(self._run_call(call)) for call in calls]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            return max((task.result() for task in done), key=lambda decided: decided.version)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _run_call(self, call: FunctionCall) -> RunDecision:
        env = self.environment
        await self._decide(ToolStarted(call.id, env.clock()))
        await self.driver.hold(env.row.n, env.holder)  # a worker delayed after the commit can have lost its lease
        context, began = CallContext(env, call), env.clock()
        result = await self.toolbox.run(call, env.row, context)
        ended = env.clock()
        while True:  # the outcome must not be lost because the disk is full
            try:
                files, rows = context.describe_made(result.files), await context.rows(result.files)
                returned = ToolReturned(call.id, result.output, env.clock(), result.failed, files, result.details)
                decided = await self._decide(returned, rows)
                self._record(call, result, began, ended)
                return decided
            except LimitReached as reached:
                result = without_files(result, reached)
            except StoreUnavailable as error:
                log.warning("the output of call %s waits for the store: %s", call.id, error)
                await asyncio.sleep(env.look)

    def _record(self, call: FunctionCall, result: CallResult, began: float, ended: float) -> None:
        metrics, tool = self.telemetry.metrics, call.tool or ""
        metrics.tool_calls.add(1, tool, "error" if result.failed else "ok")
        metrics.tool_seconds.observe(ended - began, tool)
        if self.telemetry.is_tracing:
            row = self.environment.row
            self.telemetry.emit(build_call_span(self.telemetry, row, call, result, began, ended))

    async def _decide(self, run_input: RunInput, also: Sequence[Op] = ()) -> RunDecision:
        return await self.driver.decide(self.environment.row.n, run_input, holder=self.environment.holder, also=also)


def without_files(result: CallResult, reached: LimitReached) -> CallResult:
    """Return the outcome of a call whose files exceed the storage, with a note for the model."""
    details = {**result.details, "files": []} if result.details and "files" in result.details else result.details
    output = f"{result.output}\n\n[None of the files is saved. {reached}]"
    return replace(result, output=output, files=(), details=details)
