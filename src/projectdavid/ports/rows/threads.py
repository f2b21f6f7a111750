"""Records of assistants, threads and messages."""

from typing import NamedTuple


class SessionThreadRow(NamedTuple):
    """The id of a thread with a sandbox session."""

    thread: str


class TerminalHomeRow(NamedTuple):
    """The process with a thread's shell; without an address, it does not send the output to others."""

    worker: str
    address: str | None


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
    title: str | None
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
    """A message of the deprecated formatted list."""

    role: str
    content: str
    calls: str | None
    call_id: str | None


class PromptMessageRow(NamedTuple):
    """A message of a prompt."""

    n: int
    role: str
    content: str
    calls: str | None
    call_id: str | None
    reasoning: str | None
    provider_state: str | None


class PromptExtentRow(NamedTuple):
    """The number of messages available for a prompt; `last` is the row number of the newest."""

    messages: int
    last: int


class PromptCutRow(NamedTuple):
    """The row number of the first message of a prompt."""

    first: int
