"""Files of a vector store: add, list, retrieve, update, remove; and their chunks."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, get_args

import msgspec
from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import array_answer, json_answer, json_bytes_answer, page_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError, missing_error
from projectdavid.api.http.etags import MATCHED, TAGGED, TAGGED_NEW, IfMatch, etag_header
from projectdavid.api.http.pages import After, Limit, ManyLimit, Order, page
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import updates
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import (
    attach_op,
    check_embedded,
    find_file,
    find_open,
    index_unavailable,
    missing_file,
)
from projectdavid.engine.documents import Chunk
from projectdavid.ports import queries
from projectdavid.ports.index import ChunkPlace, IndexUnavailable
from projectdavid.ports.rows import PositionRow, VectorStoreFileRow
from projectdavid.ports.store import Op, PageQuery
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.vector_answers import StoredChunk, StoreFileStatus, VectorStoreFile
from projectdavid.protocol.vector_stores import StoreFileCreate, StoreFileMark, StoreFileUpdate
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("vector stores")

Status = Annotated[
    StoreFileStatus | SkipJsonSchema[None],
    Query(alias="filter", description="Only files with this status."),
]
Behind = Annotated[int, Query(ge=-1, le=2**31, description="The position after which to start.")]
FilePath = Annotated[str, Query(min_length=1, max_length=1024, description="The `file_path` with which it was added.")]
MARKS = get_args(StoreFileStatus)


@router.post(
    "/vector-stores/{store_id}/files",
    status_code=201,
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED_NEW,
)
async def add_store_file(store_id: str, body: StoreFileCreate, caller: Auth) -> Response:
    """Add a file to a vector store. It is ingested in the background; an existing one is ingested again."""
    row = await find_open(caller.view, store_id)
    check_embedded(row)
    await find(caller.view, queries.FILE, body.file_id, "file_id")
    values = body.model_copy(update={"attributes": body.attributes or body.meta_data})
    await caller.write([attach_op(store_id, values, int(caller.now))])
    caller.platform.bus.publish(INGEST)
    return _file_response(await find_file(caller.view, store_id, body.file_id), 201)


@router.get("/vector-stores/{store_id}/files", response_model=list[VectorStoreFile])
async def list_store_files(
    store_id: str,
    caller: Auth,
    limit: ManyLimit = 1000,
    order: Order = "desc",
    after: After = None,
    status: Status = None,
) -> Response:
    """List the files of a vector store, newest first. `x-has-more` and `x-last-id` describe the next page."""
    await find(caller.view, queries.VECTOR_STORE, store_id)
    rows, more = await page_of_files(caller, queries.STORE_FILES_PAGE, store_id, (limit, order, after), status=status)
    return array_answer([wire(row) for row in rows], [row.file_id for row in rows], more)


@router.delete("/vector-stores/{store_id}/files", response_model=Deleted, responses=MATCHED)
async def remove_store_file_at(store_id: str, file_path: FilePath, caller: Auth, if_match: IfMatch = None) -> Response:
    """Remove the file that was added with this `file_path`."""
    await find(caller.view, queries.VECTOR_STORE, store_id)
    row = await caller.view.one(queries.STORE_FILE_AT, store_id=store_id, path=file_path)
    if row is None:
        raise missing_error("vector_store_file", file_path, "file_path")
    return await remove_store_file(store_id, row.file_id, caller, if_match)


@router.get("/vector-stores/{store_id}/files/{file_id}", response_model=VectorStoreFile, responses=TAGGED)
async def retrieve_store_file(store_id: str, file_id: str, caller: Auth) -> Response:
    """Retrieve a file of a vector store, with its ingest status."""
    return _file_response(await find_file(caller.view, store_id, file_id))


@router.put(
    "/vector-stores/{store_id}/files/{file_id}",
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED | MATCHED,
)
async def update_store_file(
    store_id: str, file_id: str, body: StoreFileUpdate, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Replace the attributes of a file in a vector store. It is not ingested again."""

    async def change(_: VectorStoreFileRow) -> updates.ObjectUpdate:
        params: dict[str, Any] = {"store_id": store_id, "file_id": file_id, "attributes": to_json(body.attributes)}
        return updates.ObjectUpdate(queries.STORE_FILE_DESCRIBE, params)

    find_row = partial(find_file, caller.view, store_id, file_id)
    return _file_response(await updates.update(caller, find_row, change, if_match=if_match))


