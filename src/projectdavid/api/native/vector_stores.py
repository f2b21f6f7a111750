"""Vector stores: create, list, retrieve, update, delete."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import array_answer, json_answer, json_bytes_answer
from projectdavid.api.http.errors import CONFLICT, WITH_BODY, ApiError
from projectdavid.api.http.etags import MATCHED, TAGGED, TAGGED_NEW, IfMatch, etag_header
from projectdavid.api.http.pages import After, ManyLimit, Order, page
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks, deletions, updates
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import attach_op, counts_of, store_op
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, VectorStoreRow
from projectdavid.ports.store import Op, StoreView, UniqueClash
from projectdavid.protocol.base import ID_PATTERN, Deleted
from projectdavid.protocol.vector_answers import VectorStore
from projectdavid.protocol.vector_stores import (
    DAY,
    ChunkingStrategy,
    StoreFileFields,
    VectorStoreCreate,
    VectorStoreUpdate,
)
from projectdavid.runtime.knowledge.ingest import INGEST
from projectdavid.services.platform import Platform

router = router("vector stores")

OwnerId = Annotated[
    Annotated[str, Query(pattern=ID_PATTERN)] | SkipJsonSchema[None],
    Query(description="The owner; only an admin can choose another user."),
]


@router.post("/vector-stores", status_code=201, response_model=VectorStore, responses=WITH_BODY | CONFLICT | TAGGED_NEW)
async def create_vector_store(body: VectorStoreCreate, caller: Auth, owner_id: OwnerId = None) -> Response:
    """Create a vector store; the files in `file_ids` are ingested in the background."""
    owner = owner_id or caller.user_id
    await caller.check_access(owner)
    view = caller.platform.store.of(owner)
    store_id, files = body.shared_id or caller.ids.new("vs"), _files(body)
    if body.vector_size is not None and files:
        raise ApiError(
            422,
            "invalid_value",
            "vector_size: a store with uploaded vectors accepts no file_ids",
            "vector_size",
        )
    guard = await attachment_checks.of_ids(view, [file.file_id for file in files], "file", "file_ids")
    attached = [attach_op(store_id, file, int(caller.now)) for file in files]
    await caller.write([_new(store_id, body, caller), *guard, *attached], view, owner)
    caller.platform.bus.publish(INGEST)
    return _answer(await find(view, queries.VECTOR_STORE, store_id), caller.platform, 201)


@router.get("/vector-stores", response_model=list[VectorStore])
async def list_vector_stores(
    caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """List the caller's vector stores, newest first. `x-has-more` and `x-last-id` describe the next page."""
    return await _list(caller.view, caller.platform, limit, order, after)


@router.get("/vector-stores/admin/by-user", response_model=list[VectorStore])
async def list_vector_stores_of_user(
    owner_id: Annotated[str, Query(pattern=ID_PATTERN)],
    caller: Auth,
    limit: ManyLimit = 1000,
    order: Order = "desc",
    after: After = None,
) -> Response:
    """List the vector stores of a user: one's own, or any user's for an admin."""
    await caller.check_access(owner_id)
    return await _list(caller.platform.store.of(owner_id), caller.platform, limit, order, after)


@router.get("/vector-stores/{store_id}", response_model=VectorStore, responses=TAGGED)
async def retrieve_vector_store(store_id: str, caller: Auth) -> Response:
    """Retrieve a vector store, with its file counts."""
    return _answer(await find(caller.view, queries.VECTOR_STORE, store_id), caller.platform)


