"""Vector stores, their files and searches."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

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


def _as_auto(given: Any) -> Any:
    """Read `other`, which the service returned for files with an unknown chunk size, as `auto`."""
    return {"type": "auto"} if given == {"type": "other"} else given


GivenChunking = Annotated[ChunkingStrategy, BeforeValidator(_as_auto)]


class OpenAIVectorStoreCreate(Request):
    """The body that creates a vector store."""

    name: Name | None = None
    description: Description | None = None
    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES, fail_fast=True)] = []
    expires_after: ExpiresAfter | None = None
    chunking_strategy: GivenChunking | None = None
    metadata: MetaData | None = None


class OpenAIVectorStoreUpdate(Request):
    """The body that changes a vector store; omitted fields keep their values."""

    name: Name | None = None
    expires_after: ExpiresAfter | None = None
    metadata: MetaData | None = None


class OpenAIStoreFileCreate(Request):
    """The body that adds a file to a vector store."""

    file_id: Id
    chunking_strategy: GivenChunking | None = None
    attributes: Attributes | None = None


class OpenAIStoreFileUpdate(Request):
    """The body that replaces the attributes of a file in a vector store."""

    attributes: Attributes | None


def _only(name: str, other: str) -> JsonObject:
    """Return a schema that requires one field and forbids the other."""
    return {"required": [name], "properties": {name: {"type": "array"}, other: {"type": "null"}}}


class OpenAIFileBatchCreate(Request):
    """The body that adds files to a vector store: `file_ids`, or `files` with individual options."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_only("file_ids", "files"), _only("files", "file_ids")]})

    file_ids: Annotated[list[Id], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None = None
    files: (
        Annotated[list[OpenAIStoreFileCreate], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None
    ) = None
    chunking_strategy: GivenChunking | None = None
    attributes: Attributes | None = None


class OpenAISearchRanking(Request):
    """Minimum score and ranker of search results."""

    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


Value = str | int | float | bool
MOST_FILTERS = 256
MOST_VALUES = MOST_FILTERS - 1
"""Limit of each list, for the API description. `engine/filters.py` counts all comparisons together."""


class OpenAIEqualFilter(Request):
    """Files with an attribute equal, or not equal, to a value."""

    type: Literal["eq", "ne"]
    key: str
    value: Value


class OpenAIOrderFilter(Request):
    """Files with an attribute less or greater than a value."""

    type: Literal["gt", "gte", "lt", "lte"]
    key: str
    value: str | int | float


class OpenAIAmongFilter(Request):
    """Files with an attribute in, or not in, a list of values."""

    type: Literal["in", "nin"]
    key: str
    value: Annotated[list[Value], Field(max_length=MOST_VALUES, fail_fast=True)]


class OpenAICompoundFilter(Request):
    """Files that match all filters, or at least one."""

    type: Literal["and", "or"]
    filters: "Annotated[list[Filter], Field(min_length=1, max_length=MOST_FILTERS, fail_fast=True)]"


Filter = Annotated[
    OpenAIEqualFilter | OpenAIOrderFilter | OpenAIAmongFilter | OpenAICompoundFilter, Field(discriminator="type")
]


class OpenAIVectorStoreSearch(Request):
    """The body that searches a vector store."""

    query: QueryText | Annotated[list[QueryText], Field(min_length=1, max_length=16, fail_fast=True)]
    rewrite_query: bool = False
    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] = 10
    filters: Filter | None = None
    ranking_options: OpenAISearchRanking | None = None
