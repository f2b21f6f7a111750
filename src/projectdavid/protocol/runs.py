"""Runs, and actions: the tool calls that a run waits for."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, StringConstraints

from projectdavid.protocol.approvals import CallApproval, SubmittedAnswers, check_answers
from projectdavid.protocol.assistants import (
    Effect,
    JsonObject,
    ModelName,
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
from projectdavid.protocol.model_options import ModelOptions, SamplingOptions, ShownModelOptions
from projectdavid.protocol.statuses import RunStatus

OnBusy = Literal["reject", "queue", "interrupt"]
"""What a new run does if its thread has an open run."""
OnExpiry = Literal["fail", "answer"]
"""What happens if no output arrives in time: the run expires, or the model receives a default output."""
MAX_OUTPUTS = 16_000
"""Outputs per request, which answers all calls of a turn: as many values as a body can have."""
TERMINAL_STATUSES: frozenset[str] = frozenset({"cancelled", "failed", "completed", "incomplete", "expired"})
AT_REST_STATUSES: frozenset[str] = TERMINAL_STATUSES | {"action_required"}
"""Statuses of a run that has ended or waits for its caller."""


class ChosenFunction(Request):
    """The name of a function."""

    name: Annotated[str, StringConstraints(pattern=ID_PATTERN)]


class FunctionChoice(Request):
    """Forces the model to call one function."""

    type: Literal["function"]
    function: ChosenFunction


class Truncation(Request):
    """How a thread that exceeds the context window is truncated: by size, or to the last n messages."""

    type: Literal["auto", "last_messages"] = "auto"
    last_messages: Annotated[int, Field(ge=1, le=10_000), WHOLE] | None = None


class RunCreate(SamplingOptions, ModelOptions):
    """The body that creates a run. Omitted fields come from the assistant.

    A run created with a `status` waits until `POST /v1/completions` starts it, as clients of the Project David wire
    expect; without one it starts at once.
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
    max_prompt_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    truncation_strategy: Literal["auto", "disabled"] | Truncation | None = None
    response_format: ResponseFormat | None = None
    tool_resources: ToolResources | None = None
    meta_data: LooseMetaData | None = None
    max_turns: Turns | None = None
    on_busy: OnBusy | None = None
    action_timeout: Annotated[float, Field(gt=0, le=10_000_000)] | None = None
    on_expiry: OnExpiry | None = None
    expiry_output: LongText | None = None
    id: Any = Field(default=None, description="Ignored: the server assigns ids.")
    object: Any = Field(default=None, description="Ignored.")
    created_at: Any = Field(default=None, description="Ignored: the server's clock applies.")
    expires_at: Any = Field(default=None, description="Ignored: the server's limit applies.")
    started_at: None = None
    completed_at: None = None
    cancelled_at: None = None
    failed_at: None = None
    incomplete_details: None = None
    last_error: None = None
    required_action: None = None
    usage: None = None


class MetadataBody(Request):
    """The body that replaces metadata."""

    metadata: LooseMetaData


class SubmittedToolOutput(Request):
    """The output of one call."""

    tool_call_id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]
    output: LongText


class ToolOutputs(SubmittedAnswers):
    """The body that submits outputs of calls, and decisions about calls that need approval.

    The run resumes when it waits for no other output or decision.
    """

    tool_outputs: Annotated[
        list[SubmittedToolOutput], Field(max_length=MAX_OUTPUTS, fail_fast=True), AfterValidator(check_answers)
    ]


class RunError(Answer):
    """The reason why a run failed."""

    code: str
    message: str


class RunUsage(Answer):
    """Token usage of a run; `estimated` if the provider did not report it."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens that the provider read from its cache."""
    reasoning_tokens: int = 0
    """Completion tokens that the model spent on reasoning."""
    estimated: bool = False
    cost: float | None = None
    """In the currency of the prices, each turn by the price at that time; null if one of them was not known."""


class Decision(Answer):
    """How a call is handled. A separate object, because clients of the Project David wire know no other new field."""

    effect: Effect = "unsafe"
    started_at: str | None = None
    """Time at which the platform started it."""
    outcome: Literal["unknown"] | None = None
    """`unknown` if the platform stopped during the call and did not repeat it."""
    gate: CallApproval | None = None
    """The approval that the call needs, once it was requested."""


class Action(Answer):
    """A function call of the model; its times are strings, as on the Project David wire.

    `tool_call_id` is the idempotency key of the call: it stays the same across retries.
    """

    id: str
    run_id: str
    tool_call_id: str
    tool_name: str
    function_args: JsonObject
    status: Literal["pending", "processing", "completed", "failed", "cancelled", "expired"]
    result: JsonObject | None = None
    """`{"output": text}` when it is answered."""
    turn_index: int = 0
    triggered_at: str
    expires_at: str | None = None
    is_processed: bool = False
    processed_at: str | None = None
    tool_id: str | None = None
    """The platform tool that runs it; None if the caller answers it."""
    decision: Decision = Decision()


class ActionUpdate(Request):
    """The body that updates an action; `result` answers it."""

    status: Literal["pending", "processing", "completed", "failed", "expired", "cancelled", "retrying"]
    result: LongText | JsonObject | None = None


class PendingAction(Answer):
    """An action without an output, in the format of the Project David wire."""

    action_id: str
    tool_call_id: str
    action_status: str
    function_arguments: JsonObject
    tool_name: str
    run_id: str
    run_status: str


class RunWarning(Answer):
    """Something that the run does without, such as a tool or a file."""

    code: str
    message: str


class RunHead(Answer):
    """The fields of a run that precede the options of its model, in the order of the API page."""

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


class Run(ShownModelOptions, RunHead):
    """A run."""

    tool_resources: JsonObject = {}
    action_timeout: float | None = None
    """Seconds that it waits for the caller's outputs, each time."""
    on_expiry: OnExpiry = "fail"
    expiry_output: str | None = None
    """The default output for calls that were not answered in time; None if the run expires instead."""
    meta_data: JsonObject = {}
    waits_for_thread: bool = False
    """Whether it waits for the end of another run in its thread."""
    expires_at: int
    action_expires_at: int | None = None
    """Deadline of the caller's outputs while it waits, if that is before `expires_at`."""
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
    api_key: Any = Field(default=None, description="Ignored: provider keys belong in the server's configuration.")
    provider: Any = Field(default=None, description="Ignored: the model's name selects the provider.")
    content: Any = Field(default=None, description="Ignored.")
    meta_data: Any = Field(default=None, description="Ignored.")


class Completion(Answer):
    """The response of `POST /v1/completions` without a stream."""

    run_id: str
    type: Literal["content"] = "content"
    content: str
    model: str
    status: RunStatus
    elapsed_s: float