@router.put("/vector-stores/{store_id}", response_model=VectorStore, responses=WITH_BODY | TAGGED | MATCHED)
async def update_vector_store(
    store_id: str, body: VectorStoreUpdate, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Change the given fields; `meta_data` is merged. An expired store is reactivated, empty."""
    given = body.model_fields_set
    days = None if body.expires_after is None else body.expires_after.days

    async def change(row: VectorStoreRow) -> updates.ObjectUpdate:
        params: dict[str, Any] = {
            "id": store_id,
            "now": int(caller.platform.clock()),
            "name": body.name if "name" in given else row.name,
            "description": body.description if "description" in given else row.description,
            "meta_data": to_json({**msgspec.json.decode(row.meta_data), **(body.meta_data or {})}),
            "expires_days": days if "expires_after" in given else row.expires_days,
            "revive": "expires_after" in given,
        }
        return updates.ObjectUpdate(queries.STORE_UPDATE, params)

    find_row = partial(find, caller.view, queries.VECTOR_STORE, store_id)
    return _answer(await updates.update(caller, find_row, change, if_match=if_match), caller.platform)


@router.delete("/vector-stores/{store_id}", response_model=Deleted, responses=MATCHED)
async def delete_vector_store(
    store_id: str,
    caller: Auth,
    permanent: bool = True,  # noqa: ARG001 - on the wire
    if_match: IfMatch = None,
) -> Response:
    """Delete a vector store permanently. Its files remain; assistants and threads that name it find nothing there."""
    find_row = partial(find, caller.view, queries.VECTOR_STORE, store_id)
    await updates.delete("vector_store", find_row, partial(deletions.delete_vector_store, caller, store_id), if_match)
    return json_answer({"id": store_id, "object": "vector_store.deleted", "deleted": True})


def mode_of(platform: Platform, row: VectorStoreRow) -> str:
    """Return the search mode of a store."""
    return "hybrid" if platform.knowledge.embedder is not None or row.vectors is not None else "lexical"


def _files(body: VectorStoreCreate) -> list[StoreFileFields]:
    chunking: ChunkingStrategy | None = body.chunking_strategy
    return [
        StoreFileFields(file_id=file_id, chunking_strategy=chunking) for file_id in dict.fromkeys(body.file_ids or ())
    ]


def _new(store_id: str, body: VectorStoreCreate, caller: Caller) -> Op:
    vectors = {"size": body.vector_size, "config": body.config} if body.vector_size is not None else None
    return store_op(
        store_id,
        int(caller.now),
        UniqueClash("vector_store", store_id),
        name=body.name,
        description=body.description,
        expires_days=None if body.expires_after is None else body.expires_after.days,
        meta_data=to_json(body.meta_data or {}),
        vectors=None if vectors is None else to_json(vectors),
    )


async def _list(view: StoreView, platform: Platform, limit: int, order: str, after: str | None) -> Response:
    async def locate(cursor: str) -> PositionRow | None:
        return await view.one(queries.STORE_POSITION, id=cursor)

    rows: Sequence[VectorStoreRow]
    rows, more = await page(view, queries.STORES_PAGE, limit, order, after, locate)
    return array_answer([_wire(row, platform) for row in rows], [row.id for row in rows], more)


def _answer(row: VectorStoreRow, platform: Platform, status: int = 200) -> Response:
    return json_answer(_wire(row, platform), status, etag_header(row))


def _wire(row: VectorStoreRow, platform: Platform) -> dict[str, Any]:
    """Serialize a vector store."""
    counts, days = counts_of(row), row.expires_days
    brought: dict[str, Any] = {} if row.vectors is None else msgspec.json.decode(row.vectors)
    ready = "in_progress" if counts["in_progress"] else "completed"
    return {
        "id": row.id,
        "object": "vector_store",
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "last_active_at": row.last_active_at,
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": row.expired_at if days is None else row.last_active_at + days * DAY,
        "name": row.name or "",
        "description": row.description,
        "status": ready if row.expired_at is None else "expired",
        "usage_bytes": row.size,
        "file_counts": counts,
        "search_mode": mode_of(platform, row),
        "meta_data": json_bytes_answer(row.meta_data),
        "user_id": row.owner,
        "collection_name": row.id,
        "vector_size": brought.get("size", 0),
        "distance_metric": "COSINE",
        "config": brought.get("config"),
        "file_count": counts["total"],
    }
