"""What can go wrong, as the caller of the SDK sees it.

::

    ProjectDavidError
    ├── MissingAPIKeyError           no key was found (also a ValueError)
    ├── APIConnectionError           no answer: refused, broken off, unreadable
    │   └── APITimeoutError          no answer in time
    ├── InvalidAnswerError           an answer that is not in the words of the API
    ├── StreamBroken                 a stream that could not be read on
    ├── StreamEnded                  a stream of something deleted, or with a key that was revoked (.code)
    ├── RunFailed                    a run that did not complete (.run)
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
"""

from projectdavid.protocol.runs import Run


class ProjectDavidError(Exception):
    """The root of all errors of the SDK; `message` says what happened."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class MissingAPIKeyError(ProjectDavidError, ValueError):
    """No API key was found, or the one that was found is meant for another server."""


class APIConnectionError(ProjectDavidError):
    """The server could not be reached, or broke off before it answered."""

    def __init__(self, message: str = "", *, sent: bool = True) -> None:
        super().__init__(message)
        self.sent = sent
        """False where the connection was never made, so that the server cannot have done anything."""


class APITimeoutError(APIConnectionError):
    """The server did not answer in time, or a run did not come to rest in time."""


class InvalidAnswerError(ProjectDavidError):
    """The server answered something else than its API says; is the base URL that of a Project David server?"""


class StreamEnded(ProjectDavidError):
    """The server ended a stream before its run was over, and reading on cannot succeed.

    `code` says why: `user_deleted`, `thread_deleted`, `run_deleted` or `key_revoked`.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class StreamBroken(ProjectDavidError):
    """A stream ended before its end, and reading on from there did not succeed."""


class RunFailed(ProjectDavidError):
    """A run failed, expired, was cancelled, or waits for the output of a function that nobody here knows."""

    def __init__(self, run: Run) -> None:
        super().__init__(_story(run))
        self.args = (run,)
        self.run = run
        """The run, as it was then."""


class WebhookVerificationError(ProjectDavidError):
    """A webhook is not signed with the secret, or was signed too long ago."""


class APIStatusError(ProjectDavidError):
    """The server answered with an error."""

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
        """What went wrong, in one word of the API."""
        self.param = param
        """The field at fault (`tools.0.type`), where there is one."""
        self.request_id = request_id
        """The name of this request in the server's log."""
        self.retry_after = retry_after
        """Seconds after which the server wants to be asked again, where it said so."""

    def __str__(self) -> str:
        facts = [f"status {self.status_code}"]
        facts += [f"code {self.code}"] if self.code else []
        facts += [f"param {self.param}"] if self.param else []
        facts += [f"request {self.request_id}"] if self.request_id else []
        return f"{self.message} ({', '.join(facts)})"


class BadRequestError(APIStatusError):
    """The request makes no sense in the present state (400)."""


class AuthenticationError(APIStatusError):
    """The API key is missing, wrong, expired or revoked (401)."""


class PermissionDeniedError(APIStatusError):
    """The key is good, but may not do this (403)."""


class NotFoundError(APIStatusError):
    """There is no such thing, or it belongs to somebody else (404)."""


class ConflictError(APIStatusError):
    """Something else is in the way, such as another run in the thread (409)."""


class PreconditionFailedError(APIStatusError):
    """The object is not the one that `if_match` names any more: read it again, and decide again (412)."""


class PayloadTooLargeError(APIStatusError):
    """The request is too big (413)."""


class UnprocessableEntityError(APIStatusError):
    """A field is wrong; `param` names it (422)."""


class RateLimitError(APIStatusError):
    """Too many requests; `retry_after` says when to come back (429)."""


class InternalServerError(APIStatusError):
    """The server failed, or is overloaded (500 and above)."""


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
    """The class of errors with this HTTP status."""
    if status_code >= 500:
        return InternalServerError
    return _BY_STATUS.get(status_code, APIStatusError)


def _story(run: Run) -> str:
    if run.status == "requires_action":
        waiting = sorted({action.tool_name for action in run.actions if action.status in ("pending", "processing")})
        return f"the run {run.id} waits for the output of a function that was not given to it: {', '.join(waiting)}"
    reason = f"{run.error.code}: {run.error.message}" if run.error else run.last_error or run.incomplete_details
    return f"the run {run.id} is {run.status}" + (f": {reason}" if reason else "")
