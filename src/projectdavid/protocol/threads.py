"""Threads: conversations and their participants."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.assistants import JsonObject, ToolResources
from projectdavid.protocol.base import NO_CONTROL, Answer, Id, LooseMetaData, Request

Title = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
"""What a user calls a thread, on one line."""


class ThreadCreate(Request):
    """The body that creates a thread."""

    title: Title | None = None
    participant_ids: Annotated[list[Id], Field(max_length=16, fail_fast=True)] | None = None
    meta_data: LooseMetaData | None = None
    tool_resources: ToolResources | None = None


class ThreadUpdate(Request):
    """The body that updates a thread: only the given fields change.

    `meta_data` is merged; a null `title` is removed.
    """

    title: Title | None = None
    participant_ids: Annotated[list[Id], Field(max_length=16, fail_fast=True)] | None = None
    meta_data: LooseMetaData | None = None
    tool_resources: ToolResources | None = None


class Participant(Answer):
    """A user who participates in a thread."""

    id: str
    email: str | None = None
    full_name: str | None = None


class Thread(Answer):
    """A conversation."""

    id: str
    object: Literal["thread"] = "thread"
    created_at: int
    owner_id: str
    title: str | None = None
    meta_data: JsonObject = {}
    tool_resources: JsonObject = {}
    participants: list[Participant] = []
