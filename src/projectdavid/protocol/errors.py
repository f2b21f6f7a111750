"""The one error envelope, and the codes that stand in it."""

from typing import Literal

from projectdavid.protocol.base import Answer

ErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "permission_error",
    "not_found_error",
    "conflict_error",
    "rate_limit_error",
    "server_error",
]


class ErrorBody(Answer):
    """What went wrong. `param` is the field at fault (`tools.0.type`), where there is one."""

    type: ErrorType
    code: str
    param: str | None = None
    message: str


class ErrorAnswer(Answer):
    """The envelope of every error."""

    error: ErrorBody
