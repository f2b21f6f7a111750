"""Uploads: files that come in parts."""

import hashlib
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from fastapi import Request, Response

from projectdavid.engine.media import media_type
from projectdavid.engine.naming import file_name
from projectdavid.ports.blobs import Blobs, Gone
from projectdavid.ports.store import Missing, Op, Row, StoreError
from projectdavid.protocol.uploads import MOST_PARTS, UPLOAD_SECONDS, Upload, UploadComplete, UploadCreate, UploadPart
from projectdavid.runtime.filing import upload_ended
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.bodies import JsonRoute
from projectdavid.server.http.errors import WITH_BODY, ApiError, missing
from projectdavid.server.http.once import key_of, once_told
from projectdavid.server.native import files
from projectdavid.server.native.uploads import PART_FORM, keep, received_part
from projectdavid.server.native.wire import json_answer, router

router = router("files")


@router.post("/file-uploads", status_code=201, response_model=Upload, responses=WITH_BODY | files.WITH_FORM)
async def create_upload(body: UploadCreate, caller: Auth) -> Response:
    """Begin an upload: send its parts, then complete it, within an hour."""
    limit = caller.platform.settings.max_file
    if body.bytes > limit:
        raise ApiError(413, "file_too_large", f"bytes: expected at most {limit}", "bytes")
    try:
        name = file_name(body.filename)
    except ValueError as error:
        raise ApiError(422, "invalid_value", f"filename: {error}", "filename") from None
    upload_id, now = caller.ids.new("upload"), int(caller.now)
    params: dict[str, Any] = {
        "id": upload_id,
        "name": name,
        "purpose": body.purpose,
        "mime_type": body.mime_type or media_type(b"", name),
        "size": body.bytes,
        "expires_after": body.expires_after,
        "now": now,
        "expires_at": now + UPLOAD_SECONDS,
    }
    await caller.write([Op("upload_insert", params)])
    return await _answer(caller, await _find(caller, upload_id), 201)


@router.get("/file-uploads/{upload_id}", response_model=Upload)
async def retrieve_upload(upload_id: str, caller: Auth) -> Response:
    """An upload, with the parts that came whole: whoever broke off goes on behind them."""
    return await _answer(caller, await _find(caller, upload_id))


async def add_upload_part(upload_id: str, request: Request, caller: Auth) -> Response:
    """Add a part: `multipart/form-data` with `data`, of at most 64 MB."""
    platform = caller.platform
    _see_pending(await _find(caller, upload_id), caller)
    key = key_of(request)
    blob = await received_part(request, platform.blobs)

    async def add(who: Caller) -> Response:
        part: dict[str, Any] = {
            "id": who.ids.new("part"),
            "upload": upload_id,
            "size": blob.size,
            "blob": blob.key,
            "now": int(who.now),
            "most": MOST_PARTS,
        }
        ended = Missing("upload", upload_id)
        try:
            await who.write([Op("upload_part_insert", part, missing=ended)])
        except Missing:
            _see_pending(await _find(who, upload_id), who)
            raise ApiError(400, "invalid_state", f"An upload has at most {MOST_PARTS} parts.") from None
        told = {"id": part["id"], "upload_id": upload_id, "bytes": blob.size, "created_at": part["now"]}
        return json_answer({"object": "upload.part", **told}, 201)

    try:
        answer = await (add(caller) if key is None else once_told(request, caller, key, blob.sha256.encode(), add))
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.discard(blob.key)  # where the request was answered before, its part is another
    return answer


router.add_api_route(
    "/file-uploads/{upload_id}/parts",
    add_upload_part,
    methods=["POST"],
    status_code=201,
    response_model=UploadPart,
    responses=files.WITH_FORM,
    openapi_extra=PART_FORM,
    route_class_override=JsonRoute,
)


