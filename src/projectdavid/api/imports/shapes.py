"""The imported part of each kind of object, validated with the types of the OpenAI dialect.

Ids are those of the source; a reference can be any text.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from projectdavid.protocol.assistants import ModelName
from projectdavid.protocol.base import NO_NUL, WHOLE, LongText, MetaData, Request
from projectdavid.protocol.files import PURPOSE_PATTERN
from projectdavid.protocol.imports import SourceId
from projectdavid.protocol.messages import ImageBlock, TextBlock
from projectdavid.protocol.model_options import ModelOptions, SamplingOptions
from projectdavid.protocol.openai.assistants import Description, Name, ResponseFormat, Tools
from projectdavid.protocol.openai.threads import OpenAIAttachmentTool
from projectdavid.protocol.vector_stores import Attributes, ChunkingStrategy, ExpiresAfter

Seconds = Annotated[int, Field(ge=0, le=253_402_300_799), WHOLE]
"""A time, in Unix seconds, up to the year 9999."""
CODE_FILES = 20
SEARCHED_STORES = 16


class ImportShape(Request):
    """An object of the source."""

    id: SourceId
    created_at: Seconds


class ToolResourcesShape(Request):
    """`tool_resources`: files for code, and vector stores to search."""

    file_ids: Annotated[list[SourceId], Field(max_length=CODE_FILES, fail_fast=True)] = []
    vector_store_ids: Annotated[list[SourceId], Field(max_length=SEARCHED_STORES, fail_fast=True)] = []


class AssistantShape(ImportShape, SamplingOptions, ModelOptions):
    """An assistant with the tools that this platform supports."""

    model: ModelName
    name: Name | None = None
    description: Description | None = None
    instructions: LongText | None = None
    tools: Tools = []
    tool_resources: ToolResourcesShape = ToolResourcesShape()
    metadata: MetaData | None = None
    response_format: ResponseFormat | None = None


class ThreadShape(ImportShape):
    """A thread without its messages."""

    metadata: MetaData | None = None
    tool_resources: ToolResourcesShape = ToolResourcesShape()


class FileReference(Request):
    """A file of the source."""

    file_id: SourceId
    detail: Literal["auto", "low", "high"] = "auto"


class ImageFileShape(Request):
    """An image stored as a file of the source."""

    type: Literal["image_file"]
    image_file: FileReference


class RefusalShape(Request):
    """The refusal of a model."""

    type: Literal["refusal"]
    refusal: LongText


Part = Annotated[TextBlock | ImageBlock | ImageFileShape | RefusalShape, Field(discriminator="type")]


class AnnotationShape(Request):
    """A citation or file path in the text of part `part` of a message."""

    type: Literal["file_citation", "file_path", "url_citation"]
    text: Annotated[str, StringConstraints(max_length=4096, pattern=NO_NUL)]
    start_index: Annotated[int, Field(ge=0, le=10**9), WHOLE]
    end_index: Annotated[int, Field(ge=0, le=10**9), WHOLE]
    part: Annotated[int, Field(ge=0)] = 0
    file_id: SourceId | None = None
    quote: LongText = ""
    url: Annotated[str, StringConstraints(max_length=4096, pattern=NO_NUL)] = ""
    title: Annotated[str, StringConstraints(max_length=4096, pattern=NO_NUL)] = ""


class AttachmentShape(Request):
    """A file attached for tools."""

    file_id: SourceId
    tools: Annotated[list[OpenAIAttachmentTool], Field(max_length=4, fail_fast=True)] = []


class ImportedMessage(ImportShape):
    """A message. `images` are shown before its text; images of users are in their content."""

    thread_id: SourceId
    role: Literal["user", "assistant"]
    content: LongText | Annotated[list[Part], Field(max_length=100, fail_fast=True)]
    annotations: Annotated[list[AnnotationShape], Field(max_length=1000, fail_fast=True)] = []
    attachments: Annotated[list[AttachmentShape], Field(max_length=100, fail_fast=True)] = []
    images: Annotated[list[SourceId], Field(max_length=100, fail_fast=True)] = []
    metadata: MetaData | None = None
    assistant_id: SourceId | None = None
    run_id: SourceId | None = None
    reason: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    """The reason why it is incomplete."""


class StoreShape(ImportShape):
    """A vector store without its files."""

    name: Name | None = None
    description: Description | None = None
    metadata: MetaData | None = None
    expires_after: ExpiresAfter | None = None
    expired: bool = False


class StoreFileShape(ImportShape):
    """A file of a vector store; `file_id` is the file, `id` is both ids combined."""

    file_id: SourceId
    vector_store_id: SourceId
    attributes: Attributes | None = None
    chunking_strategy: ChunkingStrategy | None = None


def _check_size(size: int) -> int:
    if size > 2**53:
        raise ValueError("expected the size of a file in bytes")
    return size


class FileShape(ImportShape):
    """A file; its bytes follow."""

    filename: Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=NO_NUL)]
    purpose: Annotated[str, StringConstraints(pattern=PURPOSE_PATTERN)] = "assistants"
    bytes: Annotated[int, Field(ge=0), WHOLE, AfterValidator(_check_size)] = 0
    expires_at: Seconds | None = None
