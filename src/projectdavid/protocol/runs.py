"""Runs: one answer of an assistant to a thread; actions: the calls for which a run waits."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.assistants import (
    Effect,
    JsonObject,
    ModelName,
    ReasoningEffort,
    ResponseFormat,
    ToolResources,
    Tools,
)
from projectdavid.protocol.base import (
    ID_PATTERN,
    NO_NUL,
    WHOLE,
    Answer,
    Id,
    LongText,
    LooseMetaData,
    Request,
    Tokens,
    Turns,
)

RunStatus = Literal[
    "pending",
    "queued",
    "in_progress",
    "requires_action",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
OnBusy = Literal["reject", "queue", "interrupt"]
"""What a new run does in a thread that another run has."""
OnExpiry = Literal["fail", "answer"]
"""What follows where nobody answers in time: the run expires, or the model is told so."""
TERMINAL_STATUSES: frozenset[str] = frozenset({"cancelled", "failed", "completed", "incomplete", "expired"})


class ChosenFunction(Request):
    """The name of a function."""

    name: Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class FunctionChoice(Request):
    """Makes the model call one function."""

    type: Literal["function"]
    function: ChosenFunction


class Truncation(Request):
    """How a thread that outgrows the context window is cut: by size, or to the last n messages."""

    type: Literal["auto", "last_messages"] = "auto"
    last_messages: Annotated[int, Field(ge=1, le=10_000), WHOLE] | None = None


class RunCreate(Request):
    """The body that creates a run. What is left out comes from the assistant.

    A run that is created with `status` waits until `POST /v1/completions` starts it, as clients of the Project David
    wire expect; without it the run starts at once.
    """

    assistant_id: Id
    thread_id: Id
    status: Literal["pending", "queued"] | None = None
    model: ModelName | None = None
    instructions: LongText | None = None
    additional_instructions: LongText | None = None
    tools: Tools | None = None
    tool_choice: Literal["none", "auto", "required"] | FunctionChoice | None = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: Literal["auto", "disabled"] | Truncation | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: ReasoningEffort | None = None
    tool_resources: ToolResources | None = None
    meta_data: LooseMetaData | None = None
    max_turns: Turns | None = None
    on_busy: OnBusy | None = None
    action_timeout: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    on_expiry: OnExpiry | None = None
    expiry_output: LongText | None = None
    id: Any = Field(default=None, description="Ignored: the server gives ids.")
    object: Any = Field(default=None, description="Ignored.")
    created_at: Any = Field(default=None, description="Ignored: the server's clock counts.")
    expires_at: Any = Field(default=None, description="Ignored: the server's limit counts.")
    started_at: None = None
    completed_at: None = None
    cancelled_at: None = None
    failed_at: None = None
    incomplete_details: None = None
    last_error: None = None
    required_action: None = None
    usage: None = None


class MetadataBody(Request):
    """A map of metadata."""

    metadata: LooseMetaData


class ToolOutput(Request):
    """The output of one call."""

    tool_call_id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
    output: LongText


class ToolOutputs(Request):
    """The body that answers calls; the run goes on when all are answered."""

    tool_outputs: Annotated[list[ToolOutput], Field(min_length=1, max_length=128, fail_fast=True)]


class RunError(Answer):
    """Why a run failed."""

    code: str
    message: str


class RunUsage(Answer):
    """Tokens of a run; `estimated` where the provider did not report them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """The part of the prompt tokens that the provider read from its cache."""
    reasoning_tokens: int = 0
    """The part of the completion tokens that the model spent on reasoning."""
    estimated: bool = False


class Decision(Answer):
    """How a call is treated. An object of its own, for clients of the Project David wire know no other new field."""

    effect: Effect = "unsafe"
    started_at: str | None = None
    """When the platform began to run it."""
    outcome: Literal["unknown"] | None = None
    """`unknown` where the platform was stopped while it ran the call, and did not repeat it."""


class Action(Answer):
    """A function call of the model; its times are texts, as on the Project David wire.

    `tool_call_id` is the idempotency key of the call: it stays the same however often the call is made.
    """

    id: str
    run_id: str
    tool_call_id: str
    tool_name: str
    function_args: JsonObject
    status: Literal["pending", "processing", "completed", "failed", "cancelled", "expired"]
    result: JsonObject | None = None
    """`{"output": text}` once it is answered."""
    turn_index: int = 0
    triggered_at: str
    expires_at: str | None = None
    is_processed: bool = False
    processed_at: str | None = None
    tool_id: str | None = None
    """The platform tool that runs it; None: the caller answers it."""
    decision: Decision = Decision()


class ActionUpdate(Request):
    """The body that marks an action; `result` answers it."""

    status: Literal["pending", "processing", "completed", "failed", "expired", "cancelled", "retrying"]
    result: LongText | JsonObject | None = None


class PendingAction(Answer):
    """An action that waits, in the words of the Project David wire."""

    action_id: str
    tool_call_id: str
    action_status: str
    function_arguments: JsonObject
    tool_name: str
    run_id: str
    run_status: str


class RunWarning(Answer):
    """Something that the run does without."""

    code: str
    message: str


class Run(Answer):
    """A run."""

    id: str
    object: Literal["thread.run"] = "thread.run"
    created_at: int
    thread_id: str
    assistant_id: str
    user_id: str
    status: RunStatus
    model: str
    instructions: str
    tools: list[JsonObject] = []
    tool_choice: str | JsonObject = "auto"
    parallel_tool_calls: bool = True
    temperature: float = 1.0
    top_p: float = 1.0
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: str | JsonObject | None = None
    response_format: str | JsonObject = "auto"
    reasoning_effort: str | None = None
    tool_resources: JsonObject = {}
    action_timeout: float | None = None
    """Seconds for which it waits for outputs of its caller, each time."""
    on_expiry: OnExpiry = "fail"
    expiry_output: str | None = None
    """What the model is told of calls that nobody answered in time; None: the run expires then."""
    meta_data: JsonObject = {}
    waits_for_thread: bool = False
    """Whether it waits until another run of its thread is over."""
    expires_at: int
    action_expires_at: int | None = None
    """Until when it waits for its caller, while it does, if that is before `expires_at`."""
    started_at: int | None = None
    completed_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    incomplete_details: str | None = None
    last_error: str | None = None
    error: RunError | None = None
    required_action: str | None = None
    usage: RunUsage | None = None
    warnings: list[RunWarning] = []
    actions: list[Action] = []


class CompletionRequest(Request):
    """The body that starts a waiting run, or joins a running one, and streams it (`POST /v1/completions`)."""

    run_id: Id
    thread_id: Id
    assistant_id: Id
    model: ModelName | None = None
    message_id: Annotated[str, StringConstraints(max_length=64, pattern=NO_NUL)] | None = None
    stream: bool = True
    api_key: Any = Field(default=None, description="Ignored: keys of providers belong to the server's configuration.")
    provider: Any = Field(default=None, description="Ignored: the model's name says who serves it.")
    content: Any = Field(default=None, description="Ignored.")
    meta_data: Any = Field(default=None, description="Ignored.")


class Completion(Answer):
    """The answer of `POST /v1/completions` without a stream."""

    run_id: str
    type: Literal["content"] = "content"
    content: str
    model: str
    status: RunStatus
    elapsed_s: float
