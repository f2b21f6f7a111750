"""What the server answers about vector stores."""

from typing import Literal

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer

StoreFileStatus = Literal["in_progress", "completed", "failed", "cancelled"]


class FileCounts(Answer):
    """How many files stand where."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class VectorStore(Answer):
    """A vector store. `search_mode` is how it is searched: `lexical` by words, `hybrid` by words and meanings."""

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
    """Why a file could not be read."""

    code: str
    message: str


class Progress(Answer):
    """How much of a file is read: `done` of `total` chunks; `total` is 0 until that is known."""

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
    meta_data: JsonObject | None = None


class BroughtAnswer(Answer):
    """The file whose chunks were brought."""

    file: VectorStoreFile


class FileBatch(Answer):
    """Many files that were put into a vector store together."""

    id: str
    object: Literal["vector_store.files_batch"] = "vector_store.files_batch"
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    file_counts: FileCounts


class StoredChunk(Answer):
    """A chunk of a file: its text, and where it stands; lines and pages are counted from 1, characters from 0."""

    position: int
    text: str
    start: int
    end: int
    first_line: int
    last_line: int
    first_page: int | None = None
    last_page: int | None = None


class ContentText(Answer):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: str


class SearchResult(Answer):
    """A chunk that was found; `score` is between 0 and 1, and means something beside the others of the same search."""

    file_id: str
    filename: str
    score: float
    attributes: JsonObject = {}
    content: list[ContentText]
    chunk: StoredChunk


class SearchResults(Answer):
    """What was found, the best first. `remarks` say what is missing: files that are still being read, for example."""

    object: Literal["vector_store.search_results.page"] = "vector_store.search_results.page"
    search_query: list[str]
    search_mode: Literal["lexical", "hybrid"]
    data: list[SearchResult]
    remarks: list[str] = []
    incomplete: bool = False
    """Whether files of the store are not searched yet."""
    has_more: bool = False
    next_page: str | None = None
