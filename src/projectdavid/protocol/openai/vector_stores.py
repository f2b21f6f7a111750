"""Vector stores."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

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
    file_ids: Annotated[list[Id], Field(max_length=MANY_FILES, fail_fast=True)] = []
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


def _only(name: str, other: str) -> JsonObject:
    """A schema of what has one field, and not the other."""
    return {"required": [name], "properties": {name: {"type": "array"}, other: {"type": "null"}}}


class FileBatchCreate(Request):
    """The body that puts many files into a vector store: `file_ids`, or `files` with what is special to each."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_only("file_ids", "files"), _only("files", "file_ids")]})

    file_ids: Annotated[list[Id], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None = None
    files: Annotated[list[StoreFileCreate], Field(min_length=1, max_length=BATCH_FILES, fail_fast=True)] | None = None
    chunking_strategy: ChunkingStrategy | None = None
    attributes: Attributes | None = None


class SearchRanking(Request):
    """Which results are good enough."""

    ranker: Literal["none", "auto", "default-2024-11-15"] | None = None
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


Value = str | int | float | bool
MOST_FILTERS = 256
MOST_VALUES = MOST_FILTERS - 1
"""Bounds of each list, for the description; `engine/filters.py` counts what there is in all, a comparison as one."""


class EqualFilter(Request):
    """Files of which an attribute is, or is not, a value."""

    type: Literal["eq", "ne"]
    key: str
    value: Value


class OrderFilter(Request):
    """Files of which an attribute is in front of a value, or behind it."""

    type: Literal["gt", "gte", "lt", "lte"]
    key: str
    value: str | int | float


class AmongFilter(Request):
    """Files of which an attribute is, or is not, among values."""

    type: Literal["in", "nin"]
    key: str
    value: Annotated[list[Value], Field(max_length=MOST_VALUES, fail_fast=True)]


class CompoundFilter(Request):
    """Files that pass all filters, or one of them."""

    type: Literal["and", "or"]
    filters: "Annotated[list[Filter], Field(min_length=1, max_length=MOST_FILTERS, fail_fast=True)]"


Filter = Annotated[EqualFilter | OrderFilter | AmongFilter | CompoundFilter, Field(discriminator="type")]


class VectorStoreSearch(Request):
    """The body that searches a vector store."""

    query: QueryText | Annotated[list[QueryText], Field(min_length=1, max_length=16, fail_fast=True)]
    rewrite_query: bool = False
    max_num_results: Annotated[int, Field(ge=1, le=50), WHOLE] = 10
    filters: Filter | None = None
    ranking_options: SearchRanking | None = None
