"""Project David: an open, self-hosted Assistants platform, with the public names of its SDK.

They are loaded on first use, so `import projectdavid` is cheap.
"""

import warnings
from importlib import import_module
from typing import TYPE_CHECKING, Any

from projectdavid.distribution import REMEDY, VERSION, explain_other_distribution, find_other_distribution

if TYPE_CHECKING:
    from projectdavid.client import (
        NOT_GIVEN,
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        ApprovalDecidedEvent,
        ApprovalRequired,
        ApprovalRequiredEvent,
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
        InvalidInputError,
        InvalidStateError,
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

__version__ = VERSION

__all__ = [
    "NOT_GIVEN",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "ApprovalDecidedEvent",
    "ApprovalRequired",
    "ApprovalRequiredEvent",
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
    "__version__",
    "effect",
    "verify_webhook",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'projectdavid' has no attribute '{name}'")
    value = getattr(import_module("projectdavid.client"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if (_other := find_other_distribution()) is not None:
    warnings.warn(f"{explain_other_distribution(_other)}: {REMEDY}", RuntimeWarning, stacklevel=2)
