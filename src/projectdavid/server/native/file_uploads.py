"""Uploads: files that come in parts."""

from fastapi import Request, Response

from projectdavid.ports.store import Row, StoreError
from projectdavid.protocol.uploads import Upload, UploadComplete, UploadCreate, UploadPart
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.bodies import JsonRoute
from projectdavid.server.http.errors import WITH_BODY, ApiError
from projectdavid.server.http.once import key_of, once_told
from projectdavid.server.native import files
from projectdavid.server.native.wire import router
from projectdavid.server.objects import uploading
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.receiving import PART_FORM, part_bound, received_part

router = router("files")


@router.post("/file-uploads", status_code=201, response_model=Upload, responses=WITH_BODY | files.WITH_FORM)
async def create_upload(body: UploadCreate, caller: Auth) -> Response:
    """Begin an upload: send its parts, then complete it, within an hour."""
    return await _answer(caller, await uploading.begin(caller, body), 201)


@router.get("/file-uploads/{upload_id}", response_model=Upload)
async def retrieve_upload(upload_id: str, caller: Auth) -> Response:
    """An upload, with the parts that came whole: whoever broke off goes on behind them."""
    return await _answer(caller, await find(caller.view, "upload", upload_id))


async def add_upload_part(upload_id: str, request: Request, caller: Auth) -> Response:
    """Add a part: `multipart/form-data` with `data`, of at most 64 MB."""
    platform = caller.platform
    uploading.see_pending(await find(caller.view, "upload", upload_id), caller)
    key = key_of(request)
    blob = await received_part(request, platform.blobs, await part_bound(caller, key))

    async def add(who: Caller) -> Response:
        return json_answer(await uploading.add_part(who, upload_id, blob), 201)

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
    await uploading.complete(caller, upload_id, body)
    return await _answer(caller, await find(caller.view, "upload", upload_id))


@router.post("/file-uploads/{upload_id}/cancel", response_model=Upload)
async def cancel_upload(upload_id: str, caller: Auth) -> Response:
    """Give an upload up; its parts are deleted. Cancelling again gives the same answer."""
    await uploading.cancel(caller, upload_id)
    return await _answer(caller, await find(caller.view, "upload", upload_id))


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
        "status": uploading.status_of(row, caller.platform.clock()),
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
