"""Responses of the OpenAI dialect about files, uploads and vector stores."""

from typing import Annotated, Any, Literal

from pydantic import Field

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer
from projectdavid.protocol.vector_answers import FileCounts


def _is_empty(value: list[str]) -> bool:
    return not value


class OpenAIFile(Answer):
    """A file."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["uploaded", "processed", "error"]
    status_details: str | None


class OpenAIUpload(Answer):
    """An upload in parts; `file` is set when it is completed."""

    id: str
    object: Literal["upload"]
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Literal["pending", "completed", "cancelled", "expired"]
    expires_at: int
    file: OpenAIFile | None


class OpenAIUploadPart(Answer):
    """A part of an upload."""

    id: str
    object: Literal["upload.part"]
    created_at: int
    upload_id: str


class OpenAIVectorStore(Answer):
    """A vector store."""

    id: str
    object: Literal["vector_store"]
    created_at: int
    name: str
    description: str | None
    usage_bytes: int
    file_counts: FileCounts
    status: Literal["expired", "in_progress", "completed"]
    expires_after: JsonObject | None
    expires_at: int | None
    last_active_at: int | None
    metadata: dict[str, str]


class OpenAIStoreFile(Answer):
    """A file of a vector store; its id is that of the file."""

    id: str
    object: Literal["vector_store.file"]
    usage_bytes: int
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    last_error: JsonObject | None
    chunking_strategy: JsonObject
    attributes: dict[str, Any]
    warnings: list[str] = Field(default=[], exclude_if=_is_empty)
    """Warnings about the file's content in the index; omitted if empty."""


class OpenAIFileBatch(Answer):
    """Files that were added to a vector store together."""

    id: str
    object: Literal["vector_store.files_batch"]
    created_at: int
    vector_store_id: str
    status: Literal["in_progress", "completed", "cancelled", "failed"]
    file_counts: FileCounts


class OpenAIContentPart(Answer):
    """A block of text."""

    type: Literal["text"]
    text: str


class OpenAIFileContent(Answer):
    """The text of a file of a vector store."""

    object: Literal["vector_store.file_content.page"]
    data: list[OpenAIContentPart]
    has_more: bool
    next_page: str | None


class OpenAISearchResult(Answer):
    """A matching passage of a file."""

    file_id: str
    filename: str
    score: Annotated[float, Field(ge=0, le=1)]
    attributes: dict[str, Any]
    content: list[OpenAIContentPart]


class OpenAISearchPage(Answer):
    """Search results, best first."""

    object: Literal["vector_store.search_results.page"]
    search_query: list[str]
    data: list[OpenAISearchResult]
    has_more: bool
    next_page: str | None
