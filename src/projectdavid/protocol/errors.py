"""The error envelope and its codes."""

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
    """An error. `param` is the invalid field (`tools.0.type`), if there is one."""

    type: ErrorType
    code: str
    param: str | None = None
    message: str


class ErrorAnswer(Answer):
    """The envelope of every error."""

    error: ErrorBody
