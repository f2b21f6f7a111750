"""Files of owners, as far as their rows and their bytes have to go together: deleting, expiring, what a crash left.

A row is never there without its bytes: they are stored before it is written, and deleted after it. So what can be left
over is bytes without a row.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from projectdavid.ports.blobs import Blobs, Gone, Held, NoRoom
from projectdavid.ports.store import Missing, Op, Store, Unavailable, Value
from projectdavid.runtime.driver import Clock

log = logging.getLogger("projectdavid.files")

BATCH = 100
KEPT = 7 * 86_400.0
"""Seconds that orphaned bytes stay in the trash."""
ORPHANED_AFTER = 3600.0
"""Seconds; where calls keep what they made before their rows are written, as long as a run may take has to be added."""


def upload_ended(upload_id: str, status: str, file_id: str | None = None) -> list[Op]:
    """What ends an upload that is pending, and lets go of its parts; missing where it has ended."""
    end: dict[str, Value] = {"id": upload_id, "status": status, "file_id": file_id}
    missing = Missing("upload", upload_id)
    return [Op("upload_end", end, missing=missing), Op("upload_parts_delete", {"id": upload_id})]


async def read_whole(blobs: Blobs, key: str, size: int) -> AsyncGenerator[bytes]:
    """The bytes of a blob, in pieces.

    Raises:
        Gone: it is not there, or has fewer bytes than it should.
    """
    async with aclosing(blobs.read(key)) as pieces:
        async for piece in pieces:
            size -= len(piece)
            yield piece
    if size > 0:
        raise Gone(key)


class Filing:
    """Deletes files, and the bytes that no file has.

    `orphaned_after` are the seconds that bytes may be there before the row that they belong to, `kept` those that they
    then stay in the trash: an older database that is restored later finds its files again.
    """

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        clock: Clock,
        orphaned_after: float = ORPHANED_AFTER,
        kept: float = KEPT,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._clock = clock
        self._orphaned_after = orphaned_after
        self._held: set[str] = set()
        """Blobs without rows that a backup kept from being deleted."""
        self._kept = kept

    async def delete(self, owner: str, file_id: str) -> None:
        """Delete a file of an owner, and take it out of every list that refers to it.

        Raises:
            Missing: the owner has no such file.
        """
        view, missing = self._store.of(owner), Missing("file", file_id)
        row = await view.one("file", id=file_id)
        if row is None:
            raise missing
        left = [Op(f"file_leave_{kind}", {"id": file_id}) for kind in ("assistants", "threads", "stores")]
        erased = Op("erased_id_insert", {"id": file_id})
        await view.write([Op("file_delete", {"id": file_id}, missing=missing), *left, erased])
        await self.drop([row.blob])

    async def discard(self, key: str) -> None:
        """Delete bytes that were stored for a file, unless there is a file now that has them."""
        if not await self._store.all("blobs_known", keys=json.dumps([key])):
            await self.drop([key])

    async def drop(self, keys: list[str]) -> None:
        """Delete bytes that no row has any more; those that stay are orphans, which are deleted later."""
        doomed = [*self._held.union(keys)]
        try:
            await self._blobs.delete(doomed)
        except Held:
            self._held.update(doomed)
        except NoRoom:
            pass
        else:
            self._held.difference_update(doomed)

    async def delete_removed(self) -> None:
        """Delete the bytes whose row was deleted, however that happened.

        Raises:
            Unavailable: the store or the disk refuses.
        """
        while rows := await self._store.all("blob_removals", limit=BATCH):
            keys = json.dumps([row.blob for row in rows])
            known = {row.blob for row in await self._store.all("blobs_known", keys=keys)}
            try:
                await self._blobs.delete([row.blob for row in rows if row.blob not in known])
            except (Held, NoRoom) as error:
                raise Unavailable(str(error)) from error
            await self._store.write([Op("blob_removals_done", {"blobs": keys})])

    async def _expire_upload(self, owner: str, upload_id: str) -> None:
        """End an upload that is pending, and delete its parts; nothing happens where it has ended."""
        view = self._store.of(owner)
        parts = await view.all("upload_parts", id=upload_id)
        with suppress(Missing):
            await view.write(upload_ended(upload_id, "expired"))
            await self.drop([part.blob for part in parts])

    async def expire(self) -> int:
        """Delete the files, and the parts of uploads, whose time is up; returns how many files."""
        if self._held:
            await self.drop([])
        for upload in await self._store.all("uploads_expired", now=int(self._clock()), limit=BATCH):
            await self._expire_upload(upload.owner, upload.id)
        rows = await self._store.all("files_expired", now=int(self._clock()), limit=BATCH)
        for row in rows:
            with suppress(Missing):  # its owner was faster
                await self.delete(row.owner, row.id)
        return len(rows)

    async def prune(self) -> int:
        """Move the bytes that no file has into the trash, and empty it of what is old; returns how many were moved.

        What a row names again is taken out of the trash.
        """
        discarded = await self._blobs.discarded()
        old = set(await self._blobs.discarded(self._kept))
        known = await self._known(discarded)
        if known:
            await self._blobs.restore(list(known))
            log.warning("restored %d blobs from the trash, which files name again", len(known))
        await self.drop([key for key in old if key not in known])
        stored = await self._blobs.older_than(self._orphaned_after)
        known = await self._known(stored)
        orphans = [key for key in stored if key not in known]
        if orphans:
            try:
                await self._blobs.discard(orphans)
            except Held:
                return 0  # the next look finds them again
            log.warning("moved %d blobs that no file has into the trash", len(orphans))
        return len(orphans)

    async def _known(self, keys: list[str]) -> set[str]:
        """Those of these blobs that a row names."""
        known: set[str] = set()
        for start in range(0, len(keys), BATCH):
            some = json.dumps(keys[start : start + BATCH])
            known |= {row.blob for row in await self._store.all("blobs_known", keys=some)}
        return known
