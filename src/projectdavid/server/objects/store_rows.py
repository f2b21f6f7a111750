"""Vector stores and their files as rows: finding them, and what puts a file into a store."""

from typing import Any, get_args

from projectdavid.ports.store import Clash, Missing, Op, Row, Value, View
from projectdavid.protocol.vector_answers import StoreFileStatus
from projectdavid.protocol.vector_stores import CHUNK_TOKENS, OVERLAP_TOKENS, StaticChunking, StoreFileFields
from projectdavid.server.http.errors import ApiError
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find


async def find_open(view: View, store_id: str) -> Row:
    """The row of one of an owner's stores that has not expired.

    Raises:
        ApiError: 404; 400, it has.
    """
    row = await find(view, "vector_store", store_id)
    if row.expired_at is not None:
        message = (
            f"The vector store '{store_id}' has expired, and is empty. PUT another expires_after, and fill it again."
        )
        raise ApiError(400, "vector_store_expired", message)
    return row


def store_op(store_id: str, now: int, clash: Clash | None = None, **fields: Value) -> Op:
    """What makes a vector store; fields that are left out are null."""
    empty: dict[str, Value] = dict.fromkeys(("name", "description", "expires_days", "vectors"))
    return Op("store_insert", {"id": store_id, "now": now, **empty, "meta_data": "{}", **fields}, clash=clash)


def counts_of(row: Row) -> dict[str, int]:
    """How many files of a store, or of a batch, stand where."""
    counts = {name: getattr(row, name) for name in get_args(StoreFileStatus)}
    return {**counts, "total": sum(counts.values())}


def attach_op(store_id: str, file: StoreFileFields, now: int) -> Op:
    """What puts a file into a store, to be read."""
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
    return Op("store_file_attach", params, missing=Missing("file", file.file_id))


def see_embedded(store: Row) -> None:
    """See that the server reads the files of a store.

    Raises:
        ApiError: 400, its owner brings the vectors.
    """
    if store.vectors is not None:
        message = "You bring the vectors of this store: POST the chunks of the file to its /vectors."
        raise ApiError(400, "invalid_state", message)


def unavailable() -> ApiError:
    """503: nothing can be searched, nor filled, now."""
    return ApiError(503, "index_unavailable", "The index cannot be used now; nothing was changed. Try again.")


async def find_file(view: View, store_id: str, file_id: str) -> Row:
    """The row of a file of one of the caller's stores.

    Raises:
        ApiError: 404.
    """
    row = await view.one("store_file", store_id=store_id, file_id=file_id)
    if row is None:
        raise await absent(view, store_id, file_id)
    return row


async def absent(view: View, store_id: str, file_id: str) -> Missing:
    """What is missing where this file of this store is."""
    if await view.one("store", id=store_id) is None:
        return Missing("vector_store", store_id)
    return Missing("vector_store_file", file_id)
