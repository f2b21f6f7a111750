"""Events of a run's stream, each with its position in the run's journal.

Sent as Server-Sent Events with `id:` = position; every event has `type` and `run_id`. The stream ends with `data:
[DONE]`.
"""

from typing import Literal

from pydantic import ConfigDict

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer
from projectdavid.protocol.messages import Annotation
from projectdavid.protocol.runs import RunError, RunUsage
from projectdavid.protocol.statuses import RunStatus


class Event(Answer):
    """Fields shared by all events; `position` counts from 1 within the run.

    `at` is when the event was written, in Unix seconds with three decimals; None for events of earlier versions.
    """

    run_id: str
    position: int = 0
    at: float | None = None


class UnknownEvent(Event):
    """An event of a type that this version does not know."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


class StatusEvent(Event):
    """The status of the run changed."""

    type: Literal["status"] = "status"
    status: RunStatus
    usage: RunUsage | None = None
    incomplete_details: str | None = None


class MessageCreatedEvent(Event):
    """The model started a message."""

    type: Literal["message_created"] = "message_created"
    message_id: str


class ContentEvent(Event):
    """More text of the current message."""

    type: Literal["content"] = "content"
    content: str


class ReasoningEvent(Event):
    """More of the model's reasoning."""

    type: Literal["reasoning"] = "reasoning"
    content: str


class RefusalEvent(Event):
    """More of a refusal, which the model gives instead of an answer."""

    type: Literal["refusal"] = "refusal"
    content: str


class CallCreatedEvent(Event):
    """The model started a tool call; the following `call_arguments` belong to it, until the next `call_created`."""

    type: Literal["call_created"] = "call_created"
    tool_call_id: str
    name: str


class CallArgumentsEvent(Event):
    """More of the arguments of a call, as the model generates them."""

    type: Literal["call_arguments"] = "call_arguments"
    content: str


class MessageDiscardedEvent(Event):
    """The model is called again: discard the text of this message."""

    type: Literal["message_discarded"] = "message_discarded"
    message_id: str


class MessageCompletedEvent(Event):
    """The message is complete and stored; `attachments` are its images.

    `removed_citations` counts citations of the model that could not be resolved.
    """

    type: Literal["message_completed"] = "message_completed"
    message_id: str
    status: Literal["completed", "incomplete"] = "completed"
    attachments: list[JsonObject] = []
    annotations: list[Annotation] = []
    removed_citations: int = 0


class CitationEvent(Event):
    """A citation in the text so far, verified against the stored sources."""

    type: Literal["citation"] = "citation"
    message_id: str
    annotation: Annotation


class ToolCallEvent(Event):
    """The run waits for the output of this call (SSE event name `action_required`)."""

    type: Literal["tool_call_manifest"] = "tool_call_manifest"
    action_id: str
    tool_call_id: str
    tool: str
    args: JsonObject


class ApprovalRequiredEvent(Event):
    """A call waits until a person approves it; the run waits until `expires_at`."""

    type: Literal["approval_required"] = "approval_required"
    approval_id: str
    action_id: str
    tool_call_id: str
    tool: str
    """The platform tool that runs the call; `function` if you answer it yourself."""
    name: str
    args: JsonObject
    arguments: str
    """The same as JSON text to show to people: invisible and bidirectional characters are escaped."""
    effect: Literal["read", "idempotent", "unsafe"]
    reason: str
    expires_at: int
    digest: str


class ApprovalDecidedEvent(Event):
    """A call was approved or denied. `by` is the prefix of the API key, or `webhook` or `expiry`.

    `arguments` is the JSON text of the arguments that replace those of the model, if any.
    """

    type: Literal["approval_decided"] = "approval_decided"
    approval_id: str
    tool_call_id: str
    verdict: Literal["approved", "denied"]
    by: str
    note: str = ""
    arguments: str | None = None


class ToolStartedEvent(Event):
    """The platform is about to run a call with one of its own tools.

    If it is repeated for the same call, after a crash of the server, earlier events of the call are void.
    """

    type: Literal["tool_started"] = "tool_started"
    action_id: str
    tool_call_id: str
    tool: str
    name: str


class CodeEvent(Event):
    """Code that a call runs."""

    type: Literal["code"] = "code"
    tool_call_id: str
    content: str


class OutputEvent(Event):
    """Output of a running call; `result` is the value of the last expression, `terminal` contains escape sequences."""

    type: Literal["output"] = "output"
    tool_call_id: str
    stream: Literal["stdout", "stderr", "result", "terminal"]
    content: str


class FileEvent(Event):
    """A call created a file, which now belongs to you; `size` is in bytes, `url` is a temporary link."""

    type: Literal["file"] = "file"
    tool_call_id: str
    tool: str
    file_id: str
    filename: str
    mime_type: str
    size: int
    url: str


class SandboxEvent(Event):
    """A call waits for a sandbox, uses a new one, or lost the one that it used."""

    type: Literal["sandbox"] = "sandbox"
    tool_call_id: str
    state: Literal["waiting", "started", "lost"]
    kind: str | None = None
    level: str | None = None
    message: str | None = None


class ToolOutputEvent(Event):
    """A call has an output: from the caller, from the platform's tool, or an error because the call was invalid.

    `outcome` is `unknown` if the server stopped during the call and did not repeat it.
    """

    type: Literal["tool_output"] = "tool_output"
    tool_call_id: str
    output: str
    error: bool = False
    outcome: Literal["unknown"] | None = None


class WarningEvent(Event):
    """The run continues without something that it needed."""

    type: Literal["warning"] = "warning"
    code: str
    message: str


class RetryEvent(Event):
    """The model failed, or its answer does not match the format; it is called again after `delay_s` seconds."""

    type: Literal["retry"] = "retry"
    attempt: int
    delay_s: float
    error: RunError


class ErrorEvent(Event):
    """The reason why the run failed; the status follows."""

    type: Literal["error"] = "error"
    code: str
    message: str
    content: str = ""


STREAM_ENDED = {
    "user_deleted": "The user was deleted, together with the run.",
    "thread_deleted": "The thread was deleted, together with the run.",
    "run_deleted": "The run was deleted.",
    "key_revoked": "The API key of this stream was revoked or has expired. The run continues; use another key.",
}
"""Why a stream ends before its run: codes of `error` events that are not in the journal and have no position."""

EVENTS: dict[str, type[Event]] = {
    "status": StatusEvent,
    "message_created": MessageCreatedEvent,
    "content": ContentEvent,
    "refusal": RefusalEvent,
    "reasoning": ReasoningEvent,
    "call_created": CallCreatedEvent,
    "call_arguments": CallArgumentsEvent,
    "message_discarded": MessageDiscardedEvent,
    "message_completed": MessageCompletedEvent,
    "citation": CitationEvent,
    "tool_call_manifest": ToolCallEvent,
    "approval_required": ApprovalRequiredEvent,
    "approval_decided": ApprovalDecidedEvent,
    "tool_started": ToolStartedEvent,
    "code": CodeEvent,
    "output": OutputEvent,
    "file": FileEvent,
    "sandbox": SandboxEvent,
    "tool_output": ToolOutputEvent,
    "warning": WarningEvent,
    "retry": RetryEvent,
    "error": ErrorEvent,
}
"""The event class of each `type`; any other type is an `UnknownEvent`."""
