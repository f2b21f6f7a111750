"""Rows of vector stores and their files: lookup, creation and attachment."""

from typing import Any, get_args

from projectdavid.api.http.errors import ApiError
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import FileBatchRow, VectorStoreFileRow, VectorStoreRow
from projectdavid.ports.store import Op, RowMissing, StoreView, UniqueClash, Value
from projectdavid.protocol.vector_answers import StoreFileStatus
from projectdavid.protocol.vector_stores import CHUNK_TOKENS, OVERLAP_TOKENS, StaticChunking, StoreFileFields


async def find_open(view: StoreView, store_id: str) -> VectorStoreRow:
    """Return the row of an owner's vector store.

    Raises:
        ApiError: 404; 400, it has expired.
    """
    row = await find(view, queries.VECTOR_STORE, store_id)
    if row.expired_at is not None:
        message = (
            f"The vector store '{store_id}' has expired and is empty. PUT a new expires_after and add its files again."
        )
        raise ApiError(400, "vector_store_expired", message)
    return row


def store_op(store_id: str, now: int, clash: UniqueClash | None = None, **fields: Value) -> Op:
    """Return the operation that creates a vector store; omitted fields are null."""
    empty: dict[str, Value] = dict.fromkeys(("name", "description", "expires_days", "vectors"))
    return Op(queries.STORE_INSERT, {"id": store_id, "now": now, **empty, "meta_data": "{}", **fields}, clash=clash)


def counts_of(row: VectorStoreRow | FileBatchRow) -> dict[str, int]:
    """Return the number of files of a vector store or batch by status."""
    counts = {name: getattr(row, name) for name in get_args(StoreFileStatus)}
    return {**counts, "total": sum(counts.values())}


def attach_op(store_id: str, file: StoreFileFields, now: int) -> Op:
    """Return the operation that adds a file to a vector store for ingestion."""
    static = file.chunking_strategy.static if isinstance(file.chunking_strategy, StaticChunking) else None
    params: dict[str, Any] = {
        "store_id": store_id,
        "file_id": file.file_id,
        "path": file.file_path,
        "attributes": to_json(file.attributes or {}),
        "chunk_tokens": CHUNK_TOKENS if static is None else static.max_chunk_size_tokens,
        "overlap_tokens": OVERLAP_TOKENS if static is None else static.chunk_overlap_tokens,
        "now": now,
    }
    return Op(queries.STORE_FILE_ATTACH, params, missing=RowMissing("file", file.file_id))


def check_embedded(store: VectorStoreRow) -> None:
    """Check that the server embeds the files of a vector store.

    Raises:
        ApiError: 400, the caller supplies the vectors.
    """
    if store.vectors is not None:
        message = "This vector store takes vectors from the caller. POST the chunks of the file to its /vectors."
        raise ApiError(400, "invalid_state", message)


def index_unavailable() -> ApiError:
    """Return a 503 error: the index is unavailable for searches and writes."""
    return ApiError(503, "index_unavailable", "The index cannot be used now; nothing was changed. Try again.")


async def find_file(view: StoreView, store_id: str, file_id: str) -> VectorStoreFileRow:
    """Return the row of a file in one of the caller's vector stores.

    Raises:
        ApiError: 404.
    """
    row = await view.one(queries.STORE_FILE, store_id=store_id, file_id=file_id)
    if row is None:
        raise await missing_file(view, store_id, file_id)
    return row


async def missing_file(view: StoreView, store_id: str, file_id: str) -> RowMissing:
    """Return the 404 error for a file of a vector store."""
    if await view.one(queries.VECTOR_STORE, id=store_id) is None:
        return RowMissing("vector_store", store_id)
    return RowMissing("vector_store_file", file_id)
