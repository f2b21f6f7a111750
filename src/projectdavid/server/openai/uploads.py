"""Uploads: files that come in parts."""

from fastapi import Request, Response

from projectdavid.ports.store import StoreError
from projectdavid.protocol import uploads as neutral
from projectdavid.protocol.openai.files import UploadComplete, UploadCreate
from projectdavid.protocol.openai.knowledge_answers import Upload, UploadPart
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.bodies import JsonRoute
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.once import key_of, once_told
from projectdavid.server.objects import uploading
from projectdavid.server.objects.receiving import PART_FORM, part_bound, received_part
from projectdavid.server.openai import files
from projectdavid.server.openai.lookup import find
from projectdavid.server.openai.routing import router
from projectdavid.server.openai.words import Json

router = router("uploads")

TOLD = ("id", "object", "created_at", "upload_id")
"""What the dialect tells of a part."""


@router.post("/uploads", response_model=Upload)
async def create_upload(body: UploadCreate, caller: Auth) -> Response:
    """Begin an upload: add its parts, then complete it, within an hour."""
    wanted = neutral.UploadCreate(
        filename=body.filename,
        bytes=body.bytes,
        purpose=body.purpose,
        mime_type=body.mime_type,
        expires_after=None if body.expires_after is None else body.expires_after.seconds,
    )
    row = await uploading.begin(caller, wanted)
    return json_answer(await _wire(caller, row.id))


async def add_upload_part(upload_id: str, request: Request, caller: Auth) -> Response:
    """Add a part: `multipart/form-data` with `data`, of at most 64 MB."""
    platform = caller.platform
    uploading.see_pending(await find(caller, "upload", upload_id), caller)
    key = key_of(request)
    blob = await received_part(request, platform.blobs, await part_bound(caller, key))

    async def add(who: Caller) -> Response:
        part = await uploading.add_part(who, upload_id, blob)
        return json_answer({name: part[name] for name in TOLD})

    try:
        answer = await (add(caller) if key is None else once_told(request, caller, key, blob.sha256.encode(), add))
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.discard(blob.key)  # where the request was answered before, its part is another
    return answer


router.add_api_route(
    "/uploads/{upload_id}/parts",
    add_upload_part,
    methods=["POST"],
    response_model=UploadPart,
    openapi_extra=PART_FORM,
    route_class_override=JsonRoute,
)


@router.post("/uploads/{upload_id}/complete", response_model=Upload)
async def complete_upload(upload_id: str, body: UploadComplete, caller: Auth) -> Response:
    """Make a file of the parts, in the order of the body."""
    await uploading.complete(caller, upload_id, neutral.UploadComplete(part_ids=body.part_ids, md5=body.md5))
    return json_answer(await _wire(caller, upload_id))


@router.post("/uploads/{upload_id}/cancel", response_model=Upload)
async def cancel_upload(upload_id: str, caller: Auth) -> Response:
    """Give an upload up; its parts are deleted."""
    await uploading.cancel(caller, upload_id)
    return json_answer(await _wire(caller, upload_id))


async def _wire(caller: Caller, upload_id: str) -> Json:
    row = await find(caller, "upload", upload_id)
    file = await caller.view.one("file", id=row.file_id) if row.file_id else None
    return {
        "id": row.id,
        "object": "upload",
        "bytes": row.size,
        "created_at": row.created_at,
        "filename": row.name,
        "purpose": row.purpose,
        "status": uploading.status_of(row, caller.platform.clock()),
        "expires_at": row.expires_at,
        "file": None if file is None else files.wire(file),
    }
