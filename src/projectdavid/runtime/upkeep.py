"""Keeping the index in step with the vector stores: what was deleted, has expired, is outdated, or lost in a crash."""

import json
import logging

from projectdavid.ports.bus import Bus
from projectdavid.ports.index import Index
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.driver import Clock
from projectdavid.runtime.ingest import INGEST, PURGE

log = logging.getLogger("projectdavid.ingest")

BATCH = 100
REBUILD = "index_rebuild"
"""The key of `meta` that says how many files a rebuild of the index began with."""


class Upkeep:
    """Lets the index forget, and sees at the start that it has what the store says.

    `space` is what new vectors can be compared with; None: there are none.
    """

    def __init__(self, store: Store, bus: Bus, index: Index, clock: Clock, space: str | None) -> None:
        self._store = store
        self._bus = bus
        self._index = index
        self._clock = clock
        self._space = space
        self.total = 0
        """Files that a rebuild of the index began with; 0: it is complete."""
        self.left = 0
        """Those of them that are still to be read."""

    async def recover(self) -> None:
        """Compare the index with the store, and let what differs be read anew; for a process that holds both alone.

        Raises:
            IndexUnavailable, Unavailable.
        """
        await self._store.write([Op("ingest_recover"), Op("ingest_outdated", {"space": self._space or ""})])
        await self.reconcile()

    async def reconcile(self) -> None:
        """Bring the index and the store into agreement, without reading a file or asking a model.

        Raises:
            IndexUnavailable, Unavailable.
        """
        after, missing = 0, 0
        while rows := await self._store.all("stores_after", after=after, limit=BATCH):
            for row in rows:
                missing += await self._compare(row.n, row.owner)
            after = rows[-1].n
        if missing:
            log.warning("%d files are not in the index, and are read again", missing)
        await self.watch()
        await self.forget()

    async def rebuild(self) -> None:
        """Let every file be read again into a new index, because the present one is damaged.

        Raises:
            IndexUnavailable, Unavailable.
        """
        after = 0
        while rows := await self._store.all("stores_after", after=after, limit=BATCH):
            for row in rows:  # first, so that no search takes the empty index for the whole
                await self._lose([file.n for file in await self._store.all("store_files_found", store=row.n)])
            after = rows[-1].n
        await self._index.reset()
        await self.watch()
        self._bus.publish(INGEST)

    async def watch(self) -> None:
        """See how far a rebuild is, and log when it is done."""
        row, known = await self._store.one("ingest_rebuilding"), await self._store.one("meta", key=REBUILD)
        before = int(known.value) if known is not None else 0
        left = row.files if row is not None else 0
        total = max(before, left) if left else 0
        if total != before:
            await self._store.write([Op("meta_set", {"key": REBUILD, "value": str(total)})])
            if total:
                log.warning("rebuilding the index: %d files to read", total)
            else:
                log.warning("the index is rebuilt")
        self.left, self.total = left, total

    async def _compare(self, store: int, owner: str) -> int:
        """See that the files of a store are found as they should be; returns how many are not."""
        known = {row.n: row.version for row in await self._store.all("store_files_found", store=store)}
        found = {one.file: one.version for one in await self._index.published(owner, store)}
        lost = [n for n, version in known.items() if found.get(n) != version]
        await self._lose(lost)
        await self._index.remove([n for n in found if n not in known])
        return len(lost)

    async def _lose(self, files: list[int]) -> None:
        """Let files be read again that were found; those whose vectors their owner brought fail."""
        now = int(self._clock())
        for start in range(0, len(files), BATCH):
            ops: list[Op] = []
            for n in files[start : start + BATCH]:
                ops += [Op("ingest_again", {"n": n}), Op("ingest_lost", {"n": n, "now": now})]
            await self._store.write(ops)

    async def forget(self) -> int:
        """Let the index forget what is deleted; returns how many files that were.

        Raises:
            IndexUnavailable, Unavailable.
        """
        count = 0
        while rows := await self._store.all("removals", limit=BATCH):
            files = [row.file for row in rows]
            await self._index.remove(files)
            due = Op("meta_set", {"key": PURGE, "value": "due"})
            await self._store.write([Op("removals_done", {"files": json.dumps(files)}), due])
            count += len(files)
        return count

    async def expire(self) -> int:
        """Empty the stores whose time is up; returns how many.

        Raises:
            Unavailable.
        """
        now = int(self._clock())
        rows = await self._store.all("stores_expired", now=now, limit=BATCH)
        for row in rows:
            await self._store.write([Op("store_expire", {"n": row.n, "now": now})])
        while (await self._store.write([Op("store_empty", {"limit": BATCH})]))[0] is not None:
            pass
        if rows:
            self._bus.publish(INGEST)
        return len(rows)
