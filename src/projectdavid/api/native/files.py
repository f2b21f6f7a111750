"""Files: upload, list, retrieve, read, link, delete."""

from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.downloads import StreamedBytes
from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.http.pages import After, Limit, Order, page
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.requests.idempotent_replies import answer_once, key_of
from projectdavid.api.requests.json_bodies import JsonRoute
from projectdavid.api.resources import deletions
from projectdavid.api.resources.file_contents import content_answer, open_content
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.upload_bodies import FORM, UPLOADS, UploadedBlob, file_bound, receive_upload, row_of
from projectdavid.ports import queries
from projectdavid.ports.rows import FileRow, PositionRow
from projectdavid.ports.store import Op, StoreError
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.errors import ErrorAnswer
from projectdavid.protocol.files import LINK_SECONDS, PURPOSE_PATTERN, File, FileBase64, SignedUrl
from projectdavid.services.platform import Platform

router = router("files")

BINARY: dict[str, Any] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
WITH_FORM: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorAnswer, "description": "The file is too large"},
    415: {"model": ErrorAnswer, "description": "The body is not a form"},
}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": BINARY, "description": "The bytes, as their own media type"},
    206: {"content": BINARY, "description": "The bytes requested by `Range`"},
    416: {"model": ErrorAnswer, "description": "The range starts after the end of the file"},
}
BY_LINK: dict[int | str, dict[str, Any]] = {
    **CONTENT,
    403: {"model": ErrorAnswer, "description": "The link is invalid or has expired"},
}

Purpose = Annotated[
    Annotated[str, StringConstraints(pattern=PURPOSE_PATTERN)] | SkipJsonSchema[None],
    Query(description="Only files with this purpose."),
]
Range = Annotated[
    str | SkipJsonSchema[None], Header(description="Which bytes: `bytes=0-99`, `bytes=100-`, `bytes=-5`.")
]
IfRange = Annotated[
    str | SkipJsonSchema[None],
    Header(
        description="The `etag` of the file that the range refers to; if it differs, the complete file is returned."
    ),
]
ExpiresIn = Annotated[int, Query(ge=1, le=LINK_SECONDS, description="Seconds until the link expires.")]
RealName = Annotated[bool, Query(description="Whether the download has the file's name, instead of its id.")]
Expires = Annotated[int, Query(ge=0, le=2**53)]
Signature = Annotated[str, Query(max_length=128)]


async def upload_file(request: Request, caller: Auth) -> Response:
    """Upload a file: `multipart/form-data` with `file`, and optionally `purpose` and `expires_after`."""
    platform = caller.platform
    key = key_of(request)
    upload = await receive_upload(request, platform.blobs, await file_bound(caller, key, platform.settings.max_file))
    try:
        if key is None:
            return await _create(caller, upload)
        answer = await answer_once(request, caller, key, upload.told, lambda who: _create(who, upload))
    except (StoreError, ApiError):
        await platform.filing.discard(upload.blob.key)
        raise
    await platform.filing.discard(upload.blob.key)  # if the request was answered before, it has another file
    return answer


for path in UPLOADS:
    router.add_api_route(
        path.removeprefix("/v1"),
        upload_file,
        methods=["POST"],
        status_code=201,
        response_model=File,
        responses=WITH_FORM,
        openapi_extra=FORM,
        name="upload_file" if path == UPLOADS[0] else "upload_file_of_wire",
        route_class_override=JsonRoute,
    )


