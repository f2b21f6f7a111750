"""The lifecycle of files: keeps rows and bytes consistent when files are deleted, expire, or a process crashes.

A row never exists without its bytes: they are stored before it is written, and deleted after it. So only bytes without
a row can be left.
"""

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from projectdavid.ports import queries
from projectdavid.ports.blobs import BlobGone, Blobs, BlobsHeld, NoRoom
from projectdavid.ports.store import Op, RowMissing, Store, StoreUnavailable, Value
from projectdavid.runtime.clock import Clock

log = logging.getLogger("projectdavid.files")

BATCH = 100
KEPT = 7 * 86_400.0
"""Seconds that orphaned bytes stay in the trash."""
ORPHANED_AFTER = 3600.0
"""Seconds; if calls store files before their rows are written, the maximum duration of a run must be added."""


def upload_ended(upload_id: str, status: str, file_id: str | None = None) -> list[Op]:
    """Build the operations that end a pending upload and release its parts; they fail as missing if it has ended."""
    end: dict[str, Value] = {"id": upload_id, "status": status, "file_id": file_id}
    missing = RowMissing("upload", upload_id)
    return [Op(queries.UPLOAD_END, end, missing=missing), Op(queries.UPLOAD_PARTS_DELETE, {"id": upload_id})]


async def read_whole(blobs: Blobs, key: str, size: int) -> AsyncGenerator[bytes]:
    """Yield the bytes of a blob, in pieces.

    Raises:
        BlobGone: it does not exist, or is truncated.
    """
    async with aclosing(blobs.read(key)) as pieces:
        async for piece in pieces:
            size -= len(piece)
            yield piece
    if size > 0:
        raise BlobGone(key)


class FileLifecycle:
    """Deletes files, and orphaned bytes.

    `orphaned_after` is the age in seconds at which bytes without a row are moved to the trash, `kept` the time they
    then stay there, so that an older database can be restored with its files.
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
        """Blobs without rows that a running backup protects from deletion."""
        self._kept = kept

    async def delete(self, owner: str, file_id: str) -> None:
        """Delete a file of an owner, and remove it from every list that refers to it.

        Raises:
            RowMissing: the owner has no such file.
        """
        view, missing = self._store.of(owner), RowMissing("file", file_id)
        row = await view.one(queries.FILE, id=file_id)
        if row is None:
            raise missing
        leave = (queries.FILE_LEAVE_ASSISTANTS, queries.FILE_LEAVE_THREADS, queries.FILE_LEAVE_STORES)
        left = [Op(query, {"id": file_id}) for query in leave]
        erased = Op(queries.ERASED_ID_INSERT, {"id": file_id})
        await view.write([Op(queries.FILE_DELETE, {"id": file_id}, missing=missing), *left, erased])
        await self.drop([row.blob])

    async def discard(self, key: str) -> None:
        """Delete bytes that were stored for a file, unless a row refers to them."""
        if not await self._store.all(queries.BLOBS_KNOWN, keys=json.dumps([key])):
            await self.drop([key])

    async def drop(self, keys: list[str]) -> None:
        """Delete bytes without a row; on failure they become orphans, which are deleted later."""
        unused = [*self._held.union(keys)]
        try:
            await self._blobs.delete(unused)
        except BlobsHeld:
            self._held.update(unused)
        except NoRoom:
            pass
        else:
            self._held.difference_update(unused)

    async def delete_removed(self) -> None:
        """Delete the bytes of deleted rows, whatever deleted them.

        Raises:
            StoreUnavailable: the store or the disk cannot be written.
        """
        while rows := await self._store.all(queries.BLOB_REMOVALS, limit=BATCH):
            keys = json.dumps([row.blob for row in rows])
            known = {row.blob for row in await self._store.all(queries.BLOBS_KNOWN, keys=keys)}
            try:
                await self._blobs.delete([row.blob for row in rows if row.blob not in known])
            except (BlobsHeld, NoRoom) as error:
                raise StoreUnavailable(str(error)) from error
            await self._store.write([Op(queries.BLOB_REMOVALS_DONE, {"blobs": keys})])

    async def _expire_upload(self, owner: str, upload_id: str) -> None:
        """End a pending upload and delete its parts; no effect if it has ended."""
        view = self._store.of(owner)
        parts = await view.all(queries.UPLOAD_PARTS, id=upload_id)
        with suppress(RowMissing):
            await view.write(upload_ended(upload_id, "expired"))
            await self.drop([part.blob for part in parts])

    async def expire(self) -> int:
        """Delete expired files and parts of expired uploads; returns the number of files."""
        if self._held:
            await self.drop([])
        for upload in await self._store.all(queries.UPLOADS_EXPIRED, now=int(self._clock()), limit=BATCH):
            await self._expire_upload(upload.owner, upload.id)
        rows = await self._store.all(queries.FILES_EXPIRED, now=int(self._clock()), limit=BATCH)
        for row in rows:
            with suppress(RowMissing):  # its owner ended it first
                await self.delete(row.owner, row.id)
        return len(rows)

    async def prune(self) -> int:
        """Move orphaned bytes to the trash, and delete old ones from it; returns the number of moved ones.

        Bytes in the trash that have a row again are restored.
        """
        discarded = await self._blobs.find_discarded()
        old = set(await self._blobs.find_discarded(self._kept))
        known = await self._find_known(discarded)
        if known:
            await self._blobs.restore(list(known))
            log.warning("restored %d blobs from the trash, because files refer to them again", len(known))
        await self.drop([key for key in old if key not in known])
        stored = await self._blobs.older_than(self._orphaned_after)
        known = await self._find_known(stored)
        orphans = [key for key in stored if key not in known]
        if orphans:
            try:
                await self._blobs.discard(orphans)
            except BlobsHeld:
                return 0  # the next run finds them again
            log.warning("moved %d orphaned blobs to the trash", len(orphans))
        return len(orphans)

    async def _find_known(self, keys: list[str]) -> set[str]:
        """Return the blobs among these that a row refers to."""
        known: set[str] = set()
        for start in range(0, len(keys), BATCH):
            some = json.dumps(keys[start : start + BATCH])
            known |= {row.blob for row in await self._store.all(queries.BLOBS_KNOWN, keys=some)}
        return known
