"""The files of a vector store: put in, list, retrieve, describe, take out; and the chunks that they were cut into."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, get_args

import msgspec
from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import IndexUnavailable, Place
from projectdavid.ports.store import Op, Row
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.vector_answers import StoredChunk, StoreFileStatus, VectorStoreFile
from projectdavid.protocol.vector_stores import StoreFileCreate, StoreFileMark, StoreFileUpdate
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import bare, json_answer, listed, stored
from projectdavid.server.http.errors import WITH_BODY, ApiError, missing
from projectdavid.server.http.etags import MATCHED, TAGGED, TAGGED_NEW, IfMatch, tagged
from projectdavid.server.http.paging import After, Limit, ManyLimit, Order, page
from projectdavid.server.native.wire import router
from projectdavid.server.objects import updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.store_rows import (
    absent,
    attach_op,
    find_file,
    find_open,
    see_embedded,
    unavailable,
)

router = router("vector stores")

Status = Annotated[
    StoreFileStatus | SkipJsonSchema[None],
    Query(alias="filter", description="Only those that stand there."),
]
Behind = Annotated[int, Query(ge=-1, le=2**31, description="The position behind which to begin.")]
FilePath = Annotated[str, Query(min_length=1, max_length=1024, description="The `file_path` that it was put in with.")]
MARKS = get_args(StoreFileStatus)


@router.post(
    "/vector-stores/{store_id}/files",
    status_code=201,
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED_NEW,
)
async def add_store_file(store_id: str, body: StoreFileCreate, caller: Auth) -> Response:
    """Put a file into a vector store. It is read in the background; one that is there already is read anew."""
    row = await find_open(caller.view, store_id)
    see_embedded(row)
    await find(caller.view, "file", body.file_id, "file_id")
    values = body.model_copy(update={"attributes": body.attributes or body.meta_data})
    await caller.write([attach_op(store_id, values, int(caller.now))])
    caller.platform.bus.publish(INGEST)
    return _tagged(await find_file(caller.view, store_id, body.file_id), 201)


@router.get("/vector-stores/{store_id}/files", response_model=list[VectorStoreFile])
async def list_store_files(
    store_id: str,
    caller: Auth,
    limit: ManyLimit = 1000,
    order: Order = "desc",
    after: After = None,
    status: Status = None,
) -> Response:
    """The files of a vector store, newest first. `x-has-more` and `x-last-id` tell of the next page."""
    await find(caller.view, "vector_store", store_id)
    return await listed_files(caller, "store_files_page", store_id, (limit, order, after), status=status)


@router.delete("/vector-stores/{store_id}/files", response_model=Deleted, responses=MATCHED)
async def remove_store_file_at(store_id: str, file_path: FilePath, caller: Auth, if_match: IfMatch = None) -> Response:
    """Take the file out that was put in with this `file_path`."""
    await find(caller.view, "vector_store", store_id)
    row = await caller.view.one("store_file_at", store_id=store_id, path=file_path)
    if row is None:
        raise missing("vector_store_file", file_path, "file_path")
    return await remove_store_file(store_id, row.file_id, caller, if_match)


@router.get("/vector-stores/{store_id}/files/{file_id}", response_model=VectorStoreFile, responses=TAGGED)
async def retrieve_store_file(store_id: str, file_id: str, caller: Auth) -> Response:
    """How a file of a vector store stands."""
    return _tagged(await find_file(caller.view, store_id, file_id))


@router.put(
    "/vector-stores/{store_id}/files/{file_id}",
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED | MATCHED,
)
async def update_store_file(
    store_id: str, file_id: str, body: StoreFileUpdate, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Replace the attributes of a file in a vector store. It is not read again."""

    async def change(_: Row) -> updates.Change:
        params: dict[str, Any] = {"store_id": store_id, "file_id": file_id, "attributes": to_json(body.attributes)}
        return updates.Change("store_file_describe", params)

    find_row = partial(find_file, caller.view, store_id, file_id)
    return _tagged(await updates.update(caller, find_row, change, if_match=if_match))


