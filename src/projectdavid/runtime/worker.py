"""The worker: claims runs under a lease, and works on each until it ends or waits for its caller."""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass

from projectdavid.engine.happenings import Claimed, ModelFailed
from projectdavid.engine.run import Abort, CallModel, Failure, Refused, RunTools
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Missing, Row, Store, Unavailable
from projectdavid.runtime.calling import Desk, Shelf
from projectdavid.runtime.citing import Citations
from projectdavid.runtime.crashes import GUILTY, SPACING, release
from projectdavid.runtime.driver import WORK, Clock, Decided, Driver, Lost
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.queues import OwnerQueue, Waiting, Window
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.records import config_of
from projectdavid.runtime.routing import Models
from projectdavid.runtime.shift import Shift
from projectdavid.runtime.showing import Pictures
from projectdavid.runtime.thread_history import ThreadHistory
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.tooling import Tooling
from projectdavid.runtime.turn import Turn
from projectdavid.runtime.writing import Lease

log = logging.getLogger("projectdavid.worker")

BATCH = 100
"""Suspected runs that are looked at for one that can begin."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How the worker keeps time, in seconds, and how many places it has."""

    lease: float = 30.0
    look: float = 1.0
    """How often it looks for work that nobody told it of."""
    runs: int = 512
    """Places: how many runs it works on at once. No owner takes more than half of them, see `queues`."""


class Worker:
    """Works on runs until it is stopped; several may share a store."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        models: Models,
        toolbox: Toolbox,
        shelf: Shelf,
        driver: Driver,
        clock: Clock,
        ids: Ids,
        pace: Pace = Pace(),
        quota: Quota | None = None,
        citations: Citations | None = None,
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
        self._queue = OwnerQueue(self._load)
        self._shift = Shift(room=pace.runs, look=pace.look, lease=pace.lease, freed=self._freed, log=log)

    @property
    def at_work(self) -> int:
        """How many runs it works on now."""
        return len(self._shift)

    async def serve(self) -> None:
        """Claim and work until cancelled; what is unfinished then is taken up again by the next worker."""
        await self._shift.serve(self._bus, WORK, self._claim, self._extend)

    async def drain(self, seconds: float) -> None:
        """Wait for the runs at work to finish, `seconds` at the most."""
        await self._shift.drain(seconds)

    async def _claim(self) -> None:
        if self._shift.free <= 0:
            return
        now = self._clock()
        for row in await self._store.all("runs_suspected", now=now, before=now - SPACING, most=GUILTY, limit=BATCH):
            if self._begin(Waiting(row.n, row.owner)):
                break
        async with aclosing(self._shift.read(self._queue)) as windows:
            async for waiting in windows:
                for one in waiting:
                    self._begin(one)

    async def _load(self, window: Window) -> list[Row]:
        return await self._store.all(
            "runs_waiting",
            now=self._clock(),
            after=window.after,
            window=window.owners,
            each=window.each,
            full=window.full,
        )

    def _begin(self, waiting: Waiting) -> bool:
        """Begin to work on a run if its owner can take a place."""
        takes = self._shift.takes(waiting)
        if takes:
            self._shift.begin(waiting, self._work(waiting.n))
        return takes

    def _freed(self, full: bool) -> None:
        if full:
            self._bus.publish(WORK)

    async def _extend(self) -> None:
        await self._driver.extend(self._name, self._clock() + self._pace.lease)

    async def _work(self, n: int) -> None:
        while not await self._worked(n):
            pass  # not left for others: while the lease lasts, nobody would take it up

    async def _worked(self, n: int) -> bool:
        """Work on a run; false where the store was not there for it, so that it goes on at its last fact."""
        try:
            await self._happen_or_give_up(n)
        except (Lost, Refused, Missing):
            pass  # cancelled, deleted, or taken over meanwhile: whoever did it has told the journal
        except Unavailable as error:
            log.warning("run %d waits for the store: %s", n, error)
            await asyncio.sleep(self._pace.look)
            return False
        return True

    async def _happen_or_give_up(self, n: int) -> None:
        try:
            await self._happen(n)
        except (Lost, Refused, Missing, Unavailable):
            raise
        except Exception:
            log.exception("run %d failed by a fault of ours", n)
            failure = Failure("server_error", "The server made a mistake while it worked on this run.")
            await self._driver.decide(n, ModelFailed(failure, self._clock()), holder=self._name)

    async def _happen(self, n: int) -> None:
        """Decide, perform, repeat."""
        claim = Lease(self._name, self._clock() + self._pace.lease)
        claimed = decided = await self._driver.decide(n, Claimed(self._clock()), claim=claim)
        try:
            while (following := await self._perform(decided)) is not None:
                decided = following
        except asyncio.CancelledError:
            await self._release(claimed.row)
            raise

    async def _release(self, before: Row) -> None:
        """Give a run back, as it was before it was claimed: being stopped is not a crash."""
        try:
            await self._store.write([release(before, self._name)])
        except Unavailable as error:
            log.warning("run %d keeps its lease until that runs out: %s", before.n, error)

    async def _perform(self, decided: Decided) -> Decided | None:
        """Do what was decided, and decide what came of it; None: there is nothing to do."""
        for do in decided.next.do:
            match do:
                case CallModel(delay):
                    outcome = await self._turn(decided).take(delay)
                    return await self._driver.decide(
                        decided.n, outcome.happened, holder=self._name, streamed=outcome.streamed
                    )
                case RunTools(calls):
                    return await self._tooling(decided).run(calls)
                case Abort():
                    pass
        return None

    def _turn(self, decided: Decided) -> Turn:
        config = config_of(decided.row)
        return Turn(
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
            Pictures(self._store, self._shelf.blobs),
            self._history,
            None if self._citations is None else self._citations.of(decided.row, config),
        )

    def _tooling(self, decided: Decided) -> Tooling:
        desk = Desk(
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
        return Tooling(self._driver, self._toolbox, desk)
