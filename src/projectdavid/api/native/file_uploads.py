"""Uploads of files in parts."""

from fastapi import Request, Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError
from projectdavid.api.native import files
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.requests.idempotent_replies import answer_once, key_of
from projectdavid.api.requests.json_bodies import JsonRoute
from projectdavid.api.resources import multipart_uploads
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.upload_bodies import PART_FORM, part_bound, receive_part
from projectdavid.ports import queries
from projectdavid.ports.rows import UploadRow
from projectdavid.ports.store import StoreError
from projectdavid.protocol.uploads import Upload, UploadComplete, UploadCreate, UploadPart

router = router("files")


@router.post("/file-uploads", status_code=201, response_model=Upload, responses=WITH_BODY | files.WITH_FORM)
async def create_upload(body: UploadCreate, caller: Auth) -> Response:
    """Start an upload: send its parts, then complete it, within an hour."""
    return await _answer(caller, await multipart_uploads.begin(caller, body), 201)


@router.get("/file-uploads/{upload_id}", response_model=Upload)
async def retrieve_upload(upload_id: str, caller: Auth) -> Response:
    """Retrieve an upload with its complete parts, after which an interrupted client resumes."""
    return await _answer(caller, await find(caller.view, queries.UPLOAD, upload_id))


async def add_upload_part(upload_id: str, request: Request, caller: Auth) -> Response:
    """Add a part: `multipart/form-data` with `data`, at most 64 MB."""
    platform = caller.platform
    multipart_uploads.check_pending(await find(caller.view, queries.UPLOAD, upload_id), caller)
    key = key_of(request)
    blob = await receive_part(request, platform.blobs, await part_bound(caller, key))

    async def add(who: Caller) -> Response:
        return json_answer(await multipart_uploads.add_part(who, upload_id, blob), 201)

    try:
        answer = await (add(caller) if key is None else answer_once(request, caller, key, blob.sha256.encode(), add))
    except (StoreError, ApiError):
        await platform.filing.discard(blob.key)
        raise
    await platform.filing.discard(blob.key)  # if the request was answered before, it has another part
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
    """Assemble a file from the parts. A repeated request returns the same response."""
    await multipart_uploads.complete(caller, upload_id, body)
    return await _answer(caller, await find(caller.view, queries.UPLOAD, upload_id))


@router.post("/file-uploads/{upload_id}/cancel", response_model=Upload)
async def cancel_upload(upload_id: str, caller: Auth) -> Response:
    """Cancel an upload and delete its parts. A repeated request returns the same response."""
    await multipart_uploads.cancel(caller, upload_id)
    return await _answer(caller, await find(caller.view, queries.UPLOAD, upload_id))


async def _answer(caller: Caller, row: UploadRow, status: int = 200) -> Response:
    file = await caller.view.one(queries.FILE, id=row.file_id) if row.file_id else None
    parts = await caller.view.all(queries.UPLOAD_PARTS, id=row.id)
    upload = {
        "id": row.id,
        "object": "upload",
        "bytes": row.size,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "filename": row.name,
        "purpose": row.purpose,
        "mime_type": row.mime_type,
        "status": multipart_uploads.status_of(row, caller.platform.clock()),
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
