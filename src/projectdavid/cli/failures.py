"""The next step for each error of the SDK."""

from projectdavid.cli.output import CommandError
from projectdavid.client.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    PermissionDeniedError,
    ProjectDavidError,
    RateLimitError,
    StreamBroken,
    StreamEnded,
)


def failure_of(error: ProjectDavidError) -> CommandError:
    """The line that is printed."""
    text = str(error).strip() or type(error).__name__
    return CommandError(text.splitlines()[0], _next_step(error))


def _next_step(error: ProjectDavidError) -> str:
    match error:
        case APIConnectionError():
            return "start the server with `projectdavid serve`, or run `projectdavid doctor`"
        case AuthenticationError():
            return "`projectdavid doctor` shows which key is used and where it comes from"
        case PermissionDeniedError(code="approval_forbidden"):
            return "use the key of a person: this one was created without the right to approve"
        case PermissionDeniedError():
            return "set PROJECTDAVID_API_KEY to the key of an admin"
        case ConflictError(code="thread_busy"):
            return "`projectdavid runs cancel RUN`, or wait for it with `projectdavid runs events RUN`"
        case BadRequestError(code="no_webhook"):
            return "`projectdavid assistants update ASSISTANT --webhook-url URL`"
        case NotFoundError():
            return _list_of(error)
        case RateLimitError():
            return "try again" + (f" in {error.retry_after:g} s" if error.retry_after else " later")
        case StreamEnded(code="key_revoked"):
            return "`projectdavid doctor` shows which key is used and where it comes from"
        case StreamBroken():
            return "`projectdavid runs events RUN --after POSITION` resumes"
        case InternalServerError():
            return "see the server's log for this request id"
        case _:
            return ""


def _list_of(error: APIStatusError) -> str:
    kind = (error.code or "").removesuffix("_not_found")
    if kind == "delivery":
        return "`projectdavid webhooks deliveries` lists the existing ones"
    if kind == "vector_store":
        return "`projectdavid stores list` lists the existing ones"
    return (
        f"`projectdavid {kind}s list` lists the existing ones"
        if kind in ("assistant", "thread", "run", "user", "file", "approval")
        else ""
    )
