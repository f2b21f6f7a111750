"""Files: upload, list, retrieve, read, delete."""

import re
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.store import Op, Row, StoreError
from projectdavid.protocol.openai.answers import Deleted, Page
from projectdavid.protocol.openai.files import EXPIRY, PURPOSES
from projectdavid.protocol.openai.knowledge_answers import File
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.bodies import JsonRoute
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.once import key_of, once_told
from projectdavid.server.http.paging import After, Order, Text, page
from projectdavid.server.objects import deleting
from projectdavid.server.objects.contents import content
from projectdavid.server.objects.receiving import Stored, file_bound, form, received_fields, row_of
from projectdavid.server.openai import words
from projectdavid.server.openai.lookup import find
from projectdavid.server.openai.routing import router
from projectdavid.server.openai.words import Json

router = router("files")

MANY = 10_000
ManyLimit = Annotated[int, Query(ge=1, le=MANY, description="How many.")]
OfPurpose = Annotated[Text | SkipJsonSchema[None], Query(description="Only those for this purpose.")]
GENERATED = {"assistants_output", "batch_output", "fine-tune-results"}
FIELDS = ("purpose", "expires_after[anchor]", "expires_after[seconds]")
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        "description": "The bytes, as their own media type",
    }
}
FORM = form(
    "FileCreate",
    "file",
    "The bytes, with a filename.",
    required=("purpose",),
    together=FIELDS[1:],
    purpose={"type": "string", "enum": list(PURPOSES)},
    **{
        FIELDS[1]: {"type": "string", "enum": ["created_at"]},
        FIELDS[2]: {"type": "integer", "minimum": EXPIRY[0], "maximum": EXPIRY[1]},
    },
)


async def create_file(request: Request, caller: Auth) -> Response:
    """Store a file: `multipart/form-data` with `file` and `purpose`."""
    platform = caller.platform
    key = key_of(request)
    bound = await file_bound(caller, key, platform.settings.max_file)
    upload = await received_fields(request, platform.blobs, bound, FIELDS, _stored)
    try:
        if key is None:
            return await _create(caller, upload)
        answer = await once_told(request, caller, key, upload.told, lambda who: _create(who, upload))
    except (StoreError, ApiError):
        await platform.filing.discard(upload.blob.key)
        raise
    await platform.filing.discard(upload.blob.key)  # where the request was answered before, its file is another
    return answer


router.add_api_route(
    "/files",
    create_file,
    methods=["POST"],
    response_model=File,
    openapi_extra=FORM,
    route_class_override=JsonRoute,
)


@router.get("/files", response_model=Page[File])
async def list_files(
    caller: Auth, limit: ManyLimit = MANY, order: Order = "desc", after: After = None, purpose: OfPurpose = None
) -> Response:
    """The caller's files."""

    async def known(cursor: str) -> Any:
        return await caller.view.one("file", id=cursor)

    rows, more = await page(caller.view, "files_page", limit, order, after, known, purpose=purpose)
    return listed([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/files/{file_id}", response_model=File)
async def retrieve_file(file_id: str, caller: Auth) -> Response:
    """One file."""
    return json_answer(wire(await find(caller, "file", file_id)))


@router.get("/files/{file_id}/content", responses=CONTENT, response_class=Response)
async def retrieve_file_content(file_id: str, caller: Auth) -> Response:
    """The bytes of a file."""
    row = await find(caller, "file", file_id)
    return await content(caller.platform, row, row.name, None, None)


@router.delete("/files/{file_id}", response_model=Deleted)
async def delete_file(file_id: str, caller: Auth) -> Response:
    """Delete a file for good; assistants, threads and vector stores lose it."""
    await deleting.delete_file(caller, file_id)
    return json_answer(words.deleted(file_id, "file"))


def wire(row: Row) -> Json:
    """A file; a purpose that is none of this dialect's is `user_data` here."""
    known = row.purpose in PURPOSES or row.purpose in GENERATED
    return {
        "id": row.id,
        "object": "file",
        "bytes": row.size,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
        "filename": row.name,
        "purpose": row.purpose if known else "user_data",
        "status": "processed",
        "status_details": None,
    }


async def _create(caller: Caller, upload: Stored) -> Response:
    file_id = caller.ids.new("file")
    await caller.write([Op("file_insert", row_of(file_id, upload, int(caller.now)))])
    return json_answer(wire(await find(caller, "file", file_id)))


def _stored(values: dict[str, str]) -> tuple[str, int | None]:
    """The purpose of a file, and after how many seconds it expires.

    Raises:
        ApiError: 400, they are not as they should be.
    """
    purpose = values.get("purpose")
    if purpose is None:
        raise ApiError(400, "missing_required_parameter", "Missing required parameter: 'purpose'.", "purpose")
    if purpose not in PURPOSES:
        raise ApiError(400, "", f"'{purpose[:64]}' is not one of {list(PURPOSES)} - 'purpose'", "purpose")
    anchor, seconds = values.get(FIELDS[1]), values.get(FIELDS[2])
    if anchor is None and seconds is None:
        return purpose, None
    if anchor != "created_at":
        said = "Invalid value for 'expires_after[anchor]'. Supported values are: 'created_at'."
        raise ApiError(400, "invalid_value", said, "expires_after[anchor]")
    if seconds is None or not re.fullmatch("[0-9]{1,9}", seconds) or not EXPIRY[0] <= int(seconds) <= EXPIRY[1]:
        said = f"Invalid 'expires_after[seconds]'. Expected a whole number from {EXPIRY[0]} to {EXPIRY[1]}."
        raise ApiError(400, "invalid_value", said, "expires_after[seconds]")
    return purpose, int(seconds)
