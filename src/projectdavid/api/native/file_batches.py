"""File batches: files that are added to a vector store together, with counts by status."""

from typing import Any

from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError, missing_error
from projectdavid.api.http.pages import After, ManyLimit, Order
from projectdavid.api.native import vector_store_files
from projectdavid.api.native.serializers import router
from projectdavid.api.native.vector_store_files import Status
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.vector_store_rows import attach_op, check_embedded, counts_of, find_open
from projectdavid.ports import queries
from projectdavid.ports.rows import FileBatchRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.base import Page
from projectdavid.protocol.vector_answers import FileBatch, VectorStoreFile
from projectdavid.protocol.vector_stores import FileBatchCreate, StoreFileFields
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("vector stores")


@router.post("/vector-stores/{store_id}/file-batches", status_code=201, response_model=FileBatch, responses=WITH_BODY)
async def create_file_batch(store_id: str, body: FileBatchCreate, caller: Auth) -> Response:
    """Add files to a vector store; they are ingested in the background."""
    check_embedded(await find_open(caller.view, store_id))
    files, param = _files(body)
    guard = await attachment_checks.of_ids(caller.view, [file.file_id for file in files], "file", param)
    batch_id, now = caller.ids.new("vsfb"), int(caller.now)
    head: dict[str, Any] = {"id": batch_id, "store_id": store_id, "now": now}
    members = [Op(queries.BATCH_FILE, {"id": batch_id, "file_id": file.file_id}) for file in files]
    attached = [attach_op(store_id, file, now) for file in files]
    new = Op(queries.BATCH_INSERT, head, missing=RowMissing("vector_store", store_id))
    await caller.write([*guard, new, *attached, *members])
    caller.platform.bus.publish(INGEST)
    return json_answer(_wire(await _find(caller, store_id, batch_id)), 201)


@router.get("/vector-stores/{store_id}/file-batches/{batch_id}", response_model=FileBatch)
async def retrieve_file_batch(store_id: str, batch_id: str, caller: Auth) -> Response:
    """Retrieve a batch, with its counts."""
    return json_answer(_wire(await _find(caller, store_id, batch_id)))


@router.post("/vector-stores/{store_id}/file-batches/{batch_id}/cancel", response_model=FileBatch)
async def cancel_file_batch(store_id: str, batch_id: str, caller: Auth) -> Response:
    """Cancel the files of a batch that have not been ingested yet."""
    await _find(caller, store_id, batch_id)
    given: dict[str, Any] = {"id": batch_id, "store_id": store_id, "now": int(caller.now)}
    await caller.write(
        [
            Op(queries.BATCH_CANCEL, given, missing=RowMissing("file_batch", batch_id)),
            Op(queries.BATCH_FILES_CANCEL, given),
        ]
    )
    caller.platform.bus.publish(INGEST)
    return json_answer(_wire(await _find(caller, store_id, batch_id)))


@router.get("/vector-stores/{store_id}/file-batches/{batch_id}/files", response_model=Page[VectorStoreFile])
async def list_file_batch_files(
    store_id: str,
    batch_id: str,
    caller: Auth,
    limit: ManyLimit = 1000,
    order: Order = "desc",
    after: After = None,
    status: Status = None,
) -> Response:
    """List one page of the files of a batch."""
    await _find(caller, store_id, batch_id)

    paging = limit, order, after
    rows, more = await vector_store_files.page_of_files(
        caller, queries.BATCH_FILES_PAGE, store_id, paging, id=batch_id, status=status
    )
    return page_answer([vector_store_files.wire(row) for row in rows], [row.file_id for row in rows], more)


def _files(body: FileBatchCreate) -> tuple[list[StoreFileFields], str]:
    """Return the unique files of a batch, and the field that names them.

    Raises:
        ApiError: 422, not exactly one of both fields is given.
    """
    if (body.file_ids is None) == (body.files is None):
        named = "files" if "files" in body.model_fields_set else "file_ids"
        raise ApiError(422, "invalid_value", f"{named}: expected either file_ids or files", named)
    common: dict[str, Any] = {"attributes": body.attributes, "chunking_strategy": body.chunking_strategy}
    if body.files is None:
        ids = dict.fromkeys(body.file_ids or ())
        return [StoreFileFields(file_id=file_id, **common) for file_id in ids], "file_ids"
    return list({file.file_id: file for file in body.files}.values()), "files"


async def _find(caller: Caller, store_id: str, batch_id: str) -> FileBatchRow:
    await find(caller.view, queries.VECTOR_STORE, store_id)
    row = await caller.view.one(queries.BATCH, store_id=store_id, id=batch_id)
    if row is None:
        raise missing_error("file_batch", batch_id)
    return row


def _wire(row: FileBatchRow) -> dict[str, Any]:
    counts = counts_of(row)
    ended = "completed" if row.cancelled_at is None else "cancelled"
    return {
        "id": row.id,
        "object": "vector_store.files_batch",
        "created_at": row.created_at,
        "vector_store_id": row.store_id,
        "status": "in_progress" if counts["in_progress"] else ended,
        "file_counts": counts,
    }
