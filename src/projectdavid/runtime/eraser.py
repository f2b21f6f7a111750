"""The eraser: deletes what was hidden in small slices, and removes its bytes from the disk.

An object is erased in two steps. The request hides it in one short transaction. The eraser deletes the rows, the blobs
and the chunks of the index, and then truncates the write-ahead logs, which have copies of what was deleted. Everything
that is left to do stands in the store, so a crash only delays it.
"""

import asyncio
import logging

from projectdavid.engine.happenings import Abandoned
from projectdavid.engine.run import Failure, Refused
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import Index, IndexUnavailable
from projectdavid.ports.store import Missing, Op, Store, Unavailable
from projectdavid.runtime.driver import ERASE, Clock, Driver, abort_topic, journal_topic
from projectdavid.runtime.filing import Filing
from projectdavid.runtime.ingest import PURGE
from projectdavid.runtime.upkeep import Upkeep

log = logging.getLogger("projectdavid.eraser")

LOOK = 5.0
"""Seconds after which the eraser looks for work that was not announced."""
BATCH = 100
ASSISTANT_DELETED = Failure("assistant_deleted", "The assistant of the run was deleted.")


class Eraser:
    """Erases until it is stopped."""

    def __init__(
        self, store: Store, bus: Bus, driver: Driver, index: Index, upkeep: Upkeep, filing: Filing, clock: Clock
    ) -> None:
        self._store = store
        self._bus = bus
        self._driver = driver
        self._index = index
        self._upkeep = upkeep
        self._filing = filing
        self._clock = clock

    async def serve(self) -> None:
        """Erase whenever the topic says so, until cancelled."""
        due = True  # a crash may have left something
        with self._bus.subscribe(ERASE) as subscription:
            while True:
                try:
                    due = not await self.erase(due)
                except (Unavailable, IndexUnavailable) as error:
                    due = True
                    log.warning("deleted data is still on the disk, trying again: %s", error)
                due = await subscription.wait(LOOK) or due

    async def wake(self) -> None:
        """Abort the open runs of what was hidden, and have the rest erased."""
        await self._end_runs()
        self._bus.publish(ERASE)

    async def erase(self, due: bool = True) -> bool:
        """Erase what is hidden; `due`: and what was deleted before. False: a reader of a log was in the way.

        Raises:
            Unavailable, IndexUnavailable.
        """
        await self._end_runs()
        swept = False
        while await self._store.sweep() is not None:
            swept = True
            await asyncio.sleep(0)  # waiting requests go first
        if not (swept or due):
            return True
        finished = await self._store.all("erasures_swept")
        await self._filing.delete_removed()
        await self._upkeep.forget()
        if not await self._purge() or not await self._store.checkpoint():
            return False
        now = int(self._clock())
        await self._store.write([Op("erasure_done", {"n": row.n, "now": now}) for row in finished])
        return True

    async def _purge(self) -> bool:
        """Remove from the file of the index what the index has forgotten."""
        row = await self._store.one("meta", key=PURGE)
        if row is None or row.value == "done":
            return True
        if not await self._index.purge():
            return False
        await self._store.write([Op("meta_set", {"key": PURGE, "value": "done"})])
        return True

    async def _end_runs(self) -> None:
        for row in await self._store.all("runs_erased"):
            self._bus.publish(abort_topic(row.n))
            self._bus.publish(journal_topic(row.n))
        while rows := await self._store.all("runs_abandoned", limit=BATCH):
            for row in rows:
                try:
                    await self._driver.decide(row.n, Abandoned(ASSISTANT_DELETED, self._clock()))
                except (Refused, Missing):
                    continue  # it ended, or was deleted, at this moment
                self._bus.publish(abort_topic(row.n))
