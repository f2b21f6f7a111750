"""The public names: whoever changes this list breaks somebody's program, or makes a promise."""

import projectdavid

NAMES = """
AsyncEntity Entity
AsyncRunStream RunStream RunResult Retry NOT_GIVEN effect

ApprovalDecidedEvent ApprovalRequiredEvent
CallArgumentsEvent CallCreatedEvent CitationEvent CodeEvent ContentEvent ErrorEvent Event FileEvent
MessageCompletedEvent MessageCreatedEvent MessageDiscardedEvent OutputEvent ReasoningEvent RefusalEvent RetryEvent
SandboxEvent
StatusEvent ToolCallEvent ToolOutputEvent ToolStartedEvent UnknownEvent WarningEvent

APIConnectionError APIStatusError APITimeoutError ApprovalRequired AuthenticationError BadRequestError ConflictError
InternalServerError InvalidAnswerError InvalidInputError InvalidStateError MissingAPIKeyError NotFoundError
PayloadTooLargeError PermissionDeniedError PreconditionFailedError ProjectDavidError
RateLimitError RunFailed StreamBroken StreamEnded UnprocessableEntityError

WebhookEvent WebhookVerificationError verify_webhook

__version__
"""


def test_the_public_names_are_these() -> None:
    assert set(projectdavid.__all__) == set(NAMES.split())
