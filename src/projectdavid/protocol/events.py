"""Events: what the stream of a run tells, each with its place in the run's journal.

Sent as Server-Sent Events with `id:` = position; every event carries `type` and `run_id`. The stream ends with
`data: [DONE]`.
"""

from typing import Literal

from pydantic import ConfigDict

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer
from projectdavid.protocol.messages import Annotation
from projectdavid.protocol.runs import RunError, RunStatus, RunUsage


class Event(Answer):
    """What all events have beside their `type`; `position` counts from 1 within the run."""

    run_id: str
    position: int = 0


class UnknownEvent(Event):
    """An event of a kind that this version does not know."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str


class StatusEvent(Event):
    """The run changed its status."""

    type: Literal["status"] = "status"
    status: RunStatus
    usage: RunUsage | None = None
    incomplete_details: str | None = None


class MessageCreatedEvent(Event):
    """The model began to write a message."""

    type: Literal["message_created"] = "message_created"
    message_id: str


class ContentEvent(Event):
    """More text of the message that is being written."""

    type: Literal["content"] = "content"
    content: str


class ReasoningEvent(Event):
    """More of the model's reasoning."""

    type: Literal["reasoning"] = "reasoning"
    content: str


class RefusalEvent(Event):
    """More of a refusal: what the model says instead of an answer that it will not give."""

    type: Literal["refusal"] = "refusal"
    content: str


class CallCreatedEvent(Event):
    """The model began to write a call; what follows of `call_arguments` is of this one, until another is told of."""

    type: Literal["call_created"] = "call_created"
    tool_call_id: str
    name: str


class CallArgumentsEvent(Event):
    """More of the arguments of a call, as the model writes them."""

    type: Literal["call_arguments"] = "call_arguments"
    content: str


class MessageDiscardedEvent(Event):
    """The model is asked again: forget what this message said so far."""

    type: Literal["message_discarded"] = "message_discarded"
    message_id: str


class MessageCompletedEvent(Event):
    """The message is whole and stored; `attachments` are the images that it shows.

    `removed_citations` counts those that the model wrote, and that led nowhere.
    """

    type: Literal["message_completed"] = "message_completed"
    message_id: str
    status: Literal["completed", "incomplete"] = "completed"
    attachments: list[JsonObject] = []
    annotations: list[Annotation] = []
    removed_citations: int = 0


class CitationEvent(Event):
    """The text so far cites something, which was checked against what is stored."""

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


class ToolStartedEvent(Event):
    """The platform is about to run a call by one of its own tools.

    Where it comes again for the same call, after a crash of the server, what that call told before is void.
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
    """What a call puts out while it runs; `result` is the value of the last expression, `terminal` has escapes."""

    type: Literal["output"] = "output"
    tool_call_id: str
    stream: Literal["stdout", "stderr", "result", "terminal"]
    content: str


class FileEvent(Event):
    """A call has made a file, which is yours now; `size` is in bytes, `url` is a link for some time."""

    type: Literal["file"] = "file"
    tool_call_id: str
    tool: str
    file_id: str
    filename: str
    mime_type: str
    size: int
    url: str


class SandboxEvent(Event):
    """A call waits for a sandbox, has begun to use a new one, or has lost the one that it used."""

    type: Literal["sandbox"] = "sandbox"
    tool_call_id: str
    state: Literal["waiting", "started", "lost"]
    kind: str | None = None
    level: str | None = None
    message: str | None = None


class ToolOutputEvent(Event):
    """A call was answered: by the caller, or by the platform: its tool, or where the model asked for the impossible.

    `outcome` is `unknown` where the server was stopped while it ran the call, and did not repeat it.
    """

    type: Literal["tool_output"] = "tool_output"
    tool_call_id: str
    output: str
    error: bool = False
    outcome: Literal["unknown"] | None = None


class WarningEvent(Event):
    """The run does without something, and says so."""

    type: Literal["warning"] = "warning"
    code: str
    message: str


class RetryEvent(Event):
    """The model failed, or its answer is not in its format; it is asked again after `delay_s` seconds."""

    type: Literal["retry"] = "retry"
    attempt: int
    delay_s: float
    error: RunError


class ErrorEvent(Event):
    """Why the run failed; the status follows."""

    type: Literal["error"] = "error"
    code: str
    message: str
    content: str = ""


STREAM_ENDED = {
    "user_deleted": "The user was deleted, and the run with it.",
    "thread_deleted": "The thread was deleted, and the run with it.",
    "run_deleted": "The run was deleted.",
    "key_revoked": "The API key of this stream was revoked, or has expired. The run goes on; read it with another key.",
}
"""Why a stream ends before its run: the codes of an `error` event that is not in the journal and has no position."""

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
