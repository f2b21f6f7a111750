"""Error responses: the only place that converts exceptions to the error envelope."""

import logging
from dataclasses import replace
from http import HTTPStatus
from math import ceil
from typing import Any, get_args

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from projectdavid.api.http.validation_errors import ValidationProblem
from projectdavid.engine.run import InputRefused
from projectdavid.ports.store import RowMissing, StaleRow, StoreError, StoreUnavailable, UniqueClash
from projectdavid.protocol.errors import ErrorAnswer
from projectdavid.runtime.model_registry import UnknownModel
from projectdavid.runtime.quota import LimitExceeded
from projectdavid.runtime.storage_limits import LimitReached

log = logging.getLogger("projectdavid.http")

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    412: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    502: "server_error",
    503: "server_error",
}

DOCUMENTED: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": text}
    for status, text in {
        400: "The request cannot be read, or cannot be done in this state",
        401: "No valid API key",
        404: "The object does not exist, or belongs to another user",
        422: "A field is missing, unknown, of the wrong type, or out of its range",
        429: "A limit is reached; `Retry-After` says when to try again",
        503: "The store cannot write now",
    }.items()
}
"""Errors that every route can return, for OpenAPI."""

WITH_BODY: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorAnswer, "description": "The body is too large"},
    415: {"model": ErrorAnswer, "description": "The body is not JSON"},
}
FORBIDDEN: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "Only an admin, or the user in question, may do this"}
}
UPSTREAM: dict[int | str, dict[str, Any]] = {502: {"model": ErrorAnswer, "description": "The run failed"}}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorAnswer, "description": "The object already exists, or was changed concurrently"}
}

CONFLICTS = frozenset({"approval_decided", "approval_changed"})
"""Codes of refused inputs that another writer was faster than."""
MAX_PROBLEMS = 64
"""Maximum number of validation errors examined per request."""
LAST_ADMIN = (
    "This would leave the server without an admin who has a valid API key. "
    "Make another user an admin and give them a key first."
)


class ApiError(Exception):
    """Error response; `param` is the invalid field."""

    def __init__(
        self, status: int, code: str, message: str, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        self.headers = headers


def envelope(error: ApiError) -> Response:
    """Return the response for an error."""
    body = {
        "error": {
            "type": TYPES.get(error.status, "invalid_request_error"),
            "code": error.code,
            "param": error.param,
            "message": error.message,
        }
    }
    return Response(msgspec.json.encode(body), error.status, error.headers, media_type="application/json")


class NotFound(ApiError):
    """404: the object does not exist or belongs to another user; the response does not reveal which."""

    def __init__(self, kind: str, object_id: str, param: str | None = None) -> None:
        shown = object_id if len(object_id) <= 64 else object_id[:64] + "..."
        super().__init__(404, f"{kind}_not_found", f"There is no {kind.replace('_', ' ')} '{shown}'.", param)
        self.kind = kind
        self.shown = shown


def missing_error(kind: str, object_id: str, param: str | None = None) -> NotFound:
    """Return a 404 error for an object."""
    return NotFound(kind, object_id, param)


def refused_error(error: InputRefused, param: str | None) -> ApiError:
    """Return the error for an input that the run refused. `param` is the field of the request body, if any."""
    return ApiError(409 if error.code in CONFLICTS else 400, error.code, str(error), error.param and param)


def install(app: FastAPI) -> None:
    """Install handlers that convert every exception of a route to the envelope."""

    async def answer(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code == 405:
            return envelope(_not_allowed(request))
        if isinstance(error, RequestValidationError):
            return envelope(_invalid(error, request))
        return envelope(translate(await with_use(error, request)))

    for kind in (ApiError, RequestValidationError, HTTPException, StoreError, InputRefused, UnknownModel):
        app.add_exception_handler(kind, answer)


async def with_use(error: Exception, request: Request) -> Exception:
    """Add current usage to an error about a limit."""
    if isinstance(error, LimitReached) and error.used is None:
        caller = request.state.caller
        return replace(error, used=(await caller.platform.quota.storage_used(caller.user_id)).get(error.limit))
    return error


def translate(error: Exception) -> ApiError:
    """Translate an exception to an API error."""
    match error:
        case ApiError():
            return error
        case HTTPException():
            return _http(error)
        case RowMissing(kind, object_id):
            return missing_error(kind, object_id)
        case UniqueClash(kind="last_admin"):
            return ApiError(409, "last_admin", LAST_ADMIN)
        case UniqueClash(kind, object_id):
            return ApiError(409, f"{kind}_exists", f"There is a {kind.replace('_', ' ')} '{object_id}' already.")
        case StaleRow():
            return ApiError(409, "changed_meanwhile", "The object was changed concurrently. Read it again, then retry.")
        case StoreUnavailable():
            log.error("the store is unavailable: %s", error)
            return ApiError(503, "store_unavailable", "The server cannot write now; nothing was changed. Try again.")
        case LimitExceeded() as exceeded:
            seconds = {"retry-after": str(max(ceil(exceeded.retry_after), 1))}
            return ApiError(429, exceeded.code, exceeded.message, headers=seconds)
        case LimitReached():
            return ApiError(400, "storage_limit_reached", str(error))
        case InputRefused():
            return refused_error(error, error.param)
        case UnknownModel():
            return ApiError(400, "model_not_found", str(error), "model")
        case _:
            raise error


def _http(error: HTTPException) -> ApiError:
    headers = dict(error.headers) if error.headers else None
    match error.status_code:
        case 404:
            said = "There is no such route; /docs shows those that are."
            if error.detail != HTTPStatus.NOT_FOUND.phrase:
                said = str(error.detail)
            return ApiError(404, "route_not_found", said, None, headers)
        case status:
            return ApiError(status, "bad_request", str(error.detail), None, headers)


def _not_allowed(request: Request) -> ApiError:
    headers = allowing(request)
    said = f"This route answers to: {headers['allow']}."
    return ApiError(405, "method_not_allowed", said, headers=headers)


def allowing(request: Request) -> dict[str, str]:
    """Return the `Allow` header of a 405 for a path, ignoring routes that match it only as an id."""
    path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
    routes = [route for route in request.app.routes if isinstance(route, APIRoute)]
    own = [route for route in routes if route.path == path] or [
        route for route in routes if route.path_regex.match(path)
    ]
    methods = {method for route in own for method in route.methods or ()} or {"GET"}
    if "GET" in methods:
        methods.add("HEAD")
    return {"allow": ", ".join(sorted(methods))}  # paths outside the API routes are documentation pages


def _invalid(error: RequestValidationError, request: Request) -> ApiError:
    """Describe the first validation error and count the others."""
    problems: Any = error.errors()
    if problems[0]["type"] == "json_invalid":
        return ApiError(400, "invalid_json", f"The body is not valid JSON: {problems[0]['ctx']['error']}.")
    told = validation_error(error, request)
    return ApiError(422, told.code, told.message, told.param)


def validation_error(error: RequestValidationError, request: Request) -> ValidationProblem:
    """Return the error for an invalid request, based on its first problem."""
    problems: Any = error.errors()[:MAX_PROBLEMS]
    field = getattr(request.scope.get("route"), "body_field", None)
    annotation = None if field is None else field.field_info.annotation
    model = next((kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)), None)
    known = model if model is not None and issubclass(model, BaseModel) else None
    return ValidationProblem(problems, error.body, known)
