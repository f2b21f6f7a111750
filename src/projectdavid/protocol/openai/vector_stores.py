"""Vector stores."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import NO_NUL, WHOLE, Id, MetaData, Request
from projectdavid.protocol.vector_stores import (
    BATCH_FILES,
    MANY_FILES,
    Attributes,
    ChunkingStrategy,
    ExpiresAfter,
    QueryText,
)

Name = Annotated[str, StringConstraints(max_length=256, pattern=NO_NUL)]
Description = Annotated[str, StringConstraints(max_length=512, pattern=NO_NUL)]


class VectorStoreCreate(Request):
    """The body that creates a vector store."""

    name: Name | None = None
    description: Description | None = None
    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES)] = []
    expires_after: ExpiresAfter | None = None
    chunking_strategy: ChunkingStrategy | None = None
    metadata: MetaData | None = None


class VectorStoreUpdate(Request):
    """The body that changes a vector store: what is left out stays."""

    name: Name | None = None
    expires_after: ExpiresAfter | None = None
    metadata: MetaData | None = None


class StoreFileCreate(Request):
    """The body that puts a file into a vector store."""

    file_id: Id
    chunking_strategy: ChunkingStrategy | None = None
    attributes: Attributes | None = None


class StoreFileUpdate(Request):
    """The body that describes a file of a vector store anew."""

    attributes: Attributes | None


class FileBatchCreate(Request):
    """The body that puts many files into a vector store: `file_ids`, or `files` with what is special to each."""

    file_ids: Annotated[list[Id], Field(min_length=1, max_length=BATCH_FILES)] | None = None
    files: Annotated[list[StoreFileCreate], Field(min_length=1, max_length=BATCH_FILES)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    attributes: Attributes | None = None


class SearchRanking(Request):
    """Which results are good enough."""

    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


class VectorStoreSearch(Request):
    """The body that searches a vector store."""

    query: QueryText | Annotated[list[QueryText], Field(min_length=1, max_length=16)]
    rewrite_query: bool = False
    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] = 10
    filters: JsonObject | None = None
    ranking_options: SearchRanking | None = None
