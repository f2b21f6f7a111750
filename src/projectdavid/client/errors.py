"""The errors of the SDK.

::

    ProjectDavidError
    ├── MissingAPIKeyError           no key was found (also a ValueError)
    ├── InvalidInputError            an argument that cannot be sent (also a ValueError and a TypeError)
    ├── InvalidStateError            the client is closed, or a stream has no run yet (also a RuntimeError)
    ├── APIConnectionError           no response: refused, interrupted, unreadable
    │   └── APITimeoutError          no response in time
    ├── InvalidAnswerError           a response that does not match the API
    ├── StreamBroken                 a stream that could not be resumed
    ├── StreamEnded                  a stream of something deleted, or with a key that was revoked (.code)
    ├── RunFailed                    a run that did not complete (.run)
    │   └── ApprovalRequired         a run that waits for approval (.approvals)
    ├── WebhookVerificationError     a webhook that the platform did not send, or long ago
    └── APIStatusError               the server refused (.status_code .code .param .request_id)
        ├── BadRequestError            400
        ├── AuthenticationError        401
        ├── PermissionDeniedError      403
        ├── NotFoundError              404
        ├── ConflictError              409
        ├── PreconditionFailedError    412
        ├── PayloadTooLargeError       413
        ├── UnprocessableEntityError   422
        ├── RateLimitError             429
        └── InternalServerError        500 and above

Any other status is an `APIStatusError` itself.

Three kinds of error are not part of this hierarchy: an `OSError` about a file or folder of the caller, an `ImportError`
of a missing package, and errors of the caller's own functions. A call that does not match the signature raises a
`TypeError`, as usual.
"""

from projectdavid.protocol.events import ApprovalRequiredEvent
from projectdavid.protocol.runs import Run


class ProjectDavidError(Exception):
    """The base class of all errors of the SDK; `message` describes the error."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class MissingAPIKeyError(ProjectDavidError, ValueError):
    """No API key was found, or the one found belongs to another server."""


class InvalidInputError(ProjectDavidError, ValueError, TypeError):
    """An argument, a setting or an environment variable is invalid; nothing was sent."""


class InvalidStateError(ProjectDavidError, RuntimeError):
    """The client is closed, or the stream has no run yet."""


class APIConnectionError(ProjectDavidError):
    """The server could not be reached, or closed the connection before it responded."""

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
        """False if the connection was never established, so the server cannot have received the request."""


class APITimeoutError(APIConnectionError):
    """The server did not respond in time, or a run did not end in time."""


class InvalidAnswerError(ProjectDavidError):
    """The response does not match the API; is the base URL that of a Project David server?"""


class StreamEnded(ProjectDavidError):
    """The server ended a stream before its run, and resuming it cannot succeed.

    `code` is the reason: `user_deleted`, `thread_deleted`, `run_deleted` or `key_revoked`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class StreamBroken(ProjectDavidError):
    """A stream broke before its end and could not be resumed."""


class RunFailed(ProjectDavidError):
    """A run failed, expired, was cancelled, or waits for the output of an unknown function."""

    def __init__(self, run: Run) -> None:
        super().__init__(_story(run))
        self.args = (run,)
        self.run = run
        """The run at that time."""


class ApprovalRequired(RunFailed):
    """A run waits until a person approves calls. It continues once they are decided, with `client.approvals`."""

    def __init__(self, run: Run, approvals: list[ApprovalRequiredEvent]) -> None:
        super().__init__(run)
        self.args = (run, approvals)
        self.approvals = approvals
        """What the run waits for."""

    def __str__(self) -> str:
        names = ", ".join(dict.fromkeys(approval.name for approval in self.approvals))
        return f"The run {self.run.id} waits for approval of: {names}. Decide with client.approvals, or pass 'approve'."


class WebhookVerificationError(ProjectDavidError):
    """A webhook is not signed with the secret, or was signed too long ago."""


class APIStatusError(ProjectDavidError):
    """The server responded with an error."""

    def __init__(
        self,
        message: str = "",
        *,
        status_code: int = 0,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        """The error code of the API."""
        self.param = param
        """The invalid field (`tools.0.type`), if there is one."""
        self.request_id = request_id
        """The id of this request in the server's log."""
        self.retry_after = retry_after
        """Seconds to wait before a retry, if the server sent them."""

    def __str__(self) -> str:
        facts = [f"status {self.status_code}"]
        facts += [f"code {self.code}"] if self.code else []
        facts += [f"param {self.param}"] if self.param else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        return f"{self.message} ({', '.join(facts)})"


class BadRequestError(APIStatusError):
    """The request is invalid in the current state (400)."""


class AuthenticationError(APIStatusError):
    """The API key is missing, wrong, expired or revoked (401)."""


class PermissionDeniedError(APIStatusError):
    """The API key is valid, but has no permission for this (403)."""


class NotFoundError(APIStatusError):
    """The object does not exist, or belongs to another user (404)."""


class ConflictError(APIStatusError):
    """The request conflicts with the current state, such as another run in the thread (409)."""


class PreconditionFailedError(APIStatusError):
    """The object's `etag` no longer matches `if_match`: read the object again and repeat the change (412)."""


class PayloadTooLargeError(APIStatusError):
    """The request is too large (413)."""


class UnprocessableEntityError(APIStatusError):
    """A field is invalid; `param` names it (422)."""


class RateLimitError(APIStatusError):
    """Too many requests; retry after `retry_after` seconds (429)."""


class InternalServerError(APIStatusError):
    """The server failed or is overloaded (500 and above)."""


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: PreconditionFailedError,
    413: PayloadTooLargeError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def error_class(status_code: int) -> type[APIStatusError]:
    """Return the error class for an HTTP status."""
    if status_code >= 500:
        return InternalServerError
    return _BY_STATUS.get(status_code, APIStatusError)


def _story(run: Run) -> str:
    if run.status == "action_required":
        waiting = sorted({action.tool_name for action in run.actions if action.status in ("pending", "processing")})
        return f"the run {run.id} waits for the output of functions that were not passed to it: {', '.join(waiting)}"
    reason = f"{run.error.code}: {run.error.message}" if run.error else run.last_error or run.incomplete_details
    return f"the run {run.id} has the status {run.status}" + (f": {reason}" if reason else "")
