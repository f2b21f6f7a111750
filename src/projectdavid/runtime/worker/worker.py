"""The worker: claims runs under a lease, and executes each until it ends or waits for its caller."""

import asyncio
import logging
import math
from contextlib import aclosing

from projectdavid.engine.inputs import ModelFailed, RunClaimed
from projectdavid.engine.run import AbortWork, CallModel, InputRefused, RunFailure, RunTools
from projectdavid.instruments.work_context import current_work
from projectdavid.ports import queries
from projectdavid.ports.rows import OwnerQueueRow, RunRow
from projectdavid.ports.store import RowMissing, StoreUnavailable
from projectdavid.runtime.leased_tasks import LeasedTasks
from projectdavid.runtime.queues import OwnerQueue, QueueWindow, WaitingRow
from projectdavid.runtime.runs.crashes import GUILTY, SPACING, release
from projectdavid.runtime.runs.decision_writer import RunLease
from projectdavid.runtime.runs.driver import LeaseLost, RunDecision
from projectdavid.runtime.runs.run_telemetry import run_context
from projectdavid.runtime.tool_calls.call_context import CallEnvironment
from projectdavid.runtime.tool_calls.tool_runner import ToolRunner
from projectdavid.runtime.topics import WORK
from projectdavid.runtime.worker.home_runs import HomeRuns
from projectdavid.runtime.worker.thread_history import ThreadHistory
from projectdavid.runtime.worker.turn import ModelTurn
from projectdavid.runtime.worker.turn_telemetry import TurnTelemetry
from projectdavid.runtime.worker.worker_services import WorkerServices

log = logging.getLogger("projectdavid.worker")

BATCH = 100
"""Suspected runs that are read to find one that can be started."""


class RunWorker:
    """Executes runs until it is stopped; several workers can share a store."""

    def __init__(self, services: WorkerServices) -> None:
        self._services = services
        self._store = services.store
        self._bus = services.bus
        self._driver = services.driver
        self._clock = services.clock
        self._limits = limits = services.limits
        self._history = ThreadHistory(services.store)
        self.name = services.ids.new("worker")
        self._homes = HomeRuns(services.store, services.clock, self.name)
        self._telemetry = TurnTelemetry(services.telemetry, services.models.cost)
        self._suspects_read_at = -math.inf
        self.looked_at: float | None = None
        """When this worker last looked for runs, in Unix seconds; None if it does not serve."""
        self._queue = OwnerQueue(self._load)
        self._tasks = LeasedTasks(room=limits.runs, look=limits.look, lease=limits.lease, freed=self._on_freed, log=log)

    @property
    def at_work(self) -> int:
        """Number of active runs."""
        return len(self._tasks)

    async def serve(self) -> None:
        """Claim and execute runs until cancelled; the next worker resumes unfinished ones."""
        await self._tasks.serve(self._bus, WORK, self._claim, self._extend)

    async def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for the active runs to finish."""
        await self._tasks.drain(seconds)

    async def _claim(self) -> None:
        self.looked_at = self._clock()
        if self._tasks.free <= 0:
            return
        await self._claim_suspect()
        async with aclosing(self._tasks.read(self._queue)) as windows:
            async for waiting in windows:
                for one in await self._homes.claimable(waiting):
                    self._begin(one)

    async def _claim_suspect(self) -> None:
        """Start one suspected run. They wait for a time or for each other, so most hints do not concern them."""
        now = self._clock()
        if 0 <= now - self._suspects_read_at < self._limits.look:
            return
        self._suspects_read_at = now
        spacing = min(SPACING, self._limits.lease)
        for row in await self._store.all(
            queries.RUNS_SUSPECTED, now=now, before=now - spacing, most=GUILTY, limit=BATCH
        ):
            waiting = WaitingRow(row.n, row.owner)
            if self._tasks.takes(waiting):
                self._tasks.begin(waiting, self._work_on_suspect(row.n))
                break

    async def _load(self, window: QueueWindow) -> list[OwnerQueueRow]:
        return await self._store.all(
            queries.RUNS_WAITING,
            now=self._clock(),
            after=window.after,
            window=window.owners,
            each=window.each,
            full=window.full,
        )

    def _begin(self, waiting: WaitingRow) -> None:
        """Start a run if its owner has a free place."""
        if self._tasks.takes(waiting):
            self._tasks.begin(waiting, self._work(waiting.n))

    def _on_freed(self, full: bool) -> None:
        if full:
            self._bus.publish(WORK)

    async def _extend(self) -> None:
        await self._driver.extend(self.name, self._clock() + self._limits.lease)

    async def _work(self, n: int) -> None:
        while not await self._try_to_work(n):
            pass  # no other worker can claim it while the lease lasts

    async def _work_on_suspect(self, n: int) -> None:
        try:
            await self._work(n)
        finally:  # the next suspect waits for this one
            self._suspects_read_at = -math.inf
            self._bus.publish(WORK)

    async def _try_to_work(self, n: int) -> bool:
        """Execute a run; returns False if the store was unavailable, so the run must resume at its last commit."""
        try:
            await self._execute_or_fail(n)
        except (LeaseLost, InputRefused, RowMissing):
            pass  # cancelled, deleted, or claimed by another worker, which has journaled it
        except StoreUnavailable as error:
            log.warning("run %d waits for the store: %s", n, error)
            await asyncio.sleep(self._limits.look)
            return False
        return True

    async def _execute_or_fail(self, n: int) -> None:
        try:
            await self._execute(n)
        except (LeaseLost, InputRefused, RowMissing, StoreUnavailable):
            raise
        except Exception:
            log.exception("run %d failed because of an internal error", n)
            failure = RunFailure("server_error", "The server failed internally while it executed this run.")
            await self._driver.decide(n, ModelFailed(failure, self._clock()), holder=self.name)

    async def _execute(self, n: int) -> None:
        """Claim a run, and perform its commands until none is left."""
        claim = RunLease(self.name, self._clock() + self._limits.lease)
        claimed = decision = await self._driver.decide(n, RunClaimed(self._clock()), claim=claim)
        current_work.set(run_context(claimed.row, claimed.next.run, self._services.telemetry))
        try:
            while (next_decision := await self._perform(decision)) is not None:
                decision = next_decision
        except asyncio.CancelledError:
            await self._release(claimed.row)
            raise

    async def _release(self, before: RunRow) -> None:
        """Release a run with its state before the claim, because a stopped worker is not a crash."""
        try:
            await self._store.write([release(before, self.name)])
        except StoreUnavailable as error:
            log.warning("run %d keeps its lease until it expires: %s", before.n, error)

    async def _perform(self, decision: RunDecision) -> RunDecision | None:
        """Perform the command of a decision, and return the decision about its outcome; None if there is no command."""
        for command in decision.next.commands:
            match command:
                case CallModel(delay):
                    outcome = await ModelTurn(self._services, self._history, decision).take(delay)
                    decided = await self._driver.decide(
                        decision.n, outcome.run_input, holder=self.name, streamed=outcome.streamed
                    )
                    self._telemetry.record(decision, outcome)
                    return decided
                case RunTools(calls):
                    return await self._tool_runner(decision).run(calls)
                case AbortWork():
                    pass
        return None

    def _tool_runner(self, decision: RunDecision) -> ToolRunner:
        services = self._services
        environment = CallEnvironment(
            store=services.store,
            bus=services.bus,
            clock=services.clock,
            ids=services.ids,
            file_output=services.file_output,
            holder=self.name,
            row=decision.row,
            quota=services.quota,
            look=services.limits.look,
        )
        return ToolRunner(services.driver, services.toolbox, environment, services.telemetry)