@router.patch(
    "/vector-stores/{store_id}/files/{file_id}",
    response_model=VectorStoreFile,
    responses=WITH_BODY | TAGGED | MATCHED,
)
async def mark_store_file(
    store_id: str, file_id: str, body: StoreFileMark, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Say how a file stands whose vectors you bring; of all others the server knows it."""
    store = await find(caller.view, "vector_store", store_id)
    await find_file(caller.view, store_id, file_id)
    if store.vectors is None:
        raise ApiError(
            400, "invalid_state", "The server reads the files of this store, and says itself how they stand."
        )
    if body.status not in MARKS:
        raise ApiError(422, "invalid_value", f"status: expected one of {', '.join(MARKS)}", "status")
    failed = body.status == "failed"
    params: dict[str, Any] = {
        "store_id": store_id,
        "file_id": file_id,
        "status": body.status,
        "error_code": "server_error" if failed else None,
        "error": (body.error_message or "Its owner says so.") if failed else None,
    }

    async def change(_: Row) -> updates.Change:
        return updates.Change("store_file_mark", params)

    find_row = partial(find_file, caller.view, store_id, file_id)
    return _tagged(await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/vector-stores/{store_id}/files/{file_id}", response_model=Deleted, responses=MATCHED)
async def remove_store_file(store_id: str, file_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Take a file out of a vector store; it stays a file."""
    params: dict[str, Any] = {"store_id": store_id, "file_id": file_id}
    op = Op("store_file_detach", params, missing=await absent(caller.view, store_id, file_id))

    async def write(unchanged: Sequence[Op]) -> None:
        await caller.view.write([*unchanged, op])

    await updates.delete("vector_store_file", partial(find_file, caller.view, store_id, file_id), write, if_match)
    caller.platform.bus.publish(INGEST)
    return json_answer({"id": file_id, "object": "vector_store.file.deleted", "deleted": True})


@router.get("/vector-stores/{store_id}/files/{file_id}/content", response_model=Page[StoredChunk])
async def retrieve_store_file_content(
    store_id: str, file_id: str, caller: Auth, limit: Limit = 20, behind: Behind = -1
) -> Response:
    """The chunks that a file was cut into, in order; they overlap. The page after it begins behind `last_id`."""
    row = await find_file(caller.view, store_id, file_id)
    try:
        place = Place(row.owner, row.store, row.n)
        found = await caller.platform.knowledge.index.chunks(place, behind, limit + 1)
    except IndexUnavailable:
        raise unavailable() from None
    shown = [chunk_wire(chunk) for chunk in found[:limit]]
    return listed(shown, [str(chunk.position) for chunk in found[:limit]], len(found) > limit)


async def listed_files(
    caller: Caller, query: str, store_id: str, paging: tuple[int, Order, str | None], **given: str | None
) -> Response:
    """A page of the files of a store that a query gives."""

    async def known(cursor: str) -> Any:
        return await caller.view.one("store_file", store_id=store_id, file_id=cursor)

    rows, more = await page(caller.view, query, *paging, known, store_id=store_id, **given)
    return bare([wire(row) for row in rows], [row.file_id for row in rows], more)


def wire(row: Row) -> dict[str, Any]:
    """A file of a vector store."""
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
        "attributes": stored(row.attributes),
        "chunking_strategy": {"type": "static", "static": static} if row.given is None else {"type": "other"},
        "completed_at": ended,
        "file_name": row.name,
        "file_path": row.path or row.name,
        "processed_at": ended,
        "error_message": row.error,
        "meta_data": stored(row.attributes),
    }


def _tagged(row: Row, status: int = 200) -> Response:
    return json_answer(wire(row), status, tagged(row))


def chunk_wire(chunk: Chunk) -> dict[str, Any]:
    """A chunk."""
    return msgspec.to_builtins(chunk)
