"""Synchronizes the index with the vector stores: deletions, expiry, outdated chunks, and losses in a crash."""

import json
import logging

from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import ChunkIndex
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.knowledge.ingest import INGEST, PURGE

log = logging.getLogger("projectdavid.ingest")

BATCH = 100
REBUILD = "index_rebuild"
"""The key of `meta` with the number of files when a rebuild of the index started."""


class IndexSync:
    """Removes data from the index, and verifies at the start that it matches the store.

    `space` is the space of new vectors, or None.
    """

    def __init__(self, store: Store, bus: Bus, index: ChunkIndex, clock: Clock, space: str | None) -> None:
        self._store = store
        self._bus = bus
        self._index = index
        self._clock = clock
        self._space = space
        self.total = 0
        """Number of files when a rebuild of the index started; 0 if it is complete."""
        self.left = 0
        """Number of files that remain."""

    async def recover(self, *, ingests: bool = True) -> None:
        """Synchronize the index with the store, at the start of a process.

        If the store is exclusive, take all leases back, compare both, and ingest different files again. Otherwise
        another process can be ingesting a file whose chunks are in the index before its row says so. A process that
        ingests also has the files ingested again whose vectors are not those of its model.

        Raises:
            IndexUnavailable, StoreUnavailable: they cannot be used now.
        """
        if ingests:
            await self._store.write([Op(queries.INGEST_OUTDATED, {"space": self._space or ""})])
        if self._store.exclusive:
            await self._store.write([Op(queries.INGEST_RECOVER)])
            await self.reconcile()
        else:
            await self.watch()

    async def reconcile(self) -> None:
        """Make the index and the store consistent, without reading a file or calling a model.

        Raises:
            IndexUnavailable, StoreUnavailable: they cannot be used now.
        """
        after, missing = 0, 0
        while rows := await self._store.all(queries.STORES_AFTER, after=after, limit=BATCH):
            for row in rows:
                missing += await self._compare(row.n, row.owner)
            after = rows[-1].n
        if missing:
            log.warning("%d files are missing in the index, and are ingested again", missing)
        await self.watch()
        await self.forget()

    async def rebuild(self) -> None:
        """Ingest every file again into a new index, because the current one is damaged.

        Raises:
            IndexUnavailable, StoreUnavailable: they cannot be used now.
        """
        after = 0
        while rows := await self._store.all(queries.STORES_AFTER, after=after, limit=BATCH):
            for row in rows:  # first, so no search takes the empty index for a complete one
                files = await self._store.all(queries.STORE_FILES_FOUND, store=row.n)
                await self._ingest_again([file.n for file in files])
            after = rows[-1].n
        await self._index.reset()
        await self.watch()
        self._bus.publish(INGEST)

    async def watch(self) -> None:
        """Track the progress of a rebuild, and log its end."""
        row, known = await self._store.one(queries.INGEST_REBUILDING), await self._store.one(queries.META, key=REBUILD)
        before = int(known.value) if known is not None else 0
        left = row.amount if row is not None else 0
        total = max(before, left) if left else 0
        if total != before:
            await self._store.write([Op(queries.META_SET, {"key": REBUILD, "value": str(total)})])
            if total:
                log.warning("rebuilding the index: %d files to ingest", total)
            else:
                log.warning("the index was rebuilt")
        self.left, self.total = left, total

    async def _compare(self, store: int, owner: str) -> int:
        """Compare the index with the files of a store; returns the number of differences."""
        known = {row.n: row.version for row in await self._store.all(queries.STORE_FILES_FOUND, store=store)}
        found = {one.file: one.version for one in await self._index.list_published(owner, store)}
        differing = [n for n, version in known.items() if found.get(n) != version]
        await self._ingest_again(differing)
        await self._index.remove([n for n in found if n not in known])
        return len(differing)

    async def _ingest_again(self, files: list[int]) -> None:
        """Ingest files again that were searchable; those with uploaded vectors fail."""
        now = int(self._clock())
        for start in range(0, len(files), BATCH):
            ops: list[Op] = []
            for n in files[start : start + BATCH]:
                ops += [Op(queries.INGEST_AGAIN, {"n": n}), Op(queries.INGEST_LOST, {"n": n, "now": now})]
            await self._store.write(ops)

    async def forget(self) -> int:
        """Remove deleted files from the index; returns their number.

        Raises:
            IndexUnavailable, StoreUnavailable: they cannot be used now.
        """
        count = 0
        while rows := await self._store.all(queries.REMOVALS, limit=BATCH):
            files = [row.file for row in rows]
            await self._index.remove(files)
            due = Op(queries.META_SET, {"key": PURGE, "value": "due"})
            await self._store.write([Op(queries.REMOVALS_DONE, {"files": json.dumps(files)}), due])
            count += len(files)
        return count

    async def expire(self) -> int:
        """Empty the expired stores; returns their number.

        Raises:
            StoreUnavailable: the store cannot be used now.
        """
        now = int(self._clock())
        rows = await self._store.all(queries.STORES_EXPIRED, now=now, limit=BATCH)
        for row in rows:
            await self._store.write([Op(queries.STORE_EXPIRE, {"n": row.n, "now": now})])
        while (await self._store.write([Op(queries.STORE_EMPTY, {"limit": BATCH})]))[0] is not None:
            pass
        if rows:
            self._bus.publish(INGEST)
        return len(rows)
