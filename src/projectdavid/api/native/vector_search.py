"""Search in vector stores, and vectors uploaded by owners."""

import struct
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError
from projectdavid.api.native import vector_store_files
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import find_file, find_open, index_unavailable
from projectdavid.engine.documents import Chunk
from projectdavid.engine.filters import InvalidFilter, check_filter
from projectdavid.ports import queries
from projectdavid.ports.embedder import Vector
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexUnavailable
from projectdavid.ports.retrieval import FoundPassage, RetrievalQuery, RetrievalUnavailable
from projectdavid.ports.rows import VectorStoreRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.vector_answers import BroughtAnswer, SearchResults
from projectdavid.protocol.vector_stores import BroughtVectors, VectorStoreSearch
from projectdavid.runtime.knowledge.retrieval import brought

router = router("vector stores")


@router.post("/vector-stores/{store_id}/search", response_model=SearchResults, responses=WITH_BODY)
async def search_vector_store(store_id: str, body: VectorStoreSearch, caller: Auth) -> Response:
    """Return the chunks that match a query best. With `query_vector`, the response is a bare list of hits."""
    row = await find_open(caller.view, store_id)
    if body.query is None and body.query_vector is None:
        named = "query_vector" if "query_vector" in body.model_fields_set else "query"
        raise ApiError(422, "missing_field", f"{named}: expected a query, or a query_vector", named)
    wanted = _build_query(body)
    await caller.write([])  # the response is stored for repeated requests with its key
    try:
        if body.query_vector is not None:
            return await _near(caller, row, body.query_vector, wanted)
        found = await caller.platform.knowledge.retrieval.search(caller.user_id, [store_id], wanted)
    except RetrievalUnavailable:
        raise index_unavailable() from None
    return json_answer(
        {
            "object": "vector_store.search_results.page",
            "search_query": [wanted.text],
            "search_mode": "hybrid" if found.semantic else "lexical",
            "data": [_result(passage) for passage in found.passages],
            "remarks": found.remarks,
            "incomplete": found.incomplete,
            "has_more": False,
            "next_page": None,
        }
    )


@router.post("/vector-stores/{store_id}/vectors", response_model=BroughtAnswer, responses=WITH_BODY)
async def bring_vectors(store_id: str, body: BroughtVectors, caller: Auth) -> Response:
    """Upload the chunks of a file with their vectors, replacing existing ones."""
    store = await find_open(caller.view, store_id)
    vectors = [_vector(store, vector, f"vectors.{number}") for number, vector in enumerate(body.vectors)]
    given, now = body.metadata or [{} for _ in body.texts], int(caller.now)
    params: dict[str, Any] = {
        "store_id": store_id,
        "file_id": body.file.file_id,
        "name": body.file.file_name,
        "path": body.file.file_path,
        "attributes": to_json(_scalars(body.file.meta_data or {})),
        "given": to_json(given),
        "now": now,
    }
    version, space = caller.ids.new("version"), brought(store.n)
    await caller.write([Op(queries.STORE_FILE_BRING, params, missing=RowMissing("vector_store", store_id))])
    n: int = (await find_file(caller.view, store_id, body.file.file_id)).n
    place, chunks = ChunkPlace(caller.user_id, store.n, n), _chunks(body.texts, given)
    try:
        index = caller.platform.knowledge.index
        await index.stage(place, version, [IndexedChunk(*pair) for pair in zip(chunks, vectors, strict=True)], space)
        count = await index.publish(place, version)
    except IndexUnavailable:
        raise index_unavailable() from None
    size = sum(len(text.encode()) for text in body.texts)
    done: dict[str, Any] = {"n": n, "version": version, "space": space, "chunks": count, "size": size, "now": now}
    await caller.view.write([Op(queries.STORE_FILE_BROUGHT, done, missing=RowMissing("vector_store", store_id))])
    return json_answer({"file": vector_store_files.wire(await find_file(caller.view, store_id, body.file.file_id))})


def _build_query(body: VectorStoreSearch) -> RetrievalQuery:
    """Build the query.

    Raises:
        ApiError: 422, a filter is invalid.
    """
    if body.filters is not None:
        try:
            check_filter(body.filters, "filters")
        except InvalidFilter as error:
            raise ApiError(422, "invalid_value", str(error), error.path[:256]) from None
    limit = body.max_num_results if body.top_k is None else body.top_k
    threshold = 0.0 if body.ranking_options is None else body.ranking_options.score_threshold
    return RetrievalQuery(body.query or "", limit, threshold, body.filters)


async def _near(caller: Caller, store: VectorStoreRow, query: list[float], wanted: RetrievalQuery) -> Response:
    vector = _vector(store, query, "query_vector")
    passages = await caller.platform.knowledge.retrieval.near(caller.user_id, store, vector, wanted)
    return json_answer([_hit(passage) for passage in passages])


def _vector(store: VectorStoreRow, numbers: list[float], param: str) -> Vector:
    """Convert a vector to the format of the index.

    Raises:
        ApiError: 400, the server computes the vectors of this store; 422, it has another size, or is out of range.
    """
    if store.vectors is None:
        message = "The server computes the vectors of this store; search it by `query`, and add files to it."
        raise ApiError(400, "invalid_state", message)
    size = msgspec.json.decode(store.vectors)["size"]
    if len(numbers) != size:
        raise ApiError(
            422, "invalid_value", f"{param}: expected {size} numbers, as in all vectors of this store", param
        )
    try:
        return struct.pack(f"<{size}f", *numbers)
    except OverflowError:
        raise ApiError(422, "invalid_value", f"{param}: expected 32-bit floating-point numbers", param) from None


def _chunks(texts: list[str], given: list[dict[str, Any]]) -> list[Chunk]:
    """Build chunks as if the document consisted of these texts, one per line."""
    made: list[Chunk] = []
    start = line = 0
    for position, (text, about) in enumerate(zip(texts, given, strict=True)):
        page = about.get("page")
        page = page if isinstance(page, int) and 0 < page < 2**31 else None
        last = line + text.count("\n")
        made.append(Chunk(position, text, start, start + len(text), line + 1, last + 1, page, page))
        start, line = start + len(text) + 1, last + 1
    return made


def _scalars(values: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata that searches can filter by."""
    return {key: value for key, value in values.items() if isinstance(value, str | int | float)}


def _result(passage: FoundPassage) -> dict[str, Any]:
    return {
        "file_id": passage.file_id,
        "filename": passage.filename,
        "score": passage.score,
        "attributes": passage.attributes,
        "content": [{"type": "text", "text": passage.chunk.display_text}],
        "chunk": vector_store_files.chunk_wire(passage.chunk),
    }


def _hit(passage: FoundPassage) -> dict[str, Any]:
    return {
        "id": f"{passage.file_id}-{passage.chunk.position}",
        "text": passage.chunk.display_text,
        "score": passage.score,
        "meta_data": passage.attributes,
        "store_id": passage.store_id,
    }
