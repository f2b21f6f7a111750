"""Files of a vector store: add, list, retrieve, update, remove, and read as text; alone and in batches."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.openai import serializers
from projectdavid.api.openai.lookup import find
from projectdavid.api.openai.pages import After, Before, Limit, Order, Paging, page
from projectdavid.api.openai.routes import POLL, router
from projectdavid.api.openai.serializers import Json
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks, updates
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import (
    attach_op,
    check_embedded,
    counts_of,
    find_file,
    find_open,
    missing_file,
)
from projectdavid.api.resources.vector_store_rows import index_unavailable as index_unavailable
from projectdavid.ports import queries
from projectdavid.ports.index import ChunkPlace, IndexUnavailable
from projectdavid.ports.rows import FileBatchRow, PositionRow, VectorStoreFileRow
from projectdavid.ports.store import Op, PageQuery, RowMissing
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIPage
from projectdavid.protocol.openai.knowledge_answers import OpenAIFileBatch, OpenAIFileContent, OpenAIStoreFile
from projectdavid.protocol.openai.vector_stores import (
    OpenAIFileBatchCreate,
    OpenAIStoreFileCreate,
    OpenAIStoreFileUpdate,
)
from projectdavid.protocol.vector_answers import StoreFileStatus
from projectdavid.protocol.vector_stores import StoreFileFields
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("vector stores")

Status = Annotated[
    StoreFileStatus | SkipJsonSchema[None],
    Query(alias="filter", description="Only files with this status."),
]
FILES = "/vector_stores/{vector_store_id}/files"
BATCHES = "/vector_stores/{vector_store_id}/file_batches"
CHUNKS = 1000
"""Chunks to read at once."""


@router.post(FILES, response_model=OpenAIStoreFile)
async def create_store_file(vector_store_id: str, body: OpenAIStoreFileCreate, caller: Auth) -> Response:
    """Add a file to a vector store; it is ingested in the background."""
    check_embedded(await find_open(caller.view, vector_store_id))
    await find(caller, queries.FILE, body.file_id, "file_id")
    await caller.write([attach_op(vector_store_id, _fields(body), int(caller.now))])
    caller.platform.bus.publish(INGEST)
    return _answer(await find_file(caller.view, vector_store_id, body.file_id))


@router.get(FILES, response_model=OpenAIPage[OpenAIStoreFile])
async def list_store_files(
    vector_store_id: str,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    status: Status = None,
) -> Response:
    """List the files of a vector store."""
    await find(caller, queries.VECTOR_STORE, vector_store_id)
    paging = limit, order, after, before
    return await _list_files(caller, queries.STORE_FILES_PAGE, vector_store_id, paging, status=status)


@router.get(FILES + "/{file_id}", response_model=OpenAIStoreFile)
async def retrieve_store_file(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """Retrieve a file of a vector store, with its ingest status."""
    return _answer(await find_file(caller.view, vector_store_id, file_id))


@router.post(FILES + "/{file_id}", response_model=OpenAIStoreFile)
async def update_store_file(vector_store_id: str, file_id: str, body: OpenAIStoreFileUpdate, caller: Auth) -> Response:
    """Replace the attributes of a file in a vector store."""
    attributes = to_json(body.attributes or {})

    async def change(_: VectorStoreFileRow) -> updates.ObjectUpdate:
        params: dict[str, Any] = {"store_id": vector_store_id, "file_id": file_id, "attributes": attributes}
        return updates.ObjectUpdate(queries.STORE_FILE_DESCRIBE, params)

    find_row = partial(find_file, caller.view, vector_store_id, file_id)
    return _answer(await updates.update(caller, find_row, change))


@router.delete(FILES + "/{file_id}", response_model=OpenAIDeleted)
async def delete_store_file(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """Remove a file from a vector store; the file itself remains."""
    params: dict[str, Any] = {"store_id": vector_store_id, "file_id": file_id}
    gone = await missing_file(caller.view, vector_store_id, file_id)
    await caller.view.write([Op(queries.STORE_FILE_DETACH, params, missing=gone)])
    caller.platform.bus.publish(INGEST)
    return json_answer(serializers.deleted_object(file_id, "vector_store.file.deleted"))


@router.get(FILES + "/{file_id}/content", response_model=OpenAIFileContent)
async def retrieve_store_file_content(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """Return the text of a file, from its chunks without their overlaps."""
    row = await find_file(caller.view, vector_store_id, file_id)
    place, behind, end = ChunkPlace(row.owner, row.store, row.n), -1, 0
    parts: list[Json] = []
    try:
        while found := await caller.platform.knowledge.index.chunks(place, behind, CHUNKS):
            for chunk in found:
                text = chunk.text[max(end - chunk.start, 0) :]
                parts += [{"type": "text", "text": text}] if text else []
                behind, end = chunk.position, max(end, chunk.end)
    except IndexUnavailable:
        raise index_unavailable() from None
    shown = {"object": "vector_store.file_content.page", "data": parts, "has_more": False, "next_page": None}
    return json_answer(shown)


@router.post(BATCHES, response_model=OpenAIFileBatch)
async def create_file_batch(vector_store_id: str, body: OpenAIFileBatchCreate, caller: Auth) -> Response:
    """Add files to a vector store; they are ingested in the background."""
    check_embedded(await find_open(caller.view, vector_store_id))
    files, guard = _batch_files(body), await _check_files(caller, body)
    batch_id, now = caller.ids.new("vsfb"), int(caller.now)
    head: dict[str, Any] = {"id": batch_id, "store_id": vector_store_id, "now": now}
    new = Op(queries.BATCH_INSERT, head, missing=RowMissing("vector_store", vector_store_id))
    attached = [attach_op(vector_store_id, file, now) for file in files]
    members = [Op(queries.BATCH_FILE, {"id": batch_id, "file_id": file.file_id}) for file in files]
    await caller.write([*guard, new, *attached, *members])
    caller.platform.bus.publish(INGEST)
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.get(BATCHES + "/{batch_id}", response_model=OpenAIFileBatch)
async def retrieve_file_batch(vector_store_id: str, batch_id: str, caller: Auth) -> Response:
    """Retrieve a batch of files, with its counts."""
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.post(BATCHES + "/{batch_id}/cancel", response_model=OpenAIFileBatch)
async def cancel_file_batch(vector_store_id: str, batch_id: str, caller: Auth) -> Response:
    """Cancel the files of a batch that have not been ingested yet."""
    await _find_batch(caller, vector_store_id, batch_id)
    given: dict[str, Any] = {"id": batch_id, "store_id": vector_store_id, "now": int(caller.now)}
    gone = RowMissing("file_batch", batch_id)
    await caller.write([Op(queries.BATCH_CANCEL, given, missing=gone), Op(queries.BATCH_FILES_CANCEL, given)])
    caller.platform.bus.publish(INGEST)
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.get(BATCHES + "/{batch_id}/files", response_model=OpenAIPage[OpenAIStoreFile])
async def list_file_batch_files(
    vector_store_id: str,
    batch_id: str,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    status: Status = None,
) -> Response:
    """List the files of a batch."""
    await _find_batch(caller, vector_store_id, batch_id)
    paging = limit, order, after, before
    return await _list_files(caller, queries.BATCH_FILES_PAGE, vector_store_id, paging, id=batch_id, status=status)


async def _list_files(
    caller: Caller, query: PageQuery[VectorStoreFileRow], store_id: str, paging: Paging, **given: str | None
) -> Response:
    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.STORE_FILE_POSITION, store_id=store_id, id=cursor)

    rows, more = await page(caller.view, query, paging, locate, store_id=store_id, **given)
    return page_answer([_wire(row) for row in rows], [row.file_id for row in rows], more)


async def _find_batch(caller: Caller, store_id: str, batch_id: str) -> FileBatchRow:
    await find(caller, queries.VECTOR_STORE, store_id)
    row = await caller.view.one(queries.BATCH, store_id=store_id, id=batch_id)
    if row is None:
        raise missing_error("file_batch", batch_id)
    return row


def _fields(body: OpenAIStoreFileCreate) -> StoreFileFields:
    return StoreFileFields(file_id=body.file_id, attributes=body.attributes, chunking_strategy=body.chunking_strategy)


def _batch_files(body: OpenAIFileBatchCreate) -> list[StoreFileFields]:
    """Return the unique files of a batch.

    Raises:
        ApiError: 400, not exactly one of both fields is given.
    """
    if (body.file_ids is None) == (body.files is None):
        raise ApiError(400, "invalid_value", "Expected either 'file_ids' or 'files'.", "file_ids")
    if body.files is not None:
        return [_fields(file) for file in {file.file_id: file for file in body.files}.values()]
    common: dict[str, Any] = {"attributes": body.attributes, "chunking_strategy": body.chunking_strategy}
    ids = dict.fromkeys(body.file_ids or ())
    return [StoreFileFields(file_id=file_id, **common) for file_id in ids]


async def _check_files(caller: Caller, body: OpenAIFileBatchCreate) -> tuple[Op, ...]:
    """Build the checks that the files of a batch still exist when it is written.

    Raises:
        ApiError: 404, one is not the caller's.
    """
    if body.files is not None:
        return await attachment_checks.of_ids(
            caller.view, [file.file_id for file in body.files], "file", "files", ".file_id"
        )
    return await attachment_checks.of_ids(caller.view, body.file_ids or (), "file", "file_ids")


def _answer(row: VectorStoreFileRow) -> Response:
    return json_answer(_wire(row), headers=POLL)


def _wire(row: VectorStoreFileRow) -> Json:
    """Serialize a file of a vector store."""
    static = {"max_chunk_size_tokens": row.chunk_tokens, "chunk_overlap_tokens": row.overlap_tokens}
    code = row.error_code if row.error_code in ("unsupported_file", "invalid_file") else "server_error"
    return {
        "id": row.file_id,
        "object": "vector_store.file",
        "usage_bytes": row.size,
        "created_at": row.created_at,
        "vector_store_id": row.store_id,
        "status": row.status,
        "last_error": {"code": code, "message": row.error or ""} if row.status == "failed" else None,
        "chunking_strategy": {"type": "static", "static": static} if row.given is None else {"type": "other"},
        "attributes": serializers.decode_json(row.attributes),
        **({} if row.warnings == "[]" else {"warnings": serializers.decode_json(row.warnings)}),
    }


def _batch_answer(row: FileBatchRow) -> Response:
    counts = counts_of(row)
    ended = "completed" if row.cancelled_at is None else "cancelled"
    batch = {
        "id": row.id,
        "object": "vector_store.files_batch",
        "created_at": row.created_at,
        "vector_store_id": row.store_id,
        "status": "in_progress" if counts["in_progress"] else ended,
        "file_counts": counts,
    }
    return json_answer(batch, headers=POLL)
