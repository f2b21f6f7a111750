"""Files that come in parts: beginning them, their parts, and what becomes of them."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from projectdavid.engine.media import media_type
from projectdavid.engine.naming import file_name
from projectdavid.ports.blobs import Blob, Blobs, Gone
from projectdavid.ports.store import Missing, Op, Row, StoreError
from projectdavid.protocol.uploads import MOST_PARTS, UPLOAD_SECONDS, UploadComplete, UploadCreate
from projectdavid.runtime.filing import upload_ended
from projectdavid.runtime.storage_limits import LimitReached
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.objects.contents import lost
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.receiving import Stored, keep, row_of, size_bound


async def begin(caller: Caller, wanted: UploadCreate) -> Row:
    """A new upload.

    Raises:
        ApiError: 413, it would be too large; 422, its name is none.
        LimitReached: its owner cannot store that much more.
    """
    limit = caller.platform.settings.max_file
    if wanted.bytes > limit:
        raise ApiError(413, "file_too_large", f"bytes: expected at most {limit}", "bytes")
    if not caller.done:
        room = await caller.platform.quota.file_room(caller.user_id, caller.allowed)
        if wanted.bytes > room.get("storage_bytes", wanted.bytes):
            raise LimitReached("storage_bytes", caller.allowed.storage_bytes or 0)
    try:
        name = file_name(wanted.filename)
    except ValueError as error:
        raise ApiError(422, "invalid_value", f"filename: {error}", "filename") from None
    upload_id, now = caller.ids.new("upload"), int(caller.now)
    params: dict[str, Any] = {
        "id": upload_id,
        "name": name,
        "purpose": wanted.purpose,
        "mime_type": wanted.mime_type or media_type(b"", name),
        "size": wanted.bytes,
        "expires_after": wanted.expires_after,
        "now": now,
        "expires_at": now + UPLOAD_SECONDS,
    }
    await caller.write([Op("upload_insert", params)])
    return await find(caller.view, "upload", upload_id)


async def add_part(caller: Caller, upload_id: str, blob: Blob) -> dict[str, Any]:
    """Make a blob a part of an upload; what clients are told of it.

    Raises:
        ApiError: 400, the upload takes no parts any more, or has too many.
    """
    part: dict[str, Any] = {
        "id": caller.ids.new("part"),
        "upload": upload_id,
        "size": blob.size,
        "blob": blob.key,
        "now": int(caller.now),
        "most": MOST_PARTS,
    }
    try:
        await caller.write([Op("upload_part_insert", part, missing=Missing("upload", upload_id))])
    except Missing:
        see_pending(await find(caller.view, "upload", upload_id), caller)
        raise ApiError(400, "invalid_state", f"An upload has at most {MOST_PARTS} parts.") from None
    told = {"id": part["id"], "upload_id": upload_id, "bytes": blob.size, "created_at": part["now"]}
    return {"object": "upload.part", **told}


async def complete(caller: Caller, upload_id: str, wanted: UploadComplete) -> None:
    """Make a file of the parts. Completing again changes nothing.

    Raises:
        ApiError: 400, the upload was given up; 404 or 422, the parts are not what was said.
    """
    platform = caller.platform
    row = await find(caller.view, "upload", upload_id)
    if row.status == "completed":
        await caller.write([])  # the answer is kept for whoever repeats the request under its key
        return
    see_pending(row, caller)
    parts = await _ordered(caller, upload_id, wanted)
    if (size := sum(part.size for part in parts)) != row.size:
        raise ApiError(422, "invalid_value", f"part_ids: the parts have {size} bytes, not {row.size}", "part_ids")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        blob = await keep(
            _joined(platform.blobs, parts, digest), platform.blobs, size_bound(platform.settings.max_file)
        )
    except Gone:
        if (await find(caller.view, "upload", upload_id)).status == "pending":
            raise lost(upload_id, "the blob of a part is not there") from None
        await complete(caller, upload_id, wanted)  # it was completed or cancelled in this very moment
        return
    file_id = caller.ids.new("file")
    try:
        if wanted.md5 is not None and digest.hexdigest() != wanted.md5.lower():
            raise ApiError(422, "invalid_value", f"md5: the bytes have {digest.hexdigest()}", "md5")
        made = Stored(blob, row.name, row.purpose, row.expires_after)
        new = Op("file_insert", row_of(file_id, made, int(caller.now)))
        await caller.write([*upload_ended(upload_id, "completed", file_id), new])
    except Missing:
        await platform.filing.discard(blob.key)
        await complete(caller, upload_id, wanted)
        return
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.drop([part.blob for part in parts])


async def cancel(caller: Caller, upload_id: str) -> None:
    """Give an upload up; its parts are deleted. Cancelling again changes nothing.

    Raises:
        ApiError: 400, it was completed, or has expired.
    """
    row = await find(caller.view, "upload", upload_id)
    if row.status == "cancelled":
        await caller.write([])  # the answer is kept for whoever repeats the request under its key
        return
    see_pending(row, caller)
    parts = await caller.view.all("upload_parts", id=upload_id)
    try:
        await caller.write(upload_ended(upload_id, "cancelled"))
    except Missing:  # it was completed in this very moment
        await cancel(caller, upload_id)
        return
    await caller.platform.filing.drop([part.blob for part in parts])


def status_of(row: Row, now: float) -> str:
    """How an upload stands."""
    return "expired" if row.status == "pending" and row.expires_at <= now else row.status


def see_pending(row: Row, caller: Caller) -> None:
    """Let only an upload pass that takes parts.

    Raises:
        ApiError: 400.
    """
    status = status_of(row, caller.platform.clock())
    if status != "pending":
        raise ApiError(400, "invalid_state", f"The upload is {status}; begin another.")


async def _ordered(caller: Caller, upload_id: str, wanted: UploadComplete) -> list[Row]:
    """The parts in the order that is wanted.

    Raises:
        ApiError: 404, one is none of this upload; 422, one is there twice.
    """
    known = {part.id: part for part in await caller.view.all("upload_parts", id=upload_id)}
    for number, part_id in enumerate(wanted.part_ids):
        if part_id not in known:
            raise missing("upload_part", part_id, f"part_ids.{number}")
        if part_id in wanted.part_ids[:number]:
            raise ApiError(422, "invalid_value", f"part_ids.{number}: expected each part once", f"part_ids.{number}")
    return [known[part_id] for part_id in wanted.part_ids]


async def _joined(blobs: Blobs, parts: Sequence[Row], digest: Any) -> AsyncGenerator[bytes]:
    for part in parts:
        async for piece in blobs.read(part.blob):
            digest.update(piece)
            yield piece
