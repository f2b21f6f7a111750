"""Files: upload, list, retrieve, read, delete."""

import re
from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.pages import After, Order, Text, page
from projectdavid.api.openai import serializers
from projectdavid.api.openai.lookup import find
from projectdavid.api.openai.routes import router
from projectdavid.api.openai.serializers import Json
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.requests.idempotent_replies import answer_once, key_of
from projectdavid.api.requests.json_bodies import JsonRoute
from projectdavid.api.resources import deletions
from projectdavid.api.resources.file_contents import content_answer
from projectdavid.api.resources.upload_bodies import UploadedBlob, file_bound, form, receive_form, row_of
from projectdavid.ports import queries
from projectdavid.ports.rows import FileRow, PositionRow
from projectdavid.ports.store import Op, StoreError
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIPage
from projectdavid.protocol.openai.files import EXPIRY, PURPOSES
from projectdavid.protocol.openai.knowledge_answers import OpenAIFile

router = router("files")

MANY = 10_000
ManyLimit = Annotated[int, Query(ge=1, le=MANY, description="How many.")]
OfPurpose = Annotated[Text | SkipJsonSchema[None], Query(description="Only files with this purpose.")]
GENERATED = {"assistants_output", "batch_output", "fine-tune-results"}
FIELDS = ("purpose", "expires_after[anchor]", "expires_after[seconds]", "filename")
BYTES = "application/octet-stream"
"""Content type of every file, as in the service. Generic clients would parse JSON or text."""
CONTENT: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {BYTES: {"schema": {"type": "string", "format": "binary"}}},
        "description": "The bytes",
    }
}
FORM = form(
    "FileCreate",
    "file",
    "The bytes, with a filename.",
    required=("purpose",),
    together=FIELDS[1:3],
    purpose={"type": "string", "enum": list(PURPOSES)},
    **{
        FIELDS[1]: {"type": "string", "enum": ["created_at"]},
        FIELDS[2]: {"type": "integer", "minimum": EXPIRY[0], "maximum": EXPIRY[1]},
        "filename": {
            "type": "string",
            "description": "Its name, as sent by Azure's clients; by default that of the part.",
        },
    },
)


async def create_file(request: Request, caller: Auth) -> Response:
    """Upload a file: `multipart/form-data` with `file` and `purpose`."""
    platform = caller.platform
    key = key_of(request)
    bound = await file_bound(caller, key, platform.settings.max_file)
    upload = await receive_form(request, platform.blobs, bound, FIELDS, _read_fields)
    try:
        if key is None:
            return await _create(caller, upload)
        answer = await answer_once(request, caller, key, upload.told, lambda who: _create(who, upload))
    except (StoreError, ApiError):
        await platform.filing.discard(upload.blob.key)
        raise
    await platform.filing.discard(upload.blob.key)  # if the request was answered before, it has another file
    return answer


router.add_api_route(
    "/files",
    create_file,
    methods=["POST"],
    response_model=OpenAIFile,
    openapi_extra=FORM,
    route_class_override=JsonRoute,
)


@router.get("/files", response_model=OpenAIPage[OpenAIFile])
async def list_files(
    caller: Auth, limit: ManyLimit = MANY, order: Order = "desc", after: After = None, purpose: OfPurpose = None
) -> Response:
    """List the caller's files."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.FILE_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.FILES_PAGE, limit, order, after, locate, purpose=purpose)
    return page_answer([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/files/{file_id}", response_model=OpenAIFile)
async def retrieve_file(file_id: str, caller: Auth) -> Response:
    """Retrieve a file."""
    return json_answer(wire(await find(caller, queries.FILE, file_id)))


@router.get("/files/{file_id}/content", responses=CONTENT, response_class=Response)
async def retrieve_file_content(file_id: str, caller: Auth) -> Response:
    """Return the bytes of a file."""
    row = await find(caller, queries.FILE, file_id)
    return await content_answer(caller.platform, row, row.name, None, None, mime_type=BYTES)


@router.delete("/files/{file_id}", response_model=OpenAIDeleted)
async def delete_file(file_id: str, caller: Auth) -> Response:
    """Delete a file permanently; assistants, threads and vector stores lose it."""
    await deletions.delete_file(caller, file_id)
    return json_answer(serializers.deleted_object(file_id, "file"))


def wire(row: FileRow) -> Json:
    """Serialize a file; purposes that the dialect does not know become `user_data`."""
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


async def _create(caller: Caller, upload: UploadedBlob) -> Response:
    file_id = caller.ids.new("file")
    await caller.write([Op(queries.FILE_INSERT, row_of(file_id, upload, int(caller.now)))])
    return json_answer(wire(await find(caller, queries.FILE, file_id)))


def _read_fields(values: dict[str, str]) -> tuple[str, int | None]:
    """Return the purpose of a file, and its lifetime in seconds.

    Raises:
        ApiError: 400, they are invalid.
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
        said = f"Invalid 'expires_after[seconds]'. Expected an integer from {EXPIRY[0]} to {EXPIRY[1]}."
        raise ApiError(400, "invalid_value", said, "expires_after[seconds]")
    return purpose, int(seconds)