@router.get("/files", response_model=Page[File])
async def list_files(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, purpose: Purpose = None
) -> Response:
    """List the caller's files, newest first."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.FILE_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.FILES_PAGE, limit, order, after, locate, purpose=purpose)
    return page_answer([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/files/download", responses=BY_LINK, response_class=Response)
async def download_file(
    request: Request,
    file_id: Annotated[str, Query(max_length=64)],
    expires: Expires,
    signature: Signature,
    use_real_filename: RealName = False,
    range: Range = None,
    if_range: IfRange = None,
) -> Response:
    """Download a file with a link from `signed-url`. Needs no key."""
    platform: Platform = request.app.state.platform
    if not platform.links.opens(file_id, expires, signature, real_name=use_real_filename):
        raise ApiError(403, "invalid_link", "The link is invalid or has expired; create another.")
    row = await platform.store.one(queries.FILE_OF_LINK, id=file_id)
    if row is None:
        raise missing_error("file", file_id, "file_id")
    name = row.name if use_real_filename else row.id
    return await content_answer(platform, row, name, range, if_range, by_link=True)


@router.get("/files/{file_id}", response_model=File)
async def retrieve_file(file_id: str, caller: Auth) -> Response:
    """Retrieve a file; its bytes are at `/content`."""
    return json_answer(wire(await find(caller.view, queries.FILE, file_id)))


@router.get("/files/{file_id}/content", responses=CONTENT, response_class=Response)
async def retrieve_file_content(
    file_id: str,
    caller: Auth,
    range: Range = None,
    if_range: IfRange = None,
) -> Response:
    """Return the bytes of a file. Types that a browser could execute are sent as downloads."""
    row = await find(caller.view, queries.FILE, file_id)
    return await content_answer(caller.platform, row, row.name, range, if_range)


@router.get("/files/{file_id}/signed-url", response_model=SignedUrl)
async def sign_url(
    file_id: str, caller: Auth, expires_in: ExpiresIn = 600, use_real_filename: RealName = False
) -> Response:
    """Create a temporary link to a file, without a key: for images and downloads in a browser."""
    await find(caller.view, queries.FILE, file_id)
    url = caller.platform.links.link(file_id, expires_in, real_name=use_real_filename)
    return json_answer({"signed_url": url}, headers={"cache-control": "no-store"})


@router.get("/files/{file_id}/base64", response_model=FileBase64)
async def retrieve_file_base64(file_id: str, caller: Auth) -> Response:
    """Return the bytes of a file in base64, in JSON."""
    row = await find(caller.view, queries.FILE, file_id)
    head, tail = f'{{"file_id":"{row.id}","base64":"'.encode(), b'"}'
    pieces = _encode_base64(await open_content(caller.platform, row), head, tail)
    size = len(head) + 4 * ((row.size + 2) // 3) + len(tail)
    return StreamedBytes(pieces, size, 200, {"content-type": "application/json"})


@router.delete("/files/{file_id}", response_model=Deleted)
async def delete_file(file_id: str, caller: Auth) -> Response:
    """Delete a file permanently. Assistants and threads lose it; messages keep its name, marked as deleted."""
    await deletions.delete_file(caller, file_id)
    return json_answer({"id": file_id, "object": "file", "deleted": True})


@router.patch("/files/{file_id}/soft-delete", response_model=Deleted)
async def soft_delete_file(file_id: str, caller: Auth) -> Response:
    """Delete a file permanently, like DELETE: deleted files cannot be restored."""
    return await delete_file(file_id, caller)


def wire(row: FileRow) -> dict[str, Any]:
    """Return a file in wire format."""
    return {
        "id": row.id,
        "object": "file",
        "bytes": row.size,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "filename": row.name,
        "purpose": row.purpose,
        "status": "uploaded",
        "mime_type": row.mime_type,
        "sha256": row.sha256,
        "run_id": row.run_id,
    }


async def _create(caller: Caller, upload: UploadedBlob) -> Response:
    file_id = caller.ids.new("file")
    await caller.write([Op(queries.FILE_INSERT, row_of(file_id, upload, int(caller.now)))])
    return json_answer(wire(await find(caller.view, queries.FILE, file_id)), 201)


async def _encode_base64(pieces: AsyncGenerator[bytes], head: bytes, tail: bytes) -> AsyncGenerator[bytes]:
    """Encode pieces in base64, three bytes at a time."""
    yield head
    rest = b""
    try:
        async for piece in pieces:
            rest += piece
            whole = len(rest) - len(rest) % 3
            yield b64encode(rest[:whole])
            rest = rest[whole:]
    finally:
        await pieces.aclose()
    yield b64encode(rest) + tail
