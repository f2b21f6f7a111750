"""The SDK: `Entity` and `AsyncEntity`, their errors and events. It imports only the protocol, never the server."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
        InvalidInputError,
        InvalidStateError,
        MissingAPIKeyError,
        NotFoundError,
        PayloadTooLargeError,
        PermissionDeniedError,
        PreconditionFailedError,
        ProjectDavidError,
        RateLimitError,
        RunFailed,
        StreamBroken,
        StreamEnded,
        UnprocessableEntityError,
        WebhookVerificationError,
    )
    from projectdavid.client.fields import NOT_GIVEN
    from projectdavid.client.functions import effect
    from projectdavid.client.results import RunResult
    from projectdavid.client.retry import Retry
    from projectdavid.client.webhook_signatures import verify_webhook
    from projectdavid.protocol.events import (
        CallArgumentsEvent,
        CallCreatedEvent,
        CitationEvent,
        CodeEvent,
        ContentEvent,
        ErrorEvent,
        Event,
        FileEvent,
        MessageCompletedEvent,
        MessageCreatedEvent,
        MessageDiscardedEvent,
        OutputEvent,
        ReasoningEvent,
        RefusalEvent,
        RetryEvent,
        SandboxEvent,
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
    "CallCreatedEvent",
    "CitationEvent",
    "CodeEvent",
    "ConflictError",
    "ContentEvent",
    "Entity",
    "ErrorEvent",
    "Event",
    "FileEvent",
    "InternalServerError",
    "InvalidAnswerError",
    "InvalidInputError",
    "InvalidStateError",
    "MessageCompletedEvent",
    "MessageCreatedEvent",
    "MessageDiscardedEvent",
    "MissingAPIKeyError",
    "NotFoundError",
    "OutputEvent",
    "PayloadTooLargeError",
    "PermissionDeniedError",
    "PreconditionFailedError",
    "ProjectDavidError",
    "RateLimitError",
    "ReasoningEvent",
    "RefusalEvent",
    "Retry",
    "RetryEvent",
    "RunFailed",
    "RunResult",
    "RunStream",
    "SandboxEvent",
    "StatusEvent",
    "StreamBroken",
    "StreamEnded",
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

_NAMES = {
    "projectdavid.client._async.entity": ("AsyncEntity",),
    "projectdavid.client._async.streams": ("AsyncRunStream",),
    "projectdavid.client._sync.entity": ("Entity",),
    "projectdavid.client._sync.streams": ("RunStream",),
    "projectdavid.client.errors": (
        "APIConnectionError",
        "APIStatusError",
        "APITimeoutError",
        "AuthenticationError",
        "BadRequestError",
        "ConflictError",
        "InternalServerError",
        "InvalidAnswerError",
        "InvalidInputError",
        "InvalidStateError",
        "MissingAPIKeyError",
        "NotFoundError",
        "PayloadTooLargeError",
        "PermissionDeniedError",
        "PreconditionFailedError",
        "ProjectDavidError",
        "RateLimitError",
        "RunFailed",
        "StreamBroken",
        "StreamEnded",
        "UnprocessableEntityError",
        "WebhookVerificationError",
    ),
    "projectdavid.client.fields": ("NOT_GIVEN",),
    "projectdavid.client.functions": ("effect",),
    "projectdavid.client.results": ("RunResult",),
    "projectdavid.client.retry": ("Retry",),
    "projectdavid.client.webhook_signatures": ("verify_webhook",),
    "projectdavid.protocol.events": (
        "CallArgumentsEvent",
        "CallCreatedEvent",
        "CitationEvent",
        "CodeEvent",
        "ContentEvent",
        "ErrorEvent",
        "Event",
        "FileEvent",
        "MessageCompletedEvent",
        "MessageCreatedEvent",
        "MessageDiscardedEvent",
        "OutputEvent",
        "ReasoningEvent",
        "RefusalEvent",
        "RetryEvent",
        "SandboxEvent",
        "StatusEvent",
        "ToolCallEvent",
        "ToolOutputEvent",
        "ToolStartedEvent",
        "UnknownEvent",
        "WarningEvent",
    ),
    "projectdavid.protocol.webhooks": ("WebhookEvent",),
}
"""The public names, by defining module. A module is imported when one of its names is first used."""
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'projectdavid.client' has no attribute '{name}'")
    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value
