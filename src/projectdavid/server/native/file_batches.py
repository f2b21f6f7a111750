"""File batches: many files that are put into a vector store together, with counts of how they stand."""

from typing import Any

from fastapi import Response

from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.vector_answers import FileBatch, VectorStoreFile
from projectdavid.protocol.vector_stores import FileBatchCreate, StoreFileFields
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import WITH_BODY, ApiError, missing
from projectdavid.server.http.paging import After, ManyLimit, Order
from projectdavid.server.native import store_files
from projectdavid.server.native.store_files import Status
from projectdavid.server.native.wire import router
from projectdavid.server.objects import attaching
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.store_rows import attach_op, counts_of, find_open, see_embedded

router = router("vector stores")


@router.post("/vector-stores/{store_id}/file-batches", status_code=201, response_model=FileBatch, responses=WITH_BODY)
async def create_file_batch(store_id: str, body: FileBatchCreate, caller: Auth) -> Response:
    """Put many files into a vector store; they are read in the background."""
    see_embedded(await find_open(caller.view, store_id))
    files, param = _files(body)
    guard = await attaching.of_ids(caller.view, [file.file_id for file in files], "file", param)
    batch_id, now = caller.ids.new("vsfb"), int(caller.now)
    head: dict[str, Any] = {"id": batch_id, "store_id": store_id, "now": now}
    members = [Op("batch_file", {"id": batch_id, "file_id": file.file_id}) for file in files]
    attached = [attach_op(store_id, file, now) for file in files]
    new = Op("batch_insert", head, missing=Missing("vector_store", store_id))
    await caller.write([*guard, new, *attached, *members])
    caller.platform.bus.publish(INGEST)
    return json_answer(_wire(await _find(caller, store_id, batch_id)), 201)


@router.get("/vector-stores/{store_id}/file-batches/{batch_id}", response_model=FileBatch)
async def retrieve_file_batch(store_id: str, batch_id: str, caller: Auth) -> Response:
    """How the files of a batch stand."""
    return json_answer(_wire(await _find(caller, store_id, batch_id)))


@router.post("/vector-stores/{store_id}/file-batches/{batch_id}/cancel", response_model=FileBatch)
async def cancel_file_batch(store_id: str, batch_id: str, caller: Auth) -> Response:
    """Do not read what of a batch is not read yet."""
    await _find(caller, store_id, batch_id)
    given: dict[str, Any] = {"id": batch_id, "store_id": store_id, "now": int(caller.now)}
    await caller.write(
        [Op("batch_cancel", given, missing=Missing("file_batch", batch_id)), Op("batch_files_cancel", given)]
    )
    caller.platform.bus.publish(INGEST)
    return json_answer(_wire(await _find(caller, store_id, batch_id)))


@router.get("/vector-stores/{store_id}/file-batches/{batch_id}/files", response_model=list[VectorStoreFile])
async def list_file_batch_files(
    store_id: str,
    batch_id: str,
    caller: Auth,
    limit: ManyLimit = 1000,
    order: Order = "desc",
    after: After = None,
    status: Status = None,
) -> Response:
    """The files of a batch. `x-has-more` and `x-last-id` tell of the next page."""
    await _find(caller, store_id, batch_id)

    paging = limit, order, after
    return await store_files.listed_files(caller, "batch_files_page", store_id, paging, id=batch_id, status=status)


def _files(body: FileBatchCreate) -> tuple[list[StoreFileFields], str]:
    """The files of a batch, each once, and what the body calls them.

    Raises:
        ApiError: 422, there is not either of both.
    """
    if (body.file_ids is None) == (body.files is None):
        named = "files" if "files" in body.model_fields_set else "file_ids"
        raise ApiError(422, "invalid_value", f"{named}: expected either file_ids or files", named)
    common: dict[str, Any] = {"attributes": body.attributes, "chunking_strategy": body.chunking_strategy}
    if body.files is None:
        ids = dict.fromkeys(body.file_ids or ())
        return [StoreFileFields(file_id=file_id, **common) for file_id in ids], "file_ids"
    return list({file.file_id: file for file in body.files}.values()), "files"


async def _find(caller: Caller, store_id: str, batch_id: str) -> Row:
    await find(caller.view, "vector_store", store_id)
    row = await caller.view.one("batch", store_id=store_id, id=batch_id)
    if row is None:
        raise missing("file_batch", batch_id)
    return row


def _wire(row: Row) -> dict[str, Any]:
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
