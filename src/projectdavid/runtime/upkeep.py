"""Keeping the index in step with the vector stores: what was deleted, has expired, is outdated, or lost in a crash."""

import json
import logging

from projectdavid.ports.bus import Bus
from projectdavid.ports.index import Index
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.driver import Clock
from projectdavid.runtime.ingest import INGEST

log = logging.getLogger("projectdavid.ingest")

BATCH = 100


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
            log.warning("%d files were not in the index, and are read anew", missing)
        await self.forget()

    async def _compare(self, store: int, owner: str) -> int:
        """See that the files of a store are found as they should be; returns how many are not."""
        known = {row.n: row.version for row in await self._store.all("store_files_found", store=store)}
        found = {one.file: one.version for one in await self._index.published(owner, store)}
        lost = [n for n, version in known.items() if found.get(n) != version]
        now = int(self._clock())
        for n in lost:
            await self._store.write([Op("ingest_again", {"n": n}), Op("ingest_lost", {"n": n, "now": now})])
        await self._index.remove([n for n in found if n not in known])
        return len(lost)

    async def forget(self) -> int:
        """Let the index forget what is deleted; returns how many files that were.

        Raises:
            IndexUnavailable, Unavailable.
        """
        count = 0
        while rows := await self._store.all("removals", limit=BATCH):
            files = [row.file for row in rows]
            await self._index.remove(files)
            await self._store.write([Op("removals_done", {"files": json.dumps(files)})])
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
            await self._store.write([Op(query, {"n": row.n, "now": now}) for query in ("store_expire", "store_empty")])
        if rows:
            self._bus.publish(INGEST)
        return len(rows)
