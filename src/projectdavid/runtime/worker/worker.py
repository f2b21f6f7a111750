"""The worker: claims runs under a lease, and works on each until it ends or waits for its caller."""

import asyncio
import logging
import math
from contextlib import aclosing
from dataclasses import dataclass

from projectdavid.engine.inputs import ModelFailed, RunClaimed
from projectdavid.engine.run import AbortWork, CallModel, InputRefused, RunFailure, RunTools
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import OwnerQueueRow, RunRow
from projectdavid.ports.store import RowMissing, Store, StoreUnavailable
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.knowledge.citations import CitationLookup
from projectdavid.runtime.leased_tasks import LeasedTasks
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.queues import OwnerQueue, QueueWindow, WaitingRow
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.crashes import GUILTY, SPACING, release
from projectdavid.runtime.runs.decision_writer import RunLease
from projectdavid.runtime.runs.driver import LeaseLost, RunDecision, RunDriver
from projectdavid.runtime.runs.records import config_of
from projectdavid.runtime.tool_calls.call_context import CallEnvironment, FileOutput
from projectdavid.runtime.tool_calls.tool_runner import ToolRunner
from projectdavid.runtime.tool_calls.toolbox import Toolbox
from projectdavid.runtime.topics import WORK
from projectdavid.runtime.worker.prompt_images import PromptImages
from projectdavid.runtime.worker.thread_history import ThreadHistory
from projectdavid.runtime.worker.turn import ModelTurn

log = logging.getLogger("projectdavid.worker")

BATCH = 100
"""Suspected runs that are looked at for one that can begin."""


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """How the worker keeps time, in seconds, and how many places it has."""

    lease: float = 30.0
    look: float = 1.0
    """Interval of polling the store, in case a notification was lost."""
    runs: int = 512
    """Places: how many runs it works on at once. No owner takes more than half of them, see `queues`."""


class RunWorker:
    """Works on runs until it is stopped; several may share a store."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        models: ModelRegistry,
        toolbox: Toolbox,
        shelf: FileOutput,
        driver: RunDriver,
        clock: Clock,
        ids: IdFactory,
        pace: WorkerLimits = WorkerLimits(),
        quota: Quota | None = None,
        citations: CitationLookup | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._models = models
        self._toolbox = toolbox
        self._shelf = shelf
        self._driver = driver
        self._clock = clock
        self._ids = ids
        self._pace = pace
        self._quota = quota or Quota(store, clock)
        self._citations = citations
        self._history = ThreadHistory(store)
        self._name = ids.new("worker")
        self._suspects_read_at = -math.inf
        self._queue = OwnerQueue(self._load)
        self._shift = LeasedTasks(room=pace.runs, look=pace.look, lease=pace.lease, freed=self._freed, log=log)

    @property
    def at_work(self) -> int:
        """How many runs it works on now."""
        return len(self._shift)

    async def serve(self) -> None:
        """Claim and work until cancelled; what is unfinished then is taken up again by the next worker."""
        await self._shift.serve(self._bus, WORK, self._claim, self._extend)

    async def drain(self, seconds: float) -> None:
        """Wait up to `seconds` for the active runs to finish."""
        await self._shift.drain(seconds)

    async def _claim(self) -> None:
        if self._shift.free <= 0:
            return
        await self._claim_suspect()
        async with aclosing(self._shift.read(self._queue)) as windows:
            async for waiting in windows:
                for one in waiting:
                    self._begin(one)

    async def _claim_suspect(self) -> None:
        """Begin one suspected run. They wait for a time or for each other, so most hints are not about them."""
        now = self._clock()
        if 0 <= now - self._suspects_read_at < self._pace.look:
            return
        self._suspects_read_at = now
        for row in await self._store.all(
            queries.RUNS_SUSPECTED, now=now, before=now - SPACING, most=GUILTY, limit=BATCH
        ):
            waiting = WaitingRow(row.n, row.owner)
            if self._shift.takes(waiting):
                self._shift.begin(waiting, self._work_on_suspect(row.n))
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
        """Begin to work on a run if its owner can take a place."""
        if self._shift.takes(waiting):
            self._shift.begin(waiting, self._work(waiting.n))

    def _freed(self, full: bool) -> None:
        if full:
            self._bus.publish(WORK)

    async def _extend(self) -> None:
        await self._driver.extend(self._name, self._clock() + self._pace.lease)

    async def _work(self, n: int) -> None:
        while not await self._worked(n):
            pass  # not left for others: while the lease lasts, no worker would claim it

    async def _work_on_suspect(self, n: int) -> None:
        try:
            await self._work(n)
        finally:  # the next one waits for this
            self._suspects_read_at = -math.inf
            self._bus.publish(WORK)

    async def _worked(self, n: int) -> bool:
        """Work on a run; returns False if the store was unavailable, so it resumes at its last fact."""
        try:
            await self._happen_or_give_up(n)
        except (LeaseLost, InputRefused, RowMissing):
            pass  # cancelled, deleted, or claimed by another worker, which has journaled it
        except StoreUnavailable as error:
            log.warning("run %d waits for the store: %s", n, error)
            await asyncio.sleep(self._pace.look)
            return False
        return True

    async def _happen_or_give_up(self, n: int) -> None:
        try:
            await self._happen(n)
        except (LeaseLost, InputRefused, RowMissing, StoreUnavailable):
            raise
        except Exception:
            log.exception("run %d failed because of an internal error", n)
            failure = RunFailure("server_error", "The server made a mistake while it worked on this run.")
            await self._driver.decide(n, ModelFailed(failure, self._clock()), holder=self._name)

    async def _happen(self, n: int) -> None:
        """Decide, perform, repeat."""
        claim = RunLease(self._name, self._clock() + self._pace.lease)
        claimed = decided = await self._driver.decide(n, RunClaimed(self._clock()), claim=claim)
        try:
            while (following := await self._perform(decided)) is not None:
                decided = following
        except asyncio.CancelledError:
            await self._release(claimed.row)
            raise

    async def _release(self, before: RunRow) -> None:
        """Give a run back, as it was before it was claimed: being stopped is not a crash."""
        try:
            await self._store.write([release(before, self._name)])
        except StoreUnavailable as error:
            log.warning("run %d keeps its lease until that runs out: %s", before.n, error)

    async def _perform(self, decided: RunDecision) -> RunDecision | None:
        """Do what was decided, and decide what came of it; None: there is nothing to do."""
        for command in decided.next.commands:
            match command:
                case CallModel(delay):
                    outcome = await self._turn(decided).take(delay)
                    return await self._driver.decide(
                        decided.n, outcome.happened, holder=self._name, streamed=outcome.streamed
                    )
                case RunTools(calls):
                    return await self._tooling(decided).run(calls)
                case AbortWork():
                    pass
        return None

    def _turn(self, decided: RunDecision) -> ModelTurn:
        config = config_of(decided.row)
        return ModelTurn(
            self._store,
            self._bus,
            self._models,
            self._clock,
            self._ids,
            decided.row,
            decided.version,
            decided.next.run,
            config,
            self._quota,
            PromptImages(self._store, self._shelf.blobs),
            self._history,
            None if self._citations is None else self._citations.of(decided.row, config),
        )

    def _tooling(self, decided: RunDecision) -> ToolRunner:
        desk = CallEnvironment(
            self._store,
            self._bus,
            self._clock,
            self._ids,
            self._shelf,
            self._name,
            decided.row,
            self._quota,
            self._pace.look,
        )
        return ToolRunner(self._driver, self._toolbox, desk)
