"""The sweeper: actions that are due after a time."""

import asyncio
import logging

from projectdavid.engine.inputs import RunExpired
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.blobs import NoRoom
from projectdavid.ports.store import MAX_CLOCK_SKEW, Op, RowMissing, Store, StoreUnavailable, Value
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.file_lifecycle import FileLifecycle
from projectdavid.runtime.page_cache import KEPT as PAGES_KEPT
from projectdavid.runtime.runs.driver import RunDriver

log = logging.getLogger("projectdavid.sweeper")

GRACE = 2.0
"""Grace period in seconds in which a worker can end an expired run itself, with the partial reply."""
JUMP = 5.0
"""Difference in seconds between clock and timer that counts as a clock change, for example after suspend."""
BATCH = 100
SETTLED = 600.0
"""Seconds after the start before orphaned bytes are searched: an operator can still be restoring."""
TICKETS_KEPT = 3600.0
"""Seconds for which a used ticket is remembered after its expiry, in case the clock is set back."""
TOMBSTONES_KEPT = 30 * 86_400.0
"""Seconds for which the id of a deleted object works as a cursor."""
ANSWERS_KEPT = 86_400.0
"""Seconds for which a request with an idempotency key is remembered."""


class Sweeper:
    """Expires runs, and deletes data that nothing refers to."""

    def __init__(
        self,
        store: Store,
        driver: RunDriver,
        clock: Clock,
        every: float = 1.0,
        prune_every: float = 3600.0,
        keep_deliveries: float = 30 * 86_400.0,
        filing: FileLifecycle | None = None,
    ) -> None:
        self._store = store
        self._driver = driver
        self._clock = clock
        self._every = every
        self._prune_every = prune_every
        self._keep_deliveries = keep_deliveries
        self._filing = filing

    async def serve(self) -> None:
        """Sweep until cancelled."""
        prune_at = self._clock()  # immediately: a crash can have left something
        seen = self._read_clocks()
        prune_files_at = self._clock() + SETTLED
        while True:
            await asyncio.sleep(self._every)
            try:
                seen = await self._follow_clock(seen)
                await self.expire()
                if self._filing is not None:
                    await self._filing.expire()
                if self._clock() >= prune_at:
                    await self.prune()
                    prune_at = self._clock() + self._prune_every
                if self._filing is not None and self._clock() >= prune_files_at:
                    await self._filing.prune()
                    prune_files_at = self._clock() + self._prune_every
            except NoRoom as error:
                log.warning("blobs cannot be moved or deleted now: %s", error)
            except StoreUnavailable:
                log.exception("the store is not available; trying again")

    def _read_clocks(self) -> tuple[float, float]:
        """Read the clock, and a timer that cannot be set."""
        return self._clock(), asyncio.get_running_loop().time()

    async def _follow_clock(self, before: tuple[float, float]) -> tuple[float, float]:
        """Move the deadlines of open runs if the clock was changed, once for all processes. Returns the clocks."""
        now = self._read_clocks()
        passed = now[1] - before[1]
        jump = now[0] - before[0] - passed
        if abs(jump) > JUMP:
            log.warning("the clock jumped by %.0f seconds; the deadlines of open runs move with it", jump)
            change: dict[str, Value] = {"jump": jump, "since": int(now[0] - passed), "now": now[0]}
            await self._store.write(
                [
                    Op(queries.DEADLINES_MOVE, {**change, "skew": MAX_CLOCK_SKEW}),
                    Op(queries.CLOCK_CHANGE_SET, change),
                ]
            )
        return now

    async def prune(self) -> None:
        """Delete data that nothing refers to, and data past its retention."""
        now = self._clock()
        for op in (
            Op(queries.IDEMPOTENCY_PRUNE, {"until": now - ANSWERS_KEPT, "limit": BATCH}),
            Op(queries.DELIVERIES_PRUNE, {"before": int(now - self._keep_deliveries), "limit": BATCH}),
            Op(queries.WEBHOOK_SECRETS_PRUNE, {"now": int(now), "limit": BATCH}),
            Op(queries.USED_TICKETS_PRUNE, {"before": now - TICKETS_KEPT, "limit": BATCH}),
            Op(queries.AUTH_CODES_PRUNE, {"before": int(now), "limit": BATCH}),
            Op(queries.PAGES_PRUNE, {"before": now - PAGES_KEPT, "limit": BATCH}),
            Op(queries.RATE_LIMITS_PRUNE, {"before": now, "limit": BATCH}),
            Op(queries.TOMBSTONES_PRUNE, {"before": int(now - TOMBSTONES_KEPT), "limit": BATCH}),
        ):
            while (await self._store.write([op]))[0] is not None:
                pass  # in slices, so waiting requests go first

    async def expire(self) -> int:
        """Expire the runs past their deadline; returns their number."""
        now = self._clock()
        rows = await self._store.all(queries.RUNS_EXPIRED, now=now, overdue=now - GRACE, limit=BATCH)
        rows += await self._store.all(queries.RUNS_UNANSWERED, now=now, limit=BATCH)
        for row in rows:
            try:
                await self._driver.decide(row.n, RunExpired(now))
            except (InputRefused, RowMissing):
                continue  # it ended or was deleted at the same time
        return len(rows)
