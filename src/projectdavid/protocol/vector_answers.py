"""Responses about vector stores."""

from typing import Literal

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer

StoreFileStatus = Literal["in_progress", "completed", "failed", "cancelled"]


class FileCounts(Answer):
    """Number of files by status."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class VectorStore(Answer):
    """A vector store. `search_mode` is `lexical` (by words) or `hybrid` (by words and meaning)."""

    id: str
    object: Literal["vector_store"] = "vector_store"
    created_at: int
    updated_at: int | None = None
    last_active_at: int | None = None
    expires_at: int | None = None
    expires_after: JsonObject | None = None
    name: str = ""
    description: str | None = None
    status: Literal["in_progress", "completed", "expired"]
    usage_bytes: int = 0
    file_counts: FileCounts
    search_mode: Literal["lexical", "hybrid"] = "lexical"
    meta_data: JsonObject = {}
    user_id: str | None = None
    collection_name: str = ""
    vector_size: int = 0
    distance_metric: str = "COSINE"
    config: JsonObject | None = None
    file_count: int = 0


class StoreFileError(Answer):
    """The reason why a file could not be ingested."""

    code: str
    message: str


class Progress(Answer):
    """Progress of the ingest: `done` of `total` chunks; `total` is 0 until it is known."""

    done: int
    total: int


class VectorStoreFile(Answer):
    """A file of a vector store; its id is that of the file."""

    id: str
    object: Literal["vector_store.file"] = "vector_store.file"
    created_at: int
    vector_store_id: str
    filename: str
    status: StoreFileStatus
    last_error: StoreFileError | None = None
    progress: Progress
    chunks: int = 0
    usage_bytes: int = 0
    attributes: JsonObject = {}
    chunking_strategy: JsonObject | None = None
    completed_at: int | None = None
    file_name: str = ""
    file_path: str = ""
    processed_at: int | None = None
    error_message: str | None = None
    warnings: list[str] = []
    """Warnings about a file that was ingested, for example text that was lost."""
    meta_data: JsonObject | None = None


class BroughtAnswer(Answer):
    """The file whose chunks were uploaded."""

    file: VectorStoreFile


class FileBatch(Answer):
    """Files that were added to a vector store together."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    file_counts: FileCounts


class StoredChunk(Answer):
    """A chunk of a file: its text and position. Lines and pages are counted from 1, characters from 0."""

    position: int
    text: str
    start: int
    end: int
    first_line: int
    last_line: int
    first_page: int | None = None
    last_page: int | None = None
    header: str = ""
    """The column names, if it starts within the rows of a table."""


class ContentText(Answer):
    """A block of text."""

    type: Literal["text"] = "text"
    text: str


class SearchResult(Answer):
    """A matching chunk; `score` is between 0 and 1, and comparable only within one search."""

    file_id: str
    filename: str
    score: float
    attributes: JsonObject = {}
    content: list[ContentText]
    chunk: StoredChunk


class SearchResults(Answer):
    """Search results, best first. `remarks` report what is missing, such as files that are still being ingested."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    search_mode: Literal["lexical", "hybrid"]
    data: list[SearchResult]
    remarks: list[str] = []
    incomplete: bool = False
    """Whether some files of the store cannot be searched yet."""
    has_more: bool = False
    next_page: str | None = None