@router.patch(
    "/vector-stores/{store_id}/files/{file_id}",
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED | MATCHED,
)
async def mark_store_file(
    store_id: str, file_id: str, body: StoreFileMark, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Set the status of a file whose vectors you upload; for others the server sets it."""
    store = await find(caller.view, queries.VECTOR_STORE, store_id)
    await find_file(caller.view, store_id, file_id)
    if store.vectors is None:
        raise ApiError(400, "invalid_state", "The server ingests the files of this store and sets their status itself.")
    if body.status not in MARKS:
        raise ApiError(422, "invalid_value", f"status: expected one of {', '.join(MARKS)}", "status")
    failed = body.status == "failed"
    params: dict[str, Any] = {
        "store_id": store_id,
        "file_id": file_id,
        "status": body.status,
        "error_code": "server_error" if failed else None,
        "error": (body.error_message or "Set by its owner.") if failed else None,
    }

    async def change(_: VectorStoreFileRow) -> updates.ObjectUpdate:
        return updates.ObjectUpdate(queries.STORE_FILE_MARK, params)

    find_row = partial(find_file, caller.view, store_id, file_id)
    return _file_response(await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/vector-stores/{store_id}/files/{file_id}", response_model=Deleted, responses=MATCHED)
async def remove_store_file(store_id: str, file_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Remove a file from a vector store; the file itself remains."""
    params: dict[str, Any] = {"store_id": store_id, "file_id": file_id}
    op = Op(queries.STORE_FILE_DETACH, params, missing=await missing_file(caller.view, store_id, file_id))

    async def write(unchanged: Sequence[Op]) -> None:
        await caller.view.write([*unchanged, op])

    await updates.delete("vector_store_file", partial(find_file, caller.view, store_id, file_id), write, if_match)
    caller.platform.bus.publish(INGEST)
    return json_answer({"id": file_id, "object": "vector_store.file.deleted", "deleted": True})


@router.get("/vector-stores/{store_id}/files/{file_id}/content", response_model=Page[StoredChunk])
async def retrieve_store_file_content(
    store_id: str, file_id: str, caller: Auth, limit: Limit = 20, behind: Behind = -1
) -> Response:
    """Return the chunks of a file, in order; they overlap. The next page starts after `last_id`."""
    row = await find_file(caller.view, store_id, file_id)
    try:
        place = ChunkPlace(row.owner, row.store, row.n)
        found = await caller.platform.knowledge.index.chunks(place, behind, limit + 1)
    except IndexUnavailable:
        raise index_unavailable() from None
    shown = [chunk_wire(chunk) for chunk in found[:limit]]
    return page_answer(shown, [str(chunk.position) for chunk in found[:limit]], len(found) > limit)


async def page_of_files(
    caller: Caller,
    query: PageQuery[VectorStoreFileRow],
    store_id: str,
    paging: tuple[int, Order, str | None],
    **given: str | None,
) -> tuple[list[VectorStoreFileRow], bool]:
    """Return a page of the files of a store for a query, and whether more follow."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.STORE_FILE_POSITION, store_id=store_id, id=cursor)

    return await page(caller.view, query, *paging, locate, store_id=store_id, **given)


def wire(row: VectorStoreFileRow) -> dict[str, Any]:
    """Serialize a file of a vector store."""
    error = {"code": row.error_code, "message": row.error} if row.status == "failed" else None
    static = {"max_chunk_size_tokens": row.chunk_tokens, "chunk_overlap_tokens": row.overlap_tokens}
    ended = row.ended_at if row.status == "completed" else None
    return {
        "id": row.file_id,
        "object": "vector_store.file",
        "created_at": row.created_at,
        "vector_store_id": row.store_id,
        "filename": row.name,
        "status": row.status,
        "last_error": error,
        "progress": {"done": row.done, "total": row.total},
        "chunks": row.chunks,
        "usage_bytes": row.size,
        "attributes": json_bytes_answer(row.attributes),
        "chunking_strategy": {"type": "static", "static": static} if row.given is None else {"type": "other"},
        "completed_at": ended,
        "file_name": row.name,
        "file_path": row.path or row.name,
        "processed_at": ended,
        "error_message": row.error,
        "warnings": json_bytes_answer(row.warnings),
        "meta_data": json_bytes_answer(row.attributes),
    }


def _file_response(row: VectorStoreFileRow, status: int = 200) -> Response:
    return json_answer(wire(row), status, etag_header(row))


def chunk_wire(chunk: Chunk) -> dict[str, Any]:
    """Serialize a chunk."""
    return msgspec.to_builtins(chunk)