@router.post("/file-uploads/{upload_id}/complete", response_model=Upload, responses=WITH_BODY)
async def complete_upload(upload_id: str, body: UploadComplete, caller: Auth) -> Response:
    """Make a file of the parts. Completing again gives the same answer."""
    platform = caller.platform
    row = await _find(caller, upload_id)
    if row.status == "completed":
        await caller.write([])  # the answer is kept for whoever repeats the request under its key
        return await _answer(caller, row)
    _see_pending(row, caller)
    parts = await _ordered(caller, upload_id, body)
    if (size := sum(part.size for part in parts)) != row.size:
        raise ApiError(422, "invalid_value", f"part_ids: the parts have {size} bytes, not {row.size}", "part_ids")
    digest = hashlib.md5(usedforsecurity=False)
    try:
        blob = await keep(_joined(platform.blobs, parts, digest), platform.blobs, platform.settings.max_file)
    except Gone:
        if (await _find(caller, upload_id)).status == "pending":
            raise
        return await complete_upload(upload_id, body, caller)  # it was completed or cancelled in this very moment
    file_id = caller.ids.new("file")
    try:
        if body.md5 is not None and digest.hexdigest() != body.md5.lower():
            raise ApiError(422, "invalid_value", f"md5: the bytes have {digest.hexdigest()}", "md5")
        wanted = files.Stored(blob, row.name, row.purpose, row.expires_after)
        new = Op("file_insert", files.row_of(file_id, wanted, int(caller.now)))
        await caller.write([*upload_ended(upload_id, "completed", file_id), new])
    except Missing:
        await platform.filing.discard(blob.key)
        return await complete_upload(upload_id, body, caller)
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.drop([part.blob for part in parts])
    return await _answer(caller, await _find(caller, upload_id))


@router.post("/file-uploads/{upload_id}/cancel", response_model=Upload)
async def cancel_upload(upload_id: str, caller: Auth) -> Response:
    """Give an upload up; its parts are deleted. Cancelling again gives the same answer."""
    row = await _find(caller, upload_id)
    if row.status == "cancelled":
        await caller.write([])  # the answer is kept for whoever repeats the request under its key
        return await _answer(caller, row)
    _see_pending(row, caller)
    parts = await caller.view.all("upload_parts", id=upload_id)
    try:
        await caller.write(upload_ended(upload_id, "cancelled"))
    except Missing:  # it was completed in this very moment
        return await cancel_upload(upload_id, caller)
    await caller.platform.filing.drop([part.blob for part in parts])
    return await _answer(caller, await _find(caller, upload_id))


async def _find(caller: Caller, upload_id: str) -> Row:
    row = await caller.view.one("upload", id=upload_id)
    if row is None:
        raise missing("upload", upload_id)
    return row


def _status(row: Row, now: float) -> str:
    return "expired" if row.status == "pending" and row.expires_at <= now else row.status


def _see_pending(row: Row, caller: Caller) -> None:
    status = _status(row, caller.platform.clock())
    if status != "pending":
        raise ApiError(400, "invalid_state", f"The upload is {status}; begin another.")


async def _ordered(caller: Caller, upload_id: str, body: UploadComplete) -> list[Row]:
    """The parts in the order of the body.

    Raises:
        ApiError: 404, one is none of this upload; 422, one is there twice.
    """
    known = {part.id: part for part in await caller.view.all("upload_parts", id=upload_id)}
    for number, part_id in enumerate(body.part_ids):
        if part_id not in known:
            raise missing("upload_part", part_id, f"part_ids.{number}")
        if part_id in body.part_ids[:number]:
            raise ApiError(422, "invalid_value", f"part_ids.{number}: expected each part once", f"part_ids.{number}")
    return [known[part_id] for part_id in body.part_ids]


async def _joined(blobs: Blobs, parts: Sequence[Row], digest: Any) -> AsyncGenerator[bytes]:
    for part in parts:
        async for piece in blobs.read(part.blob):
            digest.update(piece)
            yield piece


async def _answer(caller: Caller, row: Row, status: int = 200) -> Response:
    file = await caller.view.one("file", id=row.file_id) if row.file_id else None
    parts = await caller.view.all("upload_parts", id=row.id)
    upload = {
        "id": row.id,
        "object": "upload",
        "bytes": row.size,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "filename": row.name,
        "purpose": row.purpose,
        "mime_type": row.mime_type,
        "status": _status(row, caller.platform.clock()),
        "file": None if file is None else files.wire(file),
        "parts": [
            {
                "id": part.id,
                "object": "upload.part",
                "upload_id": row.id,
                "bytes": part.size,
                "created_at": part.created_at,
            }
            for part in parts
        ],
    }
    return json_answer(upload, status)
