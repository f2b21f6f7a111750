"""Imports: start one, send objects and files of another Assistants service, and read the outcomes."""

import re
from typing import Annotated, Any

import msgspec
from fastapi import Query, Request, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import FORBIDDEN, WITH_BODY, ApiError, missing_error
from projectdavid.api.http.pages import After, Limit, ManyLimit, Order, page, page_after
from projectdavid.api.imports.batch import (
    MOST_IMPORTS,
    ImportBound,
    as_owner,
    find_import,
    import_file,
    import_objects,
)
from projectdavid.api.imports.notes import note
from projectdavid.api.imports.readers import SourceObject, read_object
from projectdavid.api.native.files import WITH_FORM
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.requests.idempotent_replies import answer_once, key_of
from projectdavid.api.requests.json_bodies import JsonRoute
from projectdavid.api.resources.upload_bodies import UploadedBlob, file_bound, form, receive_form
from projectdavid.ports import queries
from projectdavid.ports.rows import ImportedObjectRow, ImportRow, PositionRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.base import NO_CONTROL, POSITION_PATTERN, Page
from projectdavid.protocol.files import PURPOSE_PATTERN
from projectdavid.protocol.imports import (
    SOURCE_ID_LENGTH,
    Import,
    ImportBatch,
    ImportCreate,
    ImportedObject,
    ImportObjects,
)

router = router("imports")

Json = dict[str, Any]
FIELDS = ("id", "created_at", "expires_at", "purpose", "id_policy", "text_only", "original_name")
LATEST = 253_402_300_799
"""The last second of the year 9999, in Unix seconds."""
FORM = form(
    "ImportedFile",
    "file",
    "The bytes, with the filename.",
    required=("id", "created_at"),
    id={
        "type": "string",
        "description": "The id at the source.",
        "minLength": 1,
        "maxLength": SOURCE_ID_LENGTH,
        "pattern": NO_CONTROL,
    },
    created_at={"type": "integer", "minimum": 0, "maximum": LATEST, "description": "Unix seconds."},
    expires_at={
        "type": "integer",
        "minimum": 0,
        "maximum": LATEST,
        "description": "Unix seconds; by default it does not expire.",
    },
    purpose={"type": "string", "pattern": PURPOSE_PATTERN, "default": "assistants"},
    id_policy={"type": "string", "enum": ["keep", "new"], "default": "keep"},
    original_name={
        "type": "string",
        "minLength": 1,
        "description": "Its name at the source, if a form cannot contain it; at most 256 bytes in UTF-8."
        " NUL characters are removed.",
    },
    text_only={"type": "string", "enum": ["true"], "description": "The bytes are the extracted text of the file."},
)
Position = Annotated[
    Annotated[str, StringConstraints(pattern=POSITION_PATTERN)] | SkipJsonSchema[None],
    Query(description="`last_id` of the previous page."),
]
Noted = Annotated[bool, Query(description="Only objects with notes.")]


@router.post("/imports", response_model=Import, responses=WITH_BODY | FORBIDDEN)
async def create_import(body: ImportCreate, caller: Auth) -> Response:
    """Start or continue the import of a source; a user has one import per source."""
    caller.check_approver()
    owner = body.user_id or caller.user_id
    await caller.check_access(owner)
    acting = await as_owner(caller, owner)
    now = int(caller.now)
    new = Op(queries.IMPORT_INSERT, {"id": caller.ids.new("import"), "source": body.source, "now": now})
    room = Op(queries.IMPORTS_ROOM, {"most": MOST_IMPORTS}, missing=ImportBound())
    try:
        await acting.write([new, room])
    except ImportBound:
        raise ApiError(400, "too_many_imports", f"A user can have imports of at most {MOST_IMPORTS} sources.") from None
    row = await acting.view.one(queries.IMPORT_OF_SOURCE, source=body.source)
    if row is None:
        raise missing_error("user", owner, "user_id")
    if row.ended_at is not None and not body.dry_run and not caller.done:
        await acting.view.write([Op(queries.IMPORT_BEGIN, {"id": row.id, "now": now})])
    return await _answer(acting, row.id)


