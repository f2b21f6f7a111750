"""Threads and messages."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from projectdavid.protocol.base import Id, LongText, MetaData, Request
from projectdavid.protocol.messages import MOST_PARTS, ImageBlock, ImageFileBlock, TextBlock
from projectdavid.protocol.openai.assistants import OpenAINewToolResources, OpenAIToolResources

MOST_MESSAGES = 10_000
"""Messages in the body of a new thread or run."""


def _text(given: Any) -> Any:
    """Accept the text of a part in the form in which messages return it, `{"value", "annotations"}`."""
    if isinstance(given, dict) and isinstance(given.get("value"), str) and given.keys() <= {"value", "annotations"}:
        return given["value"]
    return given


class OpenAITextPart(TextBlock):
    """A block of text."""

    text: Annotated[LongText, BeforeValidator(_text)]


Part = Annotated[OpenAITextPart | ImageBlock | ImageFileBlock, Field(discriminator="type")]
Content = LongText | Annotated[list[Part], Field(min_length=1, max_length=MOST_PARTS, fail_fast=True)]


class OpenAIAttachmentTool(Request):
    """A tool that can use the attached file."""

    type: Literal["code_interpreter", "file_search"]


class OpenAIAttachment(Request):
    """A file of a message."""

    file_id: Id
    tools: Annotated[list[OpenAIAttachmentTool], Field(max_length=4, fail_fast=True)] = []


class OpenAIMessageCreate(Request):
    """The body that adds a message."""

    role: Literal["user", "assistant"]
    content: Content
    attachments: Annotated[list[OpenAIAttachment], Field(max_length=100, fail_fast=True)] | None = None
    metadata: MetaData | None = None


class OpenAIMetadataUpdate(Request):
    """The body that changes the metadata of a message or a run."""

    metadata: MetaData | None = None


class OpenAIThreadCreate(Request):
    """The body that creates a thread."""

    messages: Annotated[list[OpenAIMessageCreate], Field(max_length=MOST_MESSAGES, fail_fast=True)] = []
    tool_resources: OpenAINewToolResources | None = None
    metadata: MetaData | None = None


class OpenAIThreadUpdate(Request):
    """The body that changes a thread."""

    tool_resources: OpenAIToolResources | None = None
    metadata: MetaData | None = None
