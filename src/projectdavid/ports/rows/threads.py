"""Records of assistants, threads and messages."""

from typing import NamedTuple


class AssistantRow(NamedTuple):
    """An assistant; `body` is the object on the wire."""

    n: int
    id: str
    revision: int
    body: str


class ThreadRow(NamedTuple):
    """A thread."""

    n: int
    id: str
    owner: str
    created_at: int
    meta_data: str
    tool_resources: str
    participants: str
    revision: int


class MessageRow(NamedTuple):
    """A message; `gone` is a JSON array of the attached files that were deleted."""

    n: int
    id: str
    thread: int
    created_at: int
    role: str
    content: str
    assistant_id: str | None
    run_id: str | None
    status: str | None
    reason: str | None
    calls: str | None
    call_id: str | None
    action_id: str | None
    reasoning: str | None
    meta_data: str | None
    attachments: str | None
    turn: int | None
    annotations: str | None
    usage: str | None
    revision: int
    provider_state: str | None
    thread_id: str
    owner: str
    gone: str


class FormattedMessageRow(NamedTuple):
    """A message as the deprecated formatted list has it."""

    role: str
    content: str
    calls: str | None
    call_id: str | None


class PromptMessageRow(NamedTuple):
    """A message as a model needs it."""

    n: int
    role: str
    content: str
    calls: str | None
    call_id: str | None
    reasoning: str | None
    provider_state: str | None


class PromptExtentRow(NamedTuple):
    """How many messages a prompt can have, and the number of the newest."""

    messages: int
    last: int


class PromptCutRow(NamedTuple):
    """The number of the first message that a model gets."""

    first: int
