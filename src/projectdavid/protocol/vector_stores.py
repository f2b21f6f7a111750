"""Requests about vector stores: searchable files of an owner."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from projectdavid.protocol.assistants import JsonObject, SearchRanking
from projectdavid.protocol.base import (
    NO_NUL,
    WHOLE,
    Id,
    LooseMetaData,
    MetaKey,
    MetaText,
    Request,
    ShortText,
)

DAY = 86_400
CHUNK_TOKENS = 800
OVERLAP_TOKENS = 400
MANY_FILES = 500
BATCH_FILES = 2000
QUERY_LENGTH = 4096
"""Characters per query."""
VECTOR_SIZE = 8192

Scalar = MetaText | int | float | bool
Attributes = Annotated[
    dict[MetaKey, Scalar], Field(max_length=16, json_schema_extra={"additionalProperties": False}, fail_fast=True)
]
"""At most 16 pairs for filters of searches; strings have at most 512 characters."""
FilePath = Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)]


class ExpiresAfter(Request):
    """Expiry of a store: a number of days after its last use."""

    anchor: Literal["last_active_at"] = "last_active_at"
    days: Annotated[int, Field(ge=1, le=365), WHOLE]


class StaticChunks(Request):
    """Maximum tokens of a chunk, and the tokens that it shares with the next one."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096), WHOLE]
    chunk_overlap_tokens: Annotated[int, Field(ge=0, le=2048), WHOLE]

    @model_validator(mode="after")
    def _overlaps(self) -> Self:
        if self.chunk_overlap_tokens > self.max_chunk_size_tokens // 2:
            raise ValueError("expected chunk_overlap_tokens to be at most half of max_chunk_size_tokens")
        return self


class AutoChunking(Request):
    """Chunks of 800 tokens that overlap by 400."""

    type: Literal["auto"]


class StaticChunking(Request):
    """Chunks of a chosen size."""

    type: Literal["static"]
    static: StaticChunks


ChunkingStrategy = Annotated[AutoChunking | StaticChunking, Field(discriminator="type")]


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


class VectorStoreCreate(Request):
    """The body that creates a vector store.

    With `vector_size`, you upload the vectors yourself, as clients of the Project David wire do.
    """

    name: ShortText | None = None
    description: ShortText | None = None
    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES, fail_fast=True)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    expires_after: ExpiresAfter | None = None
    meta_data: LooseMetaData | None = None
    shared_id: Id | None = None
    """An id of your choice."""
    vector_size: Annotated[int, Field(ge=1, le=VECTOR_SIZE), WHOLE] | None = None
    distance_metric: Annotated[Literal["COSINE"], BeforeValidator(_upper)] = "COSINE"
    config: JsonObject | None = None
    """Accepted for clients of the Project David wire."""


class VectorStoreUpdate(Request):
    """The body that updates a vector store: only the given fields change; `meta_data` is merged."""

    name: ShortText | None = None
    description: ShortText | None = None
    expires_after: ExpiresAfter | None = None
    meta_data: LooseMetaData | None = None


class StoreFileFields(Request):
    """A file for a vector store, and how it is split into chunks."""

    file_id: Id
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None
    file_path: FilePath | None = None
    """Its origin, as free text."""


class StoreFileCreate(StoreFileFields):
    """The body that adds a file to a vector store; it is ingested in the background."""

    file_name: Annotated[str, StringConstraints(max_length=256, pattern=NO_NUL)] | None = None
    """Accepted for clients of the Project David wire; the name of the upload applies."""
    status: str | None = None
    meta_data: Attributes | None = None
    """Alias of `attributes`."""


class StoreFileUpdate(Request):
    """The body that replaces the attributes of a file in a vector store."""

    attributes: Attributes


class StoreFileMark(Request):
    """The body with which clients of the Project David wire set the status of a file whose vectors they upload."""

    status: Annotated[str, StringConstraints(max_length=64)]
    error_message: Annotated[str, StringConstraints(max_length=1024, pattern=NO_NUL)] | None = None


class FileBatchCreate(Request):
    """The body that adds files to a vector store: `file_ids`, or `files` with individual options."""

    file_ids: Annotated[list[Id], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None = None
    files: Annotated[list[StoreFileFields], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


def _not_zero(numbers: list[float]) -> list[float]:
    if not any(numbers):
        raise ValueError("expected a vector other than the zero vector")
    return numbers


Vector = Annotated[list[float], Field(min_length=1, max_length=VECTOR_SIZE, fail_fast=True), AfterValidator(_not_zero)]
QueryText = Annotated[str, StringConstraints(min_length=1, max_length=QUERY_LENGTH, pattern=NO_NUL)]


class VectorStoreSearch(Request):
    """The body that searches a vector store: by `query`, or by `query_vector` if you upload the vectors."""

    query: QueryText | None = None
    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] = 10
    filters: JsonObject | None = None
    ranking_options: SearchRanking | None = None
    query_vector: Vector | None = None
    top_k: Annotated[int, Field(ge=1, le=50), WHOLE] | None = None
    """Alias of `max_num_results`."""
    vector_field: str | None = None
    """Accepted for clients of the Project David wire."""


class BroughtFile(Request):
    """The file that uploaded chunks belong to; you choose its id."""

    file_id: Id
    file_name: Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_NUL)]
    file_path: FilePath | None = None
    status: str | None = None
    meta_data: Annotated[JsonObject, Field(max_length=64)] | None = None


class BroughtVectors(Request):
    """The body that uploads the chunks of a file with their vectors, replacing existing ones."""

    texts: Annotated[
        list[Annotated[str, StringConstraints(max_length=65_536, pattern=NO_NUL)]],
        Field(min_length=1, max_length=10_000, fail_fast=True),
    ]
    vectors: Annotated[list[Vector], Field(min_length=1, max_length=10_000, fail_fast=True)]
    metadata: Annotated[list[JsonObject], Field(max_length=10_000, fail_fast=True)] | None = None
    file: BroughtFile

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if len(self.texts) != len(self.vectors) or (self.metadata and len(self.metadata) != len(self.texts)):
            raise ValueError("expected 'texts', 'vectors' and 'metadata' to have the same length")
        return self
