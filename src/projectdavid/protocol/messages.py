"""Messages of a thread, ordered by sequence number."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import NO_NUL, Answer, Id, LongText, LooseMetaData, Request


def _fold_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Role = Literal["user", "assistant", "system", "platform", "tool"]


class TextBlock(Request):
    """A block of text."""

    type: Literal["text"]
    text: LongText


IMAGE_PATTERN = r"^(https://|data:image/)[^\x00-\x20]+$"


class ImageUrl(Request):
    """An image: an https URL, or the image itself as a `data:` URL."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=20_000_000, pattern=IMAGE_PATTERN)]
    detail: Literal["auto", "low", "high"] = "auto"


class ImageBlock(Request):
    """An image for vision models."""

    type: Literal["image_url"]
    image_url: ImageUrl


class ImageFile(Request):
    """An image stored as a file."""

    file_id: Id
    detail: Literal["auto", "low", "high"] = "auto"


class ImageFileBlock(Request):
    """An image block that refers to a file."""

    type: Literal["image_file"]
    image_file: ImageFile


Block = Annotated[TextBlock | ImageBlock | ImageFileBlock, Field(discriminator="type")]
MOST_PARTS = 128
"""Maximum number of blocks: more than the images and the text that a run's answer can have."""
Content = LongText | Annotated[list[Block], Field(min_length=1, max_length=MOST_PARTS, fail_fast=True)]


class AttachmentTool(Request):
    """A tool that can use the attached file, by its registered name."""

    type: str


class Attachment(Request):
    """A file of a message; `type` is a label of your choice, by default `image` or `file`."""

    type: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    file_id: Id
    tools: Annotated[list[AttachmentTool], Field(max_length=4, fail_fast=True)] | None = None


class MessageFields(Request):
    """Fields of all messages."""

    thread_id: Id
    content: Content
    role: Annotated[Role, BeforeValidator(_fold_case)] = "user"
    assistant_id: Id | None = None
    sender_id: Id | None = None
    tool_call_id: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    meta_data: LooseMetaData | None = None
    attachments: Annotated[list[Attachment], Field(max_length=100, fail_fast=True)] | None = None
    is_last_chunk: bool = False


class MessageCreate(MessageFields):
    """The body that adds a message to a thread. With the role `tool`, it answers the call of the action `tool_id`."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"role": {"const": "tool"}}, "required": ["role"]},
            "then": {"properties": {"tool_id": {"type": "string"}}, "required": ["tool_id"]},
        }
    )

    tool_id: Id | None = None


class ToolMessageCreate(MessageFields):
    """The body that answers the call of the action `tool_id`."""

    tool_id: Id


class MessageUpdate(Request):
    """The body that updates a message; its content cannot change."""

    meta_data: LooseMetaData


class FileCitation(Answer):
    """A passage of a file in a vector store: `quote` is its text from character `start` up to, but not including,
    `end`.

    Characters are counted from 0, lines and pages from 1.
    """

    file_id: str
    filename: str = ""
    vector_store_id: str = ""
    quote: str = ""
    page: int | None = None
    first_line: int | None = None
    last_line: int | None = None
    start: int | None = None
    end: int | None = None


class UrlCitation(Answer):
    """A web page that was found or read."""

    url: str
    title: str = ""


class FilePath(Answer):
    """A file created by a call, which the text names by its path in the sandbox."""

    file_id: str


class Annotation(Answer):
    """A citation: `text`, in the content from `start_index` up to, but not including, `end_index`, refers to it."""

    type: str
    text: str
    start_index: int
    end_index: int
    part: int = 0
    """The index of the part that contains `text`, if the content is a list."""
    file_citation: FileCitation | None = None
    url_citation: UrlCitation | None = None
    file_path: FilePath | None = None


class Message(Answer):
    """A message."""

    id: str
    object: Literal["message"] = "message"
    created_at: int
    thread_id: str
    role: Role
    content: str | list[JsonObject]
    status: Literal["in_progress", "completed", "incomplete"] = "completed"
    incomplete_details: JsonObject | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    assistant_id: str | None = None
    sender_id: str | None = None
    run_id: str | None = None
    tool_id: str | None = None
    tool_call_id: str | None = None
    reasoning: str | None = None
    attachments: list[JsonObject] = []
    annotations: list[Annotation] = []
    meta_data: JsonObject = {}


class FormattedMessage(Answer):
    """A message as a model receives it (chat-completions format)."""

    role: str
    content: str | list[JsonObject] | None
    tool_calls: list[JsonObject] | None = None
    tool_call_id: str | None = None
