"""The eraser: deletes hidden rows in small slices, and removes their bytes from the disk.

Objects are erased in two steps. The request hides them in one short transaction. The eraser deletes the rows, the blobs
and the chunks of the index, and then truncates the write-ahead logs, which contain copies. The remaining work is
recorded in the store, so a crash only delays it.
"""

import asyncio
import logging

from projectdavid.engine.inputs import RunAbandoned
from projectdavid.engine.run import InputRefused, RunFailure
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import ChunkIndex, IndexUnavailable
from projectdavid.ports.store import Op, RowMissing, Store, StoreUnavailable
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.file_lifecycle import FileLifecycle
from projectdavid.runtime.knowledge.index_sync import IndexSync
from projectdavid.runtime.knowledge.ingest import PURGE
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.topics import ERASE, abort_topic, journal_topic

log = logging.getLogger("projectdavid.eraser")

LOOK = 5.0
"""Seconds between polls for work, in case a notification was lost."""
BATCH = 100
ASSISTANT_DELETED = RunFailure("assistant_deleted", "The assistant of the run was deleted.")


class Eraser:
    """Erases until it is stopped."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        driver: RunDriver,
        index: ChunkIndex,
        index_sync: IndexSync,
        files: FileLifecycle,
        clock: Clock,
    ) -> None:
        self._store = store
        self._bus = bus
        self._driver = driver
        self._index = index
        self._index_sync = index_sync
        self._files = files
        self._clock = clock

    async def serve(self) -> None:
        """Erase on notification, until cancelled."""
        due = True  # a crash can have left work
        with self._bus.subscribe(ERASE) as subscription:
            while True:
                try:
                    due = not await self.erase(due)
                except (StoreUnavailable, IndexUnavailable) as error:
                    due = True
                    log.warning("deleted data is still on the disk, trying again: %s", error)
                due = await subscription.wait(LOOK) or due

    async def wake(self) -> None:
        """Abort the open runs of hidden objects, and schedule their erasure."""
        await self._end_runs()
        self._bus.publish(ERASE)

    async def erase(self, due: bool = True) -> bool:
        """Erase hidden rows and, if `due`, data deleted earlier. Returns False if a reader blocks truncation of a log.

        Raises:
            StoreUnavailable, IndexUnavailable: the disk cannot be written.
        """
        await self._end_runs()
        swept = False
        while await self._store.sweep() is not None:
            swept = True
            await asyncio.sleep(0)  # let waiting requests go first
        if not (swept or due):
            return True
        finished = await self._store.all(queries.ERASURES_SWEPT)
        await self._files.delete_removed()
        await self._index_sync.forget()
        if not await self._purge() or not await self._store.checkpoint():
            return False
        now = int(self._clock())
        await self._store.write([Op(queries.ERASURE_DONE, {"n": row.n, "now": now}) for row in finished])
        return True

    async def _purge(self) -> bool:
        """Purge removed data from the file of the index."""
        row = await self._store.one(queries.META, key=PURGE)
        if row is None or row.value == "done":
            return True
        if not await self._index.purge():
            return False
        await self._store.write([Op(queries.META_SET, {"key": PURGE, "value": "done"})])
        return True

    async def _end_runs(self) -> None:
        for row in await self._store.all(queries.RUNS_ERASED):
            self._bus.publish(abort_topic(row.n))
            self._bus.publish(journal_topic(row.n))
        while rows := await self._store.all(queries.RUNS_ABANDONED, limit=BATCH):
            for row in rows:
                try:
                    await self._driver.decide(row.n, RunAbandoned(ASSISTANT_DELETED, self._clock()))
                except (InputRefused, RowMissing):
                    continue  # it ended or was deleted at the same time
                self._bus.publish(abort_topic(row.n))
