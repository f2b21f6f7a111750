"""Copies the bytes of files to another storage under the same keys, and reads them back."""

import asyncio
import hashlib
from collections.abc import AsyncIterable
from typing import NamedTuple, Protocol

from projectdavid.composition.move.tables import MoveDatabase, MovedTable, MoveError, Report, list_tables
from projectdavid.ports.blobs import Blob, BlobGone, Blobs

AT_ONCE = 8
OWNERS = ("files", "upload_parts")
"""The tables whose rows name blobs."""
DAMAGED = "restore the bytes from a backup, or delete the file; `projectdavid doctor --deep` lists all of them"


class CopiedBlobs(Blobs, Protocol):
    """Storage that accepts copies."""

    async def put_copy(self, key: str, chunks: AsyncIterable[bytes]) -> Blob:
        """Store a copy of a blob under its key, in place of an existing one."""
        ...


class NamedBytes(NamedTuple):
    """A blob that a row names; parts of uploads have no stored hash."""

    of: str
    key: str
    size: int
    sha256: str | None


async def copy_blobs(
    rows: MoveDatabase, progress: MoveDatabase, source: Blobs, target: CopiedBlobs, report: Report
) -> int:
    """Copy all blobs that are not copied yet, and return the number of all.

    Raises:
        MoveError: a blob is missing or has other bytes than its row says.
    """
    tables = [table for table in list_tables() if table.name in OWNERS]
    total = sum([await rows.count(table) for table in tables])
    state = await progress.load_state() or {}
    done = 0
    report("files", done, total)
    for table in tables:
        step = f"blobs {table.name}"
        last = int(state.get(step, 0))
        batch: list[tuple[int, NamedBytes]] = []
        async for number, blob in _yield_blobs(rows, table):
            done += 1
            if number > last:
                batch.append((number, blob))
            if len(batch) == AT_ONCE:
                await _copy_batch(batch, step, progress, source, target)
                batch = []
                report("files", done, total)
        if batch:
            await _copy_batch(batch, step, progress, source, target)
            report("files", done, total)
    return total


async def _yield_blobs(database: MoveDatabase, table: MovedTable) -> AsyncIterable[tuple[int, NamedBytes]]:
    async for row in database.rows(table):
        values = dict(zip(table.columns, row, strict=True))
        yield values["n"], NamedBytes(values["id"], values["blob"], values["size"], values.get("sha256"))


async def _copy_batch(
    batch: list[tuple[int, NamedBytes]], step: str, progress: MoveDatabase, source: Blobs, target: CopiedBlobs
) -> None:
    results = await asyncio.gather(*(_copy(blob, source, target) for _, blob in batch), return_exceptions=True)
    for error in results:
        if error is not None:
            raise error
    await progress.save_state(step, str(batch[-1][0]))


async def _copy(blob: NamedBytes, source: Blobs, target: CopiedBlobs) -> None:
    try:
        copied = await target.put_copy(blob.key, source.read(blob.key))
    except BlobGone:
        raise MoveError(f"the bytes of {blob.of} are missing", DAMAGED) from None
    if copied.size != blob.size or blob.sha256 not in (None, copied.sha256):
        await target.delete([blob.key])
        raise MoveError(f"the bytes of {blob.of} are damaged", DAMAGED)
    summed = hashlib.sha256()
    async for piece in target.read(blob.key):
        summed.update(piece)
    if summed.hexdigest() != copied.sha256:
        raise MoveError(f"the copy of {blob.of} has other bytes", "check the target storage, and repeat the command")
