"""Messages: what is said in a thread, in the order of their sequence."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from projectdavid.protocol.assistants import JsonObject, PlatformToolType
from projectdavid.protocol.base import NO_NUL, Answer, Id, LongText, LooseMetaData, Request


def _fold_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Role = Literal["user", "assistant", "system", "platform", "tool"]


class TextBlock(Request):
    """A piece of text."""

    type: Literal["text"]
    text: LongText


IMAGE_PATTERN = r"^(https://|data:image/)[^\x00-\x20]+$"


class ImageUrl(Request):
    """Where an image is: an https URL, or the image itself as a `data:` URL."""

    url: Annotated[str, StringConstraints(min_length=1, max_length=20_000_000, pattern=IMAGE_PATTERN)]
    detail: Literal["auto", "low", "high"] = "auto"


class ImageBlock(Request):
    """An image for models that see."""

    type: Literal["image_url"]
    image_url: ImageUrl


class ImageFile(Request):
    """An image among one's files."""

    file_id: Id
    detail: Literal["auto", "low", "high"] = "auto"


class ImageFileBlock(Request):
    """The same, where it is one of one's files."""

    type: Literal["image_file"]
    image_file: ImageFile


Block = Annotated[TextBlock | ImageBlock | ImageFileBlock, Field(discriminator="type")]
Content = LongText | Annotated[list[Block], Field(min_length=1, max_length=100, fail_fast=True)]


class AttachmentTool(Request):
    """A tool that is to have a file."""

    type: PlatformToolType


class Attachment(Request):
    """A file that belongs to a message; `type` is a word of yours, by default `image` or `file`."""

    type: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    file_id: Id
    tools: Annotated[list[AttachmentTool], Field(max_length=4, fail_fast=True)] | None = None


class MessageFields(Request):
    """What all messages may have."""

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
    """The body that adds a message to a thread; one of role `tool` answers the call of the action `tool_id`."""

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
    """The body that updates a message; what was said cannot change."""

    meta_data: LooseMetaData


class FileCitation(Answer):
    """A place in a file of a vector store: `quote` stands there from its character `start` up to before `end`.

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
    """A page of the web that was found or read."""

    url: str
    title: str = ""


class FilePath(Answer):
    """A file that a call made, which the text names by its path in the sandbox."""

    file_id: str


class Annotation(Answer):
    """What a message cites: `text`, in its content from `start_index` up to before `end_index`, refers to it."""

    type: str
    text: str
    start_index: int
    end_index: int
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
    """A message as a model would see it (chat-completions words)."""

    role: str
    content: str | list[JsonObject] | None
    tool_calls: list[JsonObject] | None = None
    tool_call_id: str | None = None
