"""Multipart uploads: create, add parts, complete and cancel."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.file_contents import lost_error
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.upload_bodies import UploadedBlob, keep, row_of, size_bound
from projectdavid.engine.file_names import clean_file_name
from projectdavid.engine.media_types import detect_media_type
from projectdavid.ports import queries
from projectdavid.ports.blobs import Blob, BlobGone, Blobs
from projectdavid.ports.rows import UploadPartRow, UploadRow
from projectdavid.ports.store import Op, RowMissing, StoreError
from projectdavid.protocol.uploads import MOST_PARTS, UPLOAD_SECONDS, UploadComplete, UploadCreate
from projectdavid.runtime.file_lifecycle import upload_ended
from projectdavid.runtime.storage_limits import LimitReached


async def begin(caller: Caller, wanted: UploadCreate) -> UploadRow:
    """Create an upload.

    Raises:
        ApiError: 413, the file would be too large; 422, the filename is invalid.
        LimitReached: the file would exceed the owner's storage limit.
    """
    limit = caller.platform.settings.max_file
    if wanted.bytes > limit:
        raise ApiError(413, "file_too_large", f"bytes: expected at most {limit}", "bytes")
    if not caller.done:
        room = await caller.platform.quota.file_room(caller.user_id, caller.allowed)
        if wanted.bytes > room.get("storage_bytes", wanted.bytes):
            raise LimitReached("storage_bytes", caller.allowed.storage_bytes or 0)
    try:
        name = clean_file_name(wanted.filename)
    except ValueError as error:
        raise ApiError(422, "invalid_value", f"filename: {error}", "filename") from None
    upload_id, now = caller.ids.new("upload"), int(caller.now)
    params: dict[str, Any] = {
        "id": upload_id,
        "name": name,
        "purpose": wanted.purpose,
        "mime_type": wanted.mime_type or detect_media_type(b"", name),
        "size": wanted.bytes,
        "expires_after": wanted.expires_after,
        "now": now,
        "expires_at": now + UPLOAD_SECONDS,
    }
    await caller.write([Op(queries.UPLOAD_INSERT, params)])
    return await find(caller.view, queries.UPLOAD, upload_id)


async def add_part(caller: Caller, upload_id: str, blob: Blob) -> dict[str, Any]:
    """Add a blob as a part of an upload, and return the part.

    Raises:
        ApiError: 400, the upload is not pending or has too many parts.
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
        await caller.write([Op(queries.UPLOAD_PART_INSERT, part, missing=RowMissing("upload", upload_id))])
    except RowMissing:
        check_pending(await find(caller.view, queries.UPLOAD, upload_id), caller)
        raise ApiError(400, "invalid_state", f"An upload has at most {MOST_PARTS} parts.") from None
    told = {"id": part["id"], "upload_id": upload_id, "bytes": blob.size, "created_at": part["now"]}
    return {"object": "upload.part", **told}


async def complete(caller: Caller, upload_id: str, wanted: UploadComplete) -> None:
    """Create a file from the parts. Completing again has no effect.

    Raises:
        ApiError: 400, the upload was cancelled or expired; 404 or 422, the parts do not match the request.
    """
    platform = caller.platform
    row = await find(caller.view, queries.UPLOAD, upload_id)
    if row.status == "completed":
        await caller.write([])  # store the response for replays under the idempotency key
        return
    check_pending(row, caller)
    parts = await _order_parts(caller, upload_id, wanted)
    if (size := sum(part.size for part in parts)) != row.size:
        raise ApiError(422, "invalid_value", f"part_ids: the parts have {size} bytes, not {row.size}", "part_ids")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        blob = await keep(
            _join_parts(platform.blobs, parts, digest), platform.blobs, size_bound(platform.settings.max_file)
        )
    except BlobGone:
        if (await find(caller.view, queries.UPLOAD, upload_id)).status == "pending":
            raise lost_error(upload_id, "the blob of a part does not exist") from None
        await complete(caller, upload_id, wanted)  # it was completed or cancelled concurrently
        return
    file_id = caller.ids.new("file")
    try:
        if wanted.md5 is not None and digest.hexdigest() != wanted.md5.lower():
            raise ApiError(422, "invalid_value", f"md5: the bytes have {digest.hexdigest()}", "md5")
        made = UploadedBlob(blob, row.name, row.purpose, row.expires_after)
        new = Op(queries.FILE_INSERT, row_of(file_id, made, int(caller.now)))
        await caller.write([*upload_ended(upload_id, "completed", file_id), new])
    except RowMissing:
        await platform.filing.discard(blob.key)
        await complete(caller, upload_id, wanted)
        return
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.drop([part.blob for part in parts])


async def cancel(caller: Caller, upload_id: str) -> None:
    """Cancel an upload and delete its parts. Cancelling again has no effect.

    Raises:
        ApiError: 400, the upload was completed or has expired.
    """
    row = await find(caller.view, queries.UPLOAD, upload_id)
    if row.status == "cancelled":
        await caller.write([])  # store the response for replays under the idempotency key
        return
    check_pending(row, caller)
    parts = await caller.view.all(queries.UPLOAD_PARTS, id=upload_id)
    try:
        await caller.write(upload_ended(upload_id, "cancelled"))
    except RowMissing:  # it was completed concurrently
        await cancel(caller, upload_id)
        return
    await caller.platform.filing.drop([part.blob for part in parts])


def status_of(row: UploadRow, now: float) -> str:
    """Return the status of an upload."""
    return "expired" if row.status == "pending" and row.expires_at <= now else row.status


def check_pending(row: UploadRow, caller: Caller) -> None:
    """Check that an upload is pending.

    Raises:
        ApiError: 400.
    """
    status = status_of(row, caller.platform.clock())
    if status != "pending":
        raise ApiError(400, "invalid_state", f"The upload is {status}; create a new one.")


async def _order_parts(caller: Caller, upload_id: str, wanted: UploadComplete) -> list[UploadPartRow]:
    """Return the parts in the requested order.

    Raises:
        ApiError: 404, a part does not belong to the upload; 422, a part is listed twice.
    """
    known = {part.id: part for part in await caller.view.all(queries.UPLOAD_PARTS, id=upload_id)}
    for number, part_id in enumerate(wanted.part_ids):
        if part_id not in known:
            raise missing_error("upload_part", part_id, f"part_ids.{number}")
        if part_id in wanted.part_ids[:number]:
            raise ApiError(422, "invalid_value", f"part_ids.{number}: expected each part once", f"part_ids.{number}")
    return [known[part_id] for part_id in wanted.part_ids]


async def _join_parts(blobs: Blobs, parts: Sequence[UploadPartRow], digest: Any) -> AsyncGenerator[bytes]:
    for part in parts:
        async for piece in blobs.read(part.blob):
            digest.update(piece)
            yield piece
