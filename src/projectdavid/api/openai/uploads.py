"""Uploads of files in parts."""

from fastapi import Request, Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.openai import files
from projectdavid.api.openai.lookup import find
from projectdavid.api.openai.routes import router
from projectdavid.api.openai.serializers import Json
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.requests.idempotent_replies import answer_once, key_of
from projectdavid.api.requests.json_bodies import JsonRoute
from projectdavid.api.resources import multipart_uploads
from projectdavid.api.resources.upload_bodies import PART_FORM, part_bound, receive_part
from projectdavid.ports import queries
from projectdavid.ports.store import StoreError
from projectdavid.protocol import uploads as neutral
from projectdavid.protocol.openai.files import OpenAIUploadComplete, OpenAIUploadCreate
from projectdavid.protocol.openai.knowledge_answers import OpenAIUpload, OpenAIUploadPart

router = router("uploads")

TOLD = ("id", "object", "created_at", "upload_id")
"""The dialect's fields of a part."""


@router.post("/uploads", response_model=OpenAIUpload)
async def create_upload(body: OpenAIUploadCreate, caller: Auth) -> Response:
    """Start an upload: add its parts, then complete it, within an hour."""
    wanted = neutral.UploadCreate(
        filename=body.filename,
        bytes=body.bytes,
        purpose=body.purpose,
        mime_type=body.mime_type,
        expires_after=None if body.expires_after is None else body.expires_after.seconds,
    )
    row = await multipart_uploads.begin(caller, wanted)
    return json_answer(await _wire(caller, row.id))


async def add_upload_part(upload_id: str, request: Request, caller: Auth) -> Response:
    """Add a part: `multipart/form-data` with `data`, at most 64 MB."""
    platform = caller.platform
    multipart_uploads.check_pending(await find(caller, queries.UPLOAD, upload_id), caller)
    key = key_of(request)
    blob = await receive_part(request, platform.blobs, await part_bound(caller, key))

    async def add(who: Caller) -> Response:
        part = await multipart_uploads.add_part(who, upload_id, blob)
        return json_answer({name: part[name] for name in TOLD})

    try:
        answer = await (add(caller) if key is None else answer_once(request, caller, key, blob.sha256.encode(), add))
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.discard(blob.key)  # if the request was answered before, it has another part
    return answer


router.add_api_route(
    "/uploads/{upload_id}/parts",
    add_upload_part,
    methods=["POST"],
    response_model=OpenAIUploadPart,
    openapi_extra=PART_FORM,
    route_class_override=JsonRoute,
)


@router.post("/uploads/{upload_id}/complete", response_model=OpenAIUpload)
async def complete_upload(upload_id: str, body: OpenAIUploadComplete, caller: Auth) -> Response:
    """Assemble a file from the parts, in the order of the body."""
    await multipart_uploads.complete(caller, upload_id, neutral.UploadComplete(part_ids=body.part_ids, md5=body.md5))
    return json_answer(await _wire(caller, upload_id))


@router.post("/uploads/{upload_id}/cancel", response_model=OpenAIUpload)
async def cancel_upload(upload_id: str, caller: Auth) -> Response:
    """Cancel an upload and delete its parts."""
    await multipart_uploads.cancel(caller, upload_id)
    return json_answer(await _wire(caller, upload_id))


async def _wire(caller: Caller, upload_id: str) -> Json:
    row = await find(caller, queries.UPLOAD, upload_id)
    file = await caller.view.one(queries.FILE, id=row.file_id) if row.file_id else None
    return {
        "id": row.id,
        "object": "upload",
        "bytes": row.size,
        "created_at": row.created_at,
        "filename": row.name,
        "purpose": row.purpose,
        "status": multipart_uploads.status_of(row, caller.platform.clock()),
        "expires_at": row.expires_at,
        "file": None if file is None else files.wire(file),
    }
