"""Imports a batch: each object is written once, in one transaction, despite concurrent writers."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.imports.notes import note
from projectdavid.api.imports.plan import ImportPlanner
from projectdavid.api.imports.readers import SourceObject, read_object
from projectdavid.api.imports.references import ImportContext
from projectdavid.api.imports.shapes import AssistantShape
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.response_formats import check_response_format, stored_format
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.upload_bodies import UploadedBlob
from projectdavid.ports import queries
from projectdavid.ports.rows import ImportRow
from projectdavid.ports.store import Op, RowMissing, StaleRow, StoreError
from projectdavid.protocol.imports import IdPolicy, ImportObjects
from projectdavid.runtime.knowledge.ingest import INGEST
from projectdavid.runtime.storage_limits import storage_checks

Json = dict[str, Any]
ATTEMPTS = 20
"""How often a batch is planned again after the store changed."""
MOST_IMPORTS = 100
"""Imports per owner."""
MOST_REFUSED = 100_000
"""Refused objects of one kind that an import records."""


class ImportBound(StoreError):
    """A limit on the records of imports is reached."""


async def find_import(caller: Caller, import_id: str) -> tuple[Caller, ImportRow]:
    """Return an import of the caller, or for admins of any user, and the caller acting as its owner.

    Raises:
        ApiError: 404.
    """
    row = await caller.view.one(queries.IMPORT, id=import_id)
    if row is None and caller.is_admin:
        named = await caller.platform.store.one(queries.IMPORT_OWNER, id=import_id)
        if named is not None:
            caller = await as_owner(caller, named.owner)
            row = await caller.view.one(queries.IMPORT, id=import_id)
    if row is None:
        raise missing_error("import", import_id, "import_id")
    return caller, row


async def as_owner(caller: Caller, owner: str) -> Caller:
    """Return an admin acting as the user for whom they import; that user's limits apply."""
    if owner == caller.user_id:
        return caller
    platform = caller.platform
    allowed = await platform.quota.of(owner)
    # The claim belongs to the sender of the request; without one, repeating the import is harmless.
    return replace(caller, user_id=owner, view=platform.store.of(owner), allowed=allowed, claim=None)


async def import_objects(caller: Caller, row: ImportRow, body: ImportObjects) -> list[Json]:
    """Import objects, and return the outcome of each.

    Raises:
        ApiError: 400, the import has ended.
        LimitReached: its owner cannot store that much; nothing of the batch was written.
    """
    if caller.done and caller.claim is not None and caller.claim.note is not None:
        return msgspec.json.decode(caller.claim.note)
    registered = caller.platform.toolbox.names
    readings = await asyncio.to_thread(lambda: [read_object(value, registered) for value in body.objects])
    readings = [await _check_format(one) for one in readings]
    complete = [Op(queries.IMPORTED_COMPLETE, {"import_id": row.id, "threads": to_json(body.complete)})]
    ops = complete if body.complete else []
    return await _write_planned(caller, row, readings, body.id_policy, ops, dry_run=body.dry_run)


async def import_file(
    caller: Caller, row: ImportRow, reading: SourceObject, policy: IdPolicy, stored: UploadedBlob
) -> Json:
    """Import a file whose bytes are stored. The bytes are only needed if its state is `imported`.

    Raises:
        ApiError, LimitReached: as for `import_objects`.
    """
    if caller.done and caller.claim is not None and caller.claim.note is not None:
        return msgspec.json.decode(caller.claim.note)[0]
    (result,) = await _write_planned(caller, row, [reading], policy, [], stored)
    return result


async def _write_planned(
    caller: Caller,
    row: ImportRow,
    readings: Sequence[SourceObject],
    policy: IdPolicy,
    also: Sequence[Op],
    stored: UploadedBlob | None = None,
    *,
    dry_run: bool = False,
) -> list[Json]:
    for _ in range(ATTEMPTS):
        around = await ImportContext.load(caller.view, row.id, readings)
        planner = ImportPlanner(caller, row.id, policy, around, stored)
        results = planner.plan(readings)
        if dry_run:
            return results
        try:
            await _write(caller, row.id, [*planner.ops, *also], results)
        except (StaleRow, RowMissing):
            await _check_open(caller, row.id)
            continue  # the store changed since it was read
        caller.platform.bus.publish(INGEST)
        return results
    raise StaleRow


async def _write(caller: Caller, import_id: str, ops: Sequence[Op], results: list[Json]) -> None:
    claim = caller.claim
    claimed = () if claim is None or claim.done else (claim.op(note=msgspec.json.encode(results)),)
    room = Op(queries.IMPORT_ROOM, {"import_id": import_id, "most": MOST_REFUSED}, missing=ImportBound())
    checks = storage_checks(caller.allowed, caller.user_id, ops)
    try:
        await caller.view.write([*claimed, *ops, *checks, room])
    except ImportBound:
        message = f"This import has more than {MOST_REFUSED} refused objects of one kind."
        raise ApiError(400, "import_full", message) from None


async def _check_open(caller: Caller, import_id: str) -> None:
    row = await caller.view.one(queries.IMPORT, id=import_id)
    if row is None:
        raise missing_error("import", import_id, "import_id")
    if row.ended_at is not None:
        message = "The import has ended. POST its source to /v1/imports to start the next round."
        raise ApiError(400, "import_ended", message)


async def _check_format(reading: SourceObject) -> SourceObject:
    """Mark an assistant as refused if the schema of its response format is not valid here."""
    shape = reading.shape
    if not isinstance(shape, AssistantShape) or shape.response_format is None:
        return reading
    given: Any = shape.model_dump(by_alias=True)["response_format"]
    try:
        await check_response_format(stored_format(given))
    except ApiError as error:
        return replace(reading, shape=None, notes=[note(error.code, error.message, error.param), *reading.notes])
    return reading
