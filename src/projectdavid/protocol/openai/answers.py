"""Responses of the OpenAI dialect, with every field that the official clients' strict types require."""

from typing import Generic, Literal, TypeVar

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import Answer
from projectdavid.protocol.model_options import ShownModelOptions

T = TypeVar("T")


class Page(Answer, Generic[T]):
    """One page of a list; `last_id` is the cursor of the next page (`?after=`)."""

    object: Literal["list"]
    data: list[T]
    first_id: str | None
    last_id: str | None
    has_more: bool


class Deleted(Answer):
    """Confirms that an object was deleted."""

    id: str
    object: str
    deleted: Literal[True]


class ErrorBody(Answer):
    """An error; `param` is the invalid field."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorAnswer(Answer):
    """The error envelope."""

    error: ErrorBody


class Assistant(ShownModelOptions):
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


class Thread(Answer):
    """A thread."""

    id: str
    object: Literal["thread"]
    created_at: int
    metadata: dict[str, str]
    tool_resources: JsonObject


class Message(Answer):
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


class PromptTokensDetails(Answer):
    """A part of the prompt tokens."""

    cached_tokens: int


class CompletionTokensDetails(Answer):
    """A part of the completion tokens."""

    reasoning_tokens: int


class Usage(Answer):
    """Token usage."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_token_details: PromptTokensDetails
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: CompletionTokensDetails


class LastError(Answer):
    """The reason why a run, or one of its steps, failed."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"]
    message: str


class Run(ShownModelOptions):
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
    last_error: LastError | None
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
    usage: Usage | None
    temperature: float | None
    top_p: float | None
    max_prompt_tokens: int | None
    max_completion_tokens: int | None
    truncation_strategy: JsonObject
    tool_choice: str | JsonObject
    parallel_tool_calls: bool
    response_format: str | JsonObject


class RunStep(Answer):
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
    last_error: LastError | None
    expires_at: int | None
    expired_at: int | None
    cancelled_at: int | None
    failed_at: int | None
    completed_at: int | None
    metadata: JsonObject
    usage: Usage | None


class Model(Answer):
    """A model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(Answer):
    """All available models."""

    object: Literal["list"]
    data: list[Model]
