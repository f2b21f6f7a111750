"""Files: upload, list, retrieve, read, link, delete."""

from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import Header, Query, Request, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.store import Op, Row, StoreError
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.errors import ErrorAnswer
from projectdavid.protocol.files import LINK_SECONDS, PURPOSE_PATTERN, File, FileBase64, SignedUrl
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.bodies import JsonRoute
from projectdavid.server.http.downloads import Pieces
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.http.once import key_of, once_told
from projectdavid.server.http.paging import After, Limit, Order, page
from projectdavid.server.native.wire import router
from projectdavid.server.objects import deleting
from projectdavid.server.objects.contents import begun, content
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.receiving import FORM, UPLOADS, Stored, file_bound, received, row_of
from projectdavid.server.platform import Platform

router = router("files")

BINARY: dict[str, Any] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
WITH_FORM: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorAnswer, "description": "The file is too large"},
    415: {"model": ErrorAnswer, "description": "The body is no form"},
}
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {"content": BINARY, "description": "The bytes, as their own media type"},
    206: {"content": BINARY, "description": "The bytes that `Range` asks for"},
    416: {"model": ErrorAnswer, "description": "The range is behind the end of the file"},
}
BY_LINK: dict[int | str, dict[str, Any]] = {
    **CONTENT,
    403: {"model": ErrorAnswer, "description": "The link was not made here, or has expired"},
}

Purpose = Annotated[
    Annotated[str, StringConstraints(pattern=PURPOSE_PATTERN)] | SkipJsonSchema[None],
    Query(description="Only those for this purpose."),
]
Range = Annotated[
    str | SkipJsonSchema[None], Header(description="Which bytes: `bytes=0-99`, `bytes=100-`, `bytes=-5`.")
]
IfRange = Annotated[
    str | SkipJsonSchema[None], Header(description="The `etag` of which that is a part; else all comes.")
]
ExpiresIn = Annotated[int, Query(ge=1, le=LINK_SECONDS, description="Seconds for which the link opens the file.")]
RealName = Annotated[bool, Query(description="Whether it is then called as its owner called it, and not by its id.")]
Expires = Annotated[int, Query(ge=0, le=2**53)]
Signature = Annotated[str, Query(max_length=128)]


async def upload_file(request: Request, caller: Auth) -> Response:
    """Store a file: `multipart/form-data` with `file`, and `purpose` and `expires_after` if you like."""
    platform = caller.platform
    key = key_of(request)
    upload = await received(request, platform.blobs, await file_bound(caller, key, platform.settings.max_file))
    try:
        if key is None:
            return await _create(caller, upload)
        answer = await once_told(request, caller, key, upload.told, lambda who: _create(who, upload))
    except (StoreError, ApiError):
        await platform.filing.discard(upload.blob.key)
        raise
    await platform.filing.discard(upload.blob.key)  # where the request was answered before, its file is another
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
    """The caller's files, newest first."""

    async def known(cursor: str) -> Any:
        return await caller.view.one("file", id=cursor)

    rows, more = await page(caller.view, "files_page", limit, order, after, known, purpose=purpose)
    return listed([wire(row) for row in rows], [row.id for row in rows], more)


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
    """Read a file by a link that `signed-url` gave. Needs no key."""
    platform: Platform = request.app.state.platform
    if not platform.links.opens(file_id, expires, signature, real_name=use_real_filename):
        raise ApiError(403, "invalid_link", "The link was not made here, or has expired; ask for another.")
    row = await platform.store.one("file_of_link", id=file_id)
    if row is None:
        raise missing("file", file_id, "file_id")
    name = row.name if use_real_filename else row.id
    return await content(platform, row, name, range, if_range, by_link=True)


@router.get("/files/{file_id}", response_model=File)
async def retrieve_file(file_id: str, caller: Auth) -> Response:
    """One file; its bytes are at `/content`."""
    return json_answer(wire(await find(caller.view, "file", file_id)))


@router.get("/files/{file_id}/content", responses=CONTENT, response_class=Response)
async def retrieve_file_content(
    file_id: str,
    caller: Auth,
    range: Range = None,
    if_range: IfRange = None,
) -> Response:
    """The bytes of a file. What a browser could run is never shown by it, only saved."""
    row = await find(caller.view, "file", file_id)
    return await content(caller.platform, row, row.name, range, if_range)


@router.get("/files/{file_id}/signed-url", response_model=SignedUrl)
async def sign_url(
    file_id: str, caller: Auth, expires_in: ExpiresIn = 600, use_real_filename: RealName = False
) -> Response:
    """A link that opens a file for a while, without a key: for images and downloads in a browser."""
    await find(caller.view, "file", file_id)
    url = caller.platform.links.link(file_id, expires_in, real_name=use_real_filename)
    return json_answer({"signed_url": url}, headers={"cache-control": "no-store"})


@router.get("/files/{file_id}/base64", response_model=FileBase64)
async def retrieve_file_base64(file_id: str, caller: Auth) -> Response:
    """The bytes of a file as text, in JSON."""
    row = await find(caller.view, "file", file_id)
    head, tail = f'{{"file_id":"{row.id}","base64":"'.encode(), b'"}'
    pieces = _encoded(await begun(caller.platform, row), head, tail)
    size = len(head) + 4 * ((row.size + 2) // 3) + len(tail)
    return Pieces(pieces, size, 200, {"content-type": "application/json"})


@router.delete("/files/{file_id}", response_model=Deleted)
async def delete_file(file_id: str, caller: Auth) -> Response:
    """Delete a file for good. Assistants and threads lose it; messages keep its name, and say that it is gone."""
    await deleting.delete_file(caller, file_id)
    return json_answer({"id": file_id, "object": "file", "deleted": True})


@router.patch("/files/{file_id}/soft-delete", response_model=Deleted)
async def soft_delete_file(file_id: str, caller: Auth) -> Response:
    """The same: there is nothing here that would bring a file back."""
    return await delete_file(file_id, caller)


def wire(row: Row) -> dict[str, Any]:
    """A file."""
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


async def _create(caller: Caller, upload: Stored) -> Response:
    file_id = caller.ids.new("file")
    await caller.write([Op("file_insert", row_of(file_id, upload, int(caller.now)))])
    return json_answer(wire(await find(caller.view, "file", file_id)), 201)


async def _encoded(pieces: AsyncGenerator[bytes], head: bytes, tail: bytes) -> AsyncGenerator[bytes]:
    """The pieces in base64, three bytes at a time."""
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
