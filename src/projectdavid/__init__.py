"""Project David: an open, self-hosted Assistants platform. Here are the public names of its SDK.

They are loaded when they are first used, so that `import projectdavid` costs nothing.
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from projectdavid.client import (
        NOT_GIVEN,
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        AsyncEntity,
        AsyncRunStream,
        AuthenticationError,
        BadRequestError,
        CallArgumentsEvent,
        CallCreatedEvent,
        CitationEvent,
        CodeEvent,
        ConflictError,
        ContentEvent,
        Entity,
        ErrorEvent,
        Event,
        FileEvent,
        InternalServerError,
        InvalidAnswerError,
        MessageCompletedEvent,
        MessageCreatedEvent,
        MessageDiscardedEvent,
        MissingAPIKeyError,
        NotFoundError,
        OutputEvent,
        PayloadTooLargeError,
        PermissionDeniedError,
        PreconditionFailedError,
        ProjectDavidError,
        RateLimitError,
        ReasoningEvent,
        RefusalEvent,
        Retry,
        RetryEvent,
        RunFailed,
        RunResult,
        RunStream,
        SandboxEvent,
        StatusEvent,
        StreamBroken,
        StreamEnded,
        ToolCallEvent,
        ToolOutputEvent,
        ToolStartedEvent,
        UnknownEvent,
        UnprocessableEntityError,
        WarningEvent,
        WebhookEvent,
        WebhookVerificationError,
        effect,
        verify_webhook,
    )

    __version__: str

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
    "__version__",
    "effect",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'projectdavid' has no attribute '{name}'")
    value = version("projectdavid") if name == "__version__" else getattr(import_module("projectdavid.client"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