@router.get("/imports", response_model=Page[Import])
async def list_imports(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """List the caller's imports, newest first."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.IMPORT_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.IMPORTS_PAGE, limit, order, after, locate)
    return page_answer([await _wire(caller, row) for row in rows], [row.id for row in rows], more)


@router.get("/imports/{import_id}", response_model=Import)
async def retrieve_import(import_id: str, caller: Auth) -> Response:
    """Retrieve an import, with its numbers of imported and refused objects."""
    acting, row = await find_import(caller, import_id)
    return json_answer(await _wire(acting, row))


@router.post("/imports/{import_id}/objects", response_model=ImportBatch, responses=WITH_BODY | FORBIDDEN)
async def add_objects(import_id: str, body: ImportObjects, caller: Auth) -> Response:
    """Import objects as the Assistants API returned them. Objects imported before stay unchanged."""
    caller.check_approver()
    acting, row = await find_import(caller, import_id)
    results = await import_objects(acting, row, body)
    return json_answer({"object": "import.batch", "import_id": row.id, "data": results})


@router.get("/imports/{import_id}/objects", response_model=Page[ImportedObject])
async def list_objects(
    import_id: str,
    caller: Auth,
    limit: ManyLimit = 100,
    order: Order = "asc",
    after: Position = None,
    noted: Noted = False,
) -> Response:
    """List the outcome of each object, in order: ids at the source and here, and notes."""
    acting, _ = await find_import(caller, import_id)
    query = queries.IMPORTED_NOTED_PAGE if noted else queries.IMPORTED_PAGE
    position = None if after is None else int(after)
    rows, more = await page_after(acting.view, query, limit, order, position, import_id=import_id)
    return page_answer([_object(row) for row in rows], [str(row.n) for row in rows], more)


@router.post("/imports/{import_id}/end", response_model=Import)
async def end_import(import_id: str, caller: Auth) -> Response:
    """End the current round of an import. Starting it again allows further objects."""
    acting, row = await find_import(caller, import_id)
    ended = Op(queries.IMPORT_END, {"id": row.id, "now": int(caller.now)}, missing=RowMissing("import", import_id))
    await acting.write([ended])
    return await _answer(acting, row.id)


async def add_file(import_id: str, request: Request, caller: Auth) -> Response:
    """Import a file with its bytes: `multipart/form-data`. A file imported before stays unchanged."""
    acting, row = await find_import(caller, import_id)
    platform, key = caller.platform, key_of(request)
    values: dict[str, str] = {}

    def read_fields(fields: dict[str, str]) -> tuple[str, int | None]:
        values.update(fields)
        return fields.get("purpose", "assistants"), None

    bound = await file_bound(acting, key, platform.settings.max_file)
    stored = await receive_form(request, platform.blobs, bound, FIELDS, read_fields)
    imported = False
    try:
        reading = _reading(values, stored)
        policy = _policy(values)

        async def act(who: Caller) -> Response:
            nonlocal imported
            doer = who if acting is caller else acting
            result = await import_file(doer, row, reading, policy, stored)
            imported = result["state"] == "imported" and not who.done
            return json_answer(result)

        if key is None:
            return await act(caller)
        return await answer_once(request, caller, key, msgspec.json.encode([values, stored.blob.sha256]), act)
    finally:
        if not imported:
            await platform.filing.discard(stored.blob.key)


router.add_api_route(
    "/imports/{import_id}/files",
    add_file,
    methods=["POST"],
    response_model=ImportedObject,
    responses=WITH_FORM,
    openapi_extra=FORM,
    route_class_override=JsonRoute,
)


def _reading(values: dict[str, str], stored: UploadedBlob) -> SourceObject:
    """Return the file described by a form.

    Raises:
        ApiError: 422, a field is invalid.
    """
    name = values.get("original_name", stored.name).replace("\0", "")
    described: Json = {"object": "file", "filename": name, "purpose": stored.purpose, "bytes": stored.blob.size}
    for name in ("created_at", "expires_at"):
        if name in values:
            if not re.fullmatch("[0-9]{1,12}", values[name]):
                raise ApiError(422, "invalid_value", f"{name}: expected Unix seconds", name)
            described[name] = int(values[name])
    reading = read_object({**described, "id": values.get("id")}, registered=())
    if reading.shape is None:
        refusal = reading.notes[0]
        raise ApiError(422, "invalid_value", refusal["message"], refusal["field"])
    if values.get("text_only", "true") != "true":
        raise ApiError(422, "invalid_value", "text_only: expected 'true', or no value", "text_only")
    if "text_only" in values:
        message = "The source does not provide the bytes of the file; this is its extracted text."
        reading.notes.append(note("text_only", message))
    return reading


def _policy(values: dict[str, str]) -> Any:
    policy = values.get("id_policy", "keep")
    if policy not in ("keep", "new"):
        raise ApiError(422, "invalid_value", "id_policy: expected 'keep' or 'new'", "id_policy")
    return policy


async def _answer(caller: Caller, import_id: str) -> Response:
    _, row = await find_import(caller, import_id)
    return json_answer(await _wire(caller, row))


async def _wire(caller: Caller, row: ImportRow) -> Json:
    counts = await caller.view.all(queries.IMPORT_COUNTS, id=row.id)
    return {
        "id": row.id,
        "object": "import",
        "source": row.source,
        "user_id": row.owner,
        "status": "in_progress" if row.ended_at is None else "completed",
        "round": row.round,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "ended_at": row.ended_at,
        "counts": {one.kind: {"imported": one.imported, "added": one.added, "refused": one.refused} for one in counts},
    }


def _object(row: ImportedObjectRow) -> Json:
    return {
        "kind": row.kind,
        "source_id": row.source_id,
        "id": row.id,
        "state": "refused" if row.id is None else "unchanged",
        "notes": msgspec.json.decode(row.notes),
        "cursor": row.cursor,
        "complete": bool(row.complete),
    }
