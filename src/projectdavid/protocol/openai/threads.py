"""Threads and messages."""

from typing import Annotated, Literal

from pydantic import Field

from projectdavid.protocol.base import Id, MetaData, Request
from projectdavid.protocol.messages import Content
from projectdavid.protocol.openai.assistants import NewToolResources, ToolResources

MOST_MESSAGES = 1_000
"""Messages that a new thread, or a new run, may bring."""


class AttachmentTool(Request):
    """A tool that is to have a file."""

    type: Literal["code_interpreter", "file_search"]


class Attachment(Request):
    """A file of a message."""

    file_id: Id
    tools: Annotated[list[AttachmentTool], Field(max_length=4, fail_fast=True)] = []


class MessageCreate(Request):
    """The body that adds a message."""

    role: Literal["user", "assistant"]
    content: Content
    attachments: Annotated[list[Attachment], Field(max_length=100, fail_fast=True)] | None = None
    metadata: MetaData | None = None


class MetadataUpdate(Request):
    """The body that changes the metadata of a message or a run."""

    metadata: MetaData | None = None


class ThreadCreate(Request):
    """The body that creates a thread."""

    messages: Annotated[list[MessageCreate], Field(max_length=MOST_MESSAGES, fail_fast=True)] = []
    tool_resources: NewToolResources | None = None
    metadata: MetaData | None = None


class ThreadUpdate(Request):
    """The body that changes a thread."""

    tool_resources: ToolResources | None = None
    metadata: MetaData | None = None
