"""Vector stores: create, list, retrieve, update, delete, search."""

from functools import partial
from typing import Any

from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.openai import serializers
from projectdavid.api.openai.lookup import find
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import POLL, router
from projectdavid.api.openai.serializers import Json
from projectdavid.api.requests.authentication import Auth
from projectdavid.api.resources import attachment_checks, deletions, updates
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import attach_op, counts_of, find_open, index_unavailable, store_op
from projectdavid.engine.filters import InvalidFilter, check_filter
from projectdavid.ports import queries
from projectdavid.ports.retrieval import FoundPassage, RetrievalQuery, RetrievalUnavailable
from projectdavid.ports.rows import PositionRow, VectorStoreRow
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIPage
from projectdavid.protocol.openai.knowledge_answers import OpenAISearchPage, OpenAIVectorStore
from projectdavid.protocol.openai.vector_stores import (
    OpenAIVectorStoreCreate,
    OpenAIVectorStoreSearch,
    OpenAIVectorStoreUpdate,
)
from projectdavid.protocol.vector_stores import DAY, StoreFileFields
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("vector stores")


@router.post("/vector_stores", response_model=OpenAIVectorStore)
async def create_vector_store(body: OpenAIVectorStoreCreate, caller: Auth) -> Response:
    """Create a vector store; the files in `file_ids` are ingested in the background."""
    store_id, now = caller.ids.new("vs"), int(caller.now)
    ids = list(dict.fromkeys(body.file_ids))
    guard = await attachment_checks.of_ids(caller.view, body.file_ids, "file", "file_ids")
    new = store_op(
        store_id,
        now,
        name=body.name,
        description=body.description,
        expires_days=None if body.expires_after is None else body.expires_after.days,
        meta_data=to_json(body.metadata or {}),
    )
    files = [StoreFileFields(file_id=file_id, chunking_strategy=body.chunking_strategy) for file_id in ids]
    await caller.write([new, *guard, *(attach_op(store_id, file, now) for file in files)])
    caller.platform.bus.publish(INGEST)
    return _answer(await find(caller, queries.VECTOR_STORE, store_id))


@router.get("/vector_stores", response_model=OpenAIPage[OpenAIVectorStore])
async def list_vector_stores(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, before: Before = None
) -> Response:
    """List the caller's vector stores."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.STORE_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.STORES_PAGE, (limit, order, after, before), locate)
    return page_answer([_wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/vector_stores/{vector_store_id}", response_model=OpenAIVectorStore)
async def retrieve_vector_store(vector_store_id: str, caller: Auth) -> Response:
    """Retrieve a vector store."""
    return _answer(await find(caller, queries.VECTOR_STORE, vector_store_id))


@router.post("/vector_stores/{vector_store_id}", response_model=OpenAIVectorStore)
async def update_vector_store(vector_store_id: str, body: OpenAIVectorStoreUpdate, caller: Auth) -> Response:
    """Change a vector store; omitted fields keep their values. An expired store is reactivated, empty."""
    given = body.model_fields_set
    days = None if body.expires_after is None else body.expires_after.days

    async def change(row: VectorStoreRow) -> updates.ObjectUpdate:
        params: dict[str, Any] = {
            "id": vector_store_id,
            "now": int(caller.now),
            "name": body.name if "name" in given else row.name,
            "description": row.description,
            "meta_data": to_json(body.metadata or {}) if "metadata" in given else row.meta_data,
            "expires_days": days if "expires_after" in given else row.expires_days,
            "revive": "expires_after" in given,
        }
        return updates.ObjectUpdate(queries.STORE_UPDATE, params)

    return _answer(await updates.update(caller, partial(find, caller, queries.VECTOR_STORE, vector_store_id), change))


@router.delete("/vector_stores/{vector_store_id}", response_model=OpenAIDeleted)
async def delete_vector_store(vector_store_id: str, caller: Auth) -> Response:
    """Delete a vector store; its files remain."""
    await deletions.delete_vector_store(caller, vector_store_id)
    return json_answer(serializers.deleted_object(vector_store_id, "vector_store.deleted"))


@router.post("/vector_stores/{vector_store_id}/search", response_model=OpenAISearchPage)
async def search_vector_store(vector_store_id: str, body: OpenAIVectorStoreSearch, caller: Auth) -> Response:
    """Return the chunks that match one or several queries best."""
    await find_open(caller.view, vector_store_id)
    searches = [body.query] if isinstance(body.query, str) else body.query
    wanted = _build_queries(body, searches)
    await caller.write([])  # the response is stored for repeated requests with its key
    retrieval, best = caller.platform.knowledge.retrieval, dict[tuple[str, int], FoundPassage]()
    try:
        for one in wanted:
            for passage in (await retrieval.search(caller.user_id, [vector_store_id], one)).passages:
                place = passage.file_id, passage.chunk.position
                if place not in best or best[place].score < passage.score:
                    best[place] = passage
    except RetrievalUnavailable:
        raise index_unavailable() from None
    found = sorted(best.values(), key=lambda passage: -passage.score)[: body.max_num_results]
    return json_answer(
        {
            "object": "vector_store.search_results.page",
            "search_query": searches,
            "data": [_result(passage) for passage in found],
            "has_more": False,
            "next_page": None,
        }
    )


def _build_queries(body: OpenAIVectorStoreSearch, searches: list[str]) -> list[RetrievalQuery]:
    """Build the queries.

    Raises:
        ApiError: 400, there are too many filters, or they are nested too deeply.
    """
    filters = None if body.filters is None else body.filters.model_dump()
    if filters is not None:
        try:
            check_filter(filters, "filters")
        except InvalidFilter as error:
            raise ApiError(422, "invalid_value", str(error), error.path[:256]) from None
    threshold = 0.0 if body.ranking_options is None else body.ranking_options.score_threshold
    return [RetrievalQuery(query, body.max_num_results, threshold, filters) for query in searches]


def _result(passage: FoundPassage) -> Json:
    return {
        "file_id": passage.file_id,
        "filename": passage.filename,
        "score": min(max(passage.score, 0.0), 1.0),
        "attributes": passage.attributes,
        "content": [{"type": "text", "text": passage.chunk.display_text}],
    }


def _answer(row: VectorStoreRow) -> Response:
    return json_answer(_wire(row), headers=POLL)


def _wire(row: VectorStoreRow) -> Json:
    """Serialize a vector store."""
    counts, days = counts_of(row), row.expires_days
    ready = "in_progress" if counts["in_progress"] else "completed"
    return {
        "id": row.id,
        "object": "vector_store",
        "created_at": row.created_at,
        "name": row.name or "",
        "description": row.description,
        "usage_bytes": row.size,
        "file_counts": counts,
        "status": ready if row.expired_at is None else "expired",
        "expires_after": None if days is None else {"anchor": "last_active_at", "days": days},
        "expires_at": row.expired_at if days is None else row.last_active_at + days * DAY,
        "last_active_at": row.last_active_at,
        "metadata": serializers.metadata(row.meta_data),
    }
