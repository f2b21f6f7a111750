"""The sweeper: what has to happen because time passes."""

import asyncio
import logging

from projectdavid.engine.happenings import Expired
from projectdavid.engine.run import Refused
from projectdavid.ports.blobs import NoRoom
from projectdavid.ports.store import Missing, Op, Store, Unavailable
from projectdavid.runtime.driver import Clock, Driver
from projectdavid.runtime.filing import Filing
from projectdavid.runtime.page_keeping import KEPT as PAGES_KEPT

log = logging.getLogger("projectdavid.sweeper")

GRACE = 2.0
"""Seconds after its time in which a worker may end a run itself, with what the model had said."""
JUMP = 5.0
"""Seconds by which the clock must differ from a timer to count as set, for example after a machine was suspended."""
BATCH = 100
SETTLED = 600.0
"""Seconds after a start before bytes that no file has are looked for: an operator may still be restoring."""
TICKETS_KEPT = 3600.0
"""Seconds for which the use of a ticket is remembered after its end, in case the clock is set back."""
ANSWERS_KEPT = 86_400.0
"""Seconds for which a request with an idempotency key is remembered."""


class Sweeper:
    """Expires runs whose time is up, and throws away what nothing refers to."""

    def __init__(
        self,
        store: Store,
        driver: Driver,
        clock: Clock,
        every: float = 1.0,
        prune_every: float = 3600.0,
        keep_deliveries: float = 30 * 86_400.0,
        filing: Filing | None = None,
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
        prune_at = self._clock()  # at once: a crash may have left something
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
            except Unavailable:
                log.exception("the store is not available; trying again")

    def _read_clocks(self) -> tuple[float, float]:
        """The time of day, and that of a timer that cannot be set."""
        return self._clock(), asyncio.get_running_loop().time()

    async def _follow_clock(self, before: tuple[float, float]) -> tuple[float, float]:
        """Move the deadlines of open runs if the clock was set: no run loses or gains time. Returns the clocks."""
        now = self._read_clocks()
        passed = now[1] - before[1]
        jump = now[0] - before[0] - passed
        if abs(jump) > JUMP:
            log.warning("the clock jumped by %.0f seconds; the deadlines of open runs move with it", jump)
            await self._store.write(
                [Op("deadlines_move", {"jump": jump, "since": int(now[0] - passed), "now": now[0]})]
            )
        return now

    async def prune(self) -> None:
        """Throw away what nothing refers to, and what has been kept for long enough."""
        now = self._clock()
        for op in (
            Op("idempotency_prune", {"until": now - ANSWERS_KEPT, "limit": BATCH}),
            Op("deliveries_prune", {"before": int(now - self._keep_deliveries), "limit": BATCH}),
            Op("webhook_secrets_prune", {"now": int(now), "limit": BATCH}),
            Op("used_tickets_prune", {"before": now - TICKETS_KEPT, "limit": BATCH}),
            Op("pages_prune", {"before": now - PAGES_KEPT, "limit": BATCH}),
        ):
            while (await self._store.write([op]))[0] is not None:
                pass  # in slices, so that waiting requests go first

    async def expire(self) -> int:
        """Expire the runs whose time is up; returns how many."""
        now = self._clock()
        rows = await self._store.all("runs_expired", now=now - GRACE, limit=BATCH)
        rows += await self._store.all("runs_unanswered", now=now, limit=BATCH)
        for row in rows:
            try:
                await self._driver.decide(row.n, Expired(now))
            except (Refused, Missing):
                continue  # it ended, or was deleted, in this very moment
        return len(rows)
