"""The files of a vector store: put in, list, retrieve, describe, take out, and read as text; alone and in batches."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.ports.index import IndexUnavailable, Place
from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.openai.answers import Deleted, Page
from projectdavid.protocol.openai.knowledge_answers import FileBatch, FileContent, StoreFile
from projectdavid.protocol.openai.vector_stores import FileBatchCreate, StoreFileCreate, StoreFileUpdate
from projectdavid.protocol.vector_answers import StoreFileStatus
from projectdavid.protocol.vector_stores import StoreFileFields
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.objects import attaching, updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.store_rows import absent, attach_op, counts_of, find_file, find_open, see_embedded
from projectdavid.server.objects.store_rows import unavailable as index_unavailable
from projectdavid.server.openai import words
from projectdavid.server.openai.lookup import find
from projectdavid.server.openai.paging import After, Before, Limit, Order, Paging, page
from projectdavid.server.openai.routing import POLL, router
from projectdavid.server.openai.words import Json

router = router("vector stores")

Status = Annotated[
    StoreFileStatus | SkipJsonSchema[None],
    Query(alias="filter", description="Only those that stand there."),
]
FILES = "/vector_stores/{vector_store_id}/files"
BATCHES = "/vector_stores/{vector_store_id}/file_batches"
CHUNKS = 1000
"""That are read of a file at once."""


@router.post(FILES, response_model=StoreFile)
async def create_store_file(vector_store_id: str, body: StoreFileCreate, caller: Auth) -> Response:
    """Put a file into a vector store; it is read in the background."""
    see_embedded(await find_open(caller.view, vector_store_id))
    await find(caller, "file", body.file_id, "file_id")
    await caller.write([attach_op(vector_store_id, _fields(body), int(caller.now))])
    caller.platform.bus.publish(INGEST)
    return _answer(await find_file(caller.view, vector_store_id, body.file_id))


@router.get(FILES, response_model=Page[StoreFile])
async def list_store_files(
    vector_store_id: str,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    status: Status = None,
) -> Response:
    """The files of a vector store."""
    await find(caller, "vector_store", vector_store_id)
    paging = limit, order, after, before
    return await _listed(caller, "store_files_page", vector_store_id, paging, status=status)


@router.get(FILES + "/{file_id}", response_model=StoreFile)
async def retrieve_store_file(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """How a file of a vector store stands."""
    return _answer(await find_file(caller.view, vector_store_id, file_id))


@router.post(FILES + "/{file_id}", response_model=StoreFile)
async def update_store_file(vector_store_id: str, file_id: str, body: StoreFileUpdate, caller: Auth) -> Response:
    """Replace the attributes of a file in a vector store."""
    attributes = to_json(body.attributes or {})

    async def change(_: Row) -> updates.Change:
        params: dict[str, Any] = {"store_id": vector_store_id, "file_id": file_id, "attributes": attributes}
        return updates.Change("store_file_describe", params)

    find_row = partial(find_file, caller.view, vector_store_id, file_id)
    return _answer(await updates.update(caller, find_row, change))


@router.delete(FILES + "/{file_id}", response_model=Deleted)
async def delete_store_file(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """Take a file out of a vector store; it stays a file."""
    params: dict[str, Any] = {"store_id": vector_store_id, "file_id": file_id}
    gone = await absent(caller.view, vector_store_id, file_id)
    await caller.view.write([Op("store_file_detach", params, missing=gone)])
    caller.platform.bus.publish(INGEST)
    return json_answer(words.deleted(file_id, "vector_store.file.deleted"))


@router.get(FILES + "/{file_id}/content", response_model=FileContent)
async def retrieve_store_file_content(vector_store_id: str, file_id: str, caller: Auth) -> Response:
    """The text of a file, in the chunks that it was cut into; what these share is there once."""
    row = await find_file(caller.view, vector_store_id, file_id)
    place, behind, end = Place(row.owner, row.store, row.n), -1, 0
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


@router.post(BATCHES, response_model=FileBatch)
async def create_file_batch(vector_store_id: str, body: FileBatchCreate, caller: Auth) -> Response:
    """Put many files into a vector store; they are read in the background."""
    see_embedded(await find_open(caller.view, vector_store_id))
    files, guard = _batched(body), await _guarded(caller, body)
    batch_id, now = caller.ids.new("vsfb"), int(caller.now)
    head: dict[str, Any] = {"id": batch_id, "store_id": vector_store_id, "now": now}
    new = Op("batch_insert", head, missing=Missing("vector_store", vector_store_id))
    attached = [attach_op(vector_store_id, file, now) for file in files]
    members = [Op("batch_file", {"id": batch_id, "file_id": file.file_id}) for file in files]
    await caller.write([*guard, new, *attached, *members])
    caller.platform.bus.publish(INGEST)
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.get(BATCHES + "/{batch_id}", response_model=FileBatch)
async def retrieve_file_batch(vector_store_id: str, batch_id: str, caller: Auth) -> Response:
    """How the files of a batch stand."""
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.post(BATCHES + "/{batch_id}/cancel", response_model=FileBatch)
async def cancel_file_batch(vector_store_id: str, batch_id: str, caller: Auth) -> Response:
    """Do not read what of a batch is not read yet."""
    await _find_batch(caller, vector_store_id, batch_id)
    given: dict[str, Any] = {"id": batch_id, "store_id": vector_store_id, "now": int(caller.now)}
    gone = Missing("file_batch", batch_id)
    await caller.write([Op("batch_cancel", given, missing=gone), Op("batch_files_cancel", given)])
    caller.platform.bus.publish(INGEST)
    return _batch_answer(await _find_batch(caller, vector_store_id, batch_id))


@router.get(BATCHES + "/{batch_id}/files", response_model=Page[StoreFile])
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
    """The files of a batch."""
    await _find_batch(caller, vector_store_id, batch_id)
    paging = limit, order, after, before
    return await _listed(caller, "batch_files_page", vector_store_id, paging, id=batch_id, status=status)


async def _listed(caller: Caller, query: str, store_id: str, paging: Paging, **given: str | None) -> Response:
    async def known(cursor: str) -> Any:
        return await caller.view.one("store_file", store_id=store_id, file_id=cursor)

    rows, more = await page(caller.view, query, paging, known, "file_id", store_id=store_id, **given)
    return listed([_wire(row) for row in rows], [row.file_id for row in rows], more)


async def _find_batch(caller: Caller, store_id: str, batch_id: str) -> Row:
    await find(caller, "vector_store", store_id)
    row = await caller.view.one("batch", store_id=store_id, id=batch_id)
    if row is None:
        raise missing("file_batch", batch_id)
    return row


def _fields(body: StoreFileCreate) -> StoreFileFields:
    return StoreFileFields(file_id=body.file_id, attributes=body.attributes, chunking_strategy=body.chunking_strategy)


def _batched(body: FileBatchCreate) -> list[StoreFileFields]:
    """The files of a batch, each once.

    Raises:
        ApiError: 400, there is not either of both.
    """
    if (body.file_ids is None) == (body.files is None):
        raise ApiError(400, "invalid_value", "Expected either 'file_ids' or 'files'.", "file_ids")
    if body.files is not None:
        return [_fields(file) for file in {file.file_id: file for file in body.files}.values()]
    common: dict[str, Any] = {"attributes": body.attributes, "chunking_strategy": body.chunking_strategy}
    ids = dict.fromkeys(body.file_ids or ())
    return [StoreFileFields(file_id=file_id, **common) for file_id in ids]


async def _guarded(caller: Caller, body: FileBatchCreate) -> tuple[Op, ...]:
    """What sees that the files of a batch are still there when it is written.

    Raises:
        ApiError: 404, one is not the caller's.
    """
    if body.files is not None:
        return await attaching.of_ids(caller.view, [file.file_id for file in body.files], "file", "files", ".file_id")
    return await attaching.of_ids(caller.view, body.file_ids or (), "file", "file_ids")


def _answer(row: Row) -> Response:
    return json_answer(_wire(row), headers=POLL)


def _wire(row: Row) -> Json:
    """A file of a vector store."""
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
        "attributes": words.decoded(row.attributes),
    }


def _batch_answer(row: Row) -> Response:
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
