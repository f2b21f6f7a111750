"""Responses of the OpenAI dialect, with every field that the official clients' strict types require."""

from typing import Generic, Literal, TypeVar

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer
from projectdavid.protocol.model_options import ShownModelOptions

T = TypeVar("T")


class OpenAIPage(Answer, Generic[T]):
    """One page of a list; `last_id` is the cursor of the next page (`?after=`)."""

    object: Literal["list"]
    data: list[T]
    first_id: str | None
    last_id: str | None
    has_more: bool


class OpenAIDeleted(Answer):
    """Confirms that an object was deleted."""

    id: str
    object: str
    deleted: Literal[True]


class OpenAIErrorBody(Answer):
    """An error; `param` is the invalid field."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorAnswer(Answer):
    """The error envelope."""

    error: OpenAIErrorBody


class OpenAIAssistant(ShownModelOptions):
    """An assistant."""

    id: str
    object: Literal["assistant"]
    created_at: int
    name: str | None
    description: str | None
    model: str
    instructions: str | None
    tools: list[JsonObject]
    tool_resources: JsonObject
    metadata: dict[str, str]
    temperature: float | None
    top_p: float | None
    response_format: str | JsonObject


class OpenAIThread(Answer):
    """A thread."""

    id: str
    object: Literal["thread"]
    created_at: int
    metadata: dict[str, str]
    tool_resources: JsonObject


class OpenAIMessage(Answer):
    """A message; its content is a list of parts: text with annotations, images, refusals."""

    id: str
    object: Literal["thread.message"]
    created_at: int
    thread_id: str
    status: Literal["in_progress", "incomplete", "completed"]
    incomplete_details: JsonObject | None
    completed_at: int | None
    incomplete_at: int | None
    role: Literal["user", "assistant"]
    content: list[JsonObject]
    assistant_id: str | None
    run_id: str | None
    attachments: list[JsonObject]
    metadata: dict[str, str]


class OpenAIPromptTokensDetails(Answer):
    """A part of the prompt tokens."""

    cached_tokens: int


class OpenAICompletionTokensDetails(Answer):
    """A part of the completion tokens."""

    reasoning_tokens: int


class OpenAIUsage(Answer):
    """Token usage."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_token_details: OpenAIPromptTokensDetails
    prompt_tokens_details: OpenAIPromptTokensDetails
    completion_tokens_details: OpenAICompletionTokensDetails


class OpenAILastError(Answer):
    """The reason why a run, or one of its steps, failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class OpenAIRun(ShownModelOptions):
    """A run."""

    id: str
    object: Literal["thread.run"]
    created_at: int
    thread_id: str
    assistant_id: str
    status: Literal[
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
    required_action: JsonObject | None
    last_error: OpenAILastError | None
    expires_at: int | None
    started_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    incomplete_details: JsonObject | None
    model: str
    instructions: str
    tools: list[JsonObject]
    tool_resources: JsonObject
    metadata: dict[str, str]
    usage: OpenAIUsage | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    max_completion_tokens: int | None
    truncation_strategy: JsonObject
    tool_choice: str | JsonObject
    parallel_tool_calls: bool
    response_format: str | JsonObject


class OpenAIRunStep(Answer):
    """A step of a run: a message, or the calls of one turn of its model."""

    id: str
    object: Literal["thread.run.step"]
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: Literal["message_creation", "tool_calls"]
    status: Literal["in_progress", "cancelled", "failed", "completed", "expired"]
    step_details: JsonObject
    last_error: OpenAILastError | None
    expires_at: int | None
    expired_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: JsonObject
    usage: OpenAIUsage | None


class OpenAIModel(Answer):
    """A model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class OpenAIModels(Answer):
    """All available models."""

    object: Literal["list"]
    data: list[OpenAIModel]
