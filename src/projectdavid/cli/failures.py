"""What to do about each error of the SDK."""

from projectdavid.cli.printing import Failure
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


def failure_of(error: ProjectDavidError) -> Failure:
    """The line that is printed."""
    text = str(error).strip() or type(error).__name__
    return Failure(text.splitlines()[0], _next_step(error))


def _next_step(error: ProjectDavidError) -> str:
    match error:
        case APIConnectionError():
            return "start the server with `projectdavid serve`, or look with `projectdavid doctor`"
        case AuthenticationError():
            return "`projectdavid doctor` says which key is used and where it comes from"
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
            return "`projectdavid doctor` says which key is used and where it comes from"
        case StreamBroken():
            return "`projectdavid runs events RUN --after POSITION` reads on"
        case InternalServerError():
            return "the server's log says more, under the name of the request"
        case _:
            return ""


def _list_of(error: APIStatusError) -> str:
    kind = (error.code or "").removesuffix("_not_found")
    if kind == "delivery":
        return "`projectdavid webhooks deliveries` shows what there is"
    if kind == "vector_store":
        return "`projectdavid stores list` shows what there is"
    return (
        f"`projectdavid {kind}s list` shows what there is"
        if kind in ("assistant", "thread", "run", "user", "file")
        else ""
    )
