"""Records of vector stores, their files and the index."""

from typing import NamedTuple


class VectorStoreRow(NamedTuple):
    """A vector store with the counts of its files; `size` is in bytes."""

    n: int
    id: str
    owner: str
    name: str | None
    description: str | None
    created_at: int
    updated_at: int
    last_active_at: int
    expires_days: int | None
    expired_at: int | None
    meta_data: str
    vectors: str | None
    files: int
    revision: int
    in_progress: int
    completed: int
    failed: int
    cancelled: int
    size: int


class NamedStoreRow(NamedTuple):
    """A vector store that a request names."""

    n: int
    id: str
    owner: str
    name: str | None
    description: str | None
    created_at: int
    updated_at: int
    last_active_at: int
    expires_days: int | None
    expired_at: int | None
    meta_data: str
    vectors: str | None
    files: int
    revision: int
    in_progress: int


class VectorStoreFileRow(NamedTuple):
    """A file of a vector store."""

    n: int
    store: int
    file_id: str
    name: str
    path: str | None
    status: str
    error_code: str | None
    error: str | None
    attributes: str
    chunk_tokens: int
    overlap_tokens: int
    version: str | None
    space: str | None
    chunks: int
    size: int
    done: int
    total: int
    attempts: int
    lease: str | None
    lease_until: float | None
    next_at: float
    stale: int
    given: str | None
    created_at: int
    ended_at: int | None
    crashes: int
    owner_id: str
    revision: int
    warnings: str
    store_id: str
    owner: str


class IngestFileRow(NamedTuple):
    """A file of a vector store that waits for ingest; the last four columns are None if the file was deleted."""

    n: int
    store: int
    file_id: str
    name: str
    path: str | None
    status: str
    error_code: str | None
    error: str | None
    attributes: str
    chunk_tokens: int
    overlap_tokens: int
    version: str | None
    space: str | None
    chunks: int
    size: int
    done: int
    total: int
    attempts: int
    lease: str | None
    lease_until: float | None
    next_at: float
    stale: int
    given: str | None
    created_at: int
    ended_at: int | None
    crashes: int
    owner_id: str
    revision: int
    warnings: str
    owner: str
    blob: str | None
    sha256: str | None
    bytes: int | None
    filename: str | None


class FileBatchRow(NamedTuple):
    """A batch of files with the counts of their states."""

    n: int
    id: str
    created_at: int
    cancelled_at: int | None
    store_id: str
    in_progress: int
    completed: int
    failed: int
    cancelled: int


class FileAttributesRow(NamedTuple):
    """The attributes of a file, a JSON object."""

    n: int
    attributes: str


class IndexedFileRow(NamedTuple):
    """The version of a file that the index should have."""

    n: int
    version: str | None


class SearchableFileRow(NamedTuple):
    """A file that a search can return."""

    n: int
    file_id: str
    name: str
    attributes: str
    given: str | None
    store_id: str


class IndexRemovalRow(NamedTuple):
    """The number of a file that the index must still delete."""

    file: int
