"""The SDK: `Entity` and `AsyncEntity`, their errors and events. Knows the server only by its words."""

from projectdavid.client._async.entity import AsyncEntity
from projectdavid.client._async.streams import AsyncRunStream
from projectdavid.client._sync.entity import Entity
from projectdavid.client._sync.streams import RunStream
from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    InvalidAnswerError,
    MissingAPIKeyError,
    NotFoundError,
    PayloadTooLargeError,
    PermissionDeniedError,
    ProjectDavidError,
    RateLimitError,
    RunFailed,
    StreamBroken,
    UnprocessableEntityError,
    WebhookVerificationError,
)
from projectdavid.client.fields import NOT_GIVEN
from projectdavid.client.functions import effect
from projectdavid.client.results import RunResult
from projectdavid.client.retry import Retry
from projectdavid.client.verifying import verify_webhook
from projectdavid.protocol.events import (
    CallArgumentsEvent,
    ContentEvent,
    ErrorEvent,
    Event,
    MessageCompletedEvent,
    MessageCreatedEvent,
    MessageDiscardedEvent,
    ReasoningEvent,
    RetryEvent,
    StatusEvent,
    ToolCallEvent,
    ToolOutputEvent,
    ToolStartedEvent,
    UnknownEvent,
    WarningEvent,
)
from projectdavid.protocol.webhooks import WebhookEvent

__all__ = [
    "NOT_GIVEN",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncEntity",
    "AsyncRunStream",
    "AuthenticationError",
    "BadRequestError",
    "CallArgumentsEvent",
    "ConflictError",
    "ContentEvent",
    "Entity",
    "ErrorEvent",
    "Event",
    "InternalServerError",
    "InvalidAnswerError",
    "MessageCompletedEvent",
    "MessageCreatedEvent",
    "MessageDiscardedEvent",
    "MissingAPIKeyError",
    "NotFoundError",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "ProjectDavidError",
    "RateLimitError",
    "ReasoningEvent",
    "Retry",
    "RetryEvent",
    "RunFailed",
    "RunResult",
    "RunStream",
    "StatusEvent",
    "StreamBroken",
    "ToolCallEvent",
    "ToolOutputEvent",
    "ToolStartedEvent",
    "UnknownEvent",
    "UnprocessableEntityError",
    "WarningEvent",
    "WebhookEvent",
    "WebhookVerificationError",
    "effect",
    "verify_webhook",
]
