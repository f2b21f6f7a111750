"""Errors in the words of the dialect: texts and codes that its users know, and 400 where a field is wrong."""

import re
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from projectdavid.engine.run import Refused
from projectdavid.ports.store import Clash, StoreError
from projectdavid.runtime.routing import UnknownModel
from projectdavid.server.http.errors import ApiError, NotFound, allowing, explained, translate, with_use
from projectdavid.server.http.explaining import CODES
from projectdavid.server.objects.response_formats import SchemaRefused
from projectdavid.server.openai.explaining import said_of

KINDS = {"step": "run step", "upload_part": "upload part", "vector_store_file": "file", "file_batch": "file batch"}
"""What kinds are called, where that is not their own word."""
PROBLEMS = {code: kind for kind, code in CODES.items()}
"""What pydantic calls what the native API says of a field itself; of all else it only says that the value is wrong."""
IN_STATE = frozenset({"invalid_state", "call_answered", "unknown_call", "vector_store_expired"})


def install(app: FastAPI) -> None:
    """Make every exception that may leave a route of the dialect an error of it."""

    async def answer(request: Request, error: Exception) -> Response:
        return envelope(_translated(await with_use(error, request), request))

    for kind in (ApiError, RequestValidationError, HTTPException, StoreError, Refused, UnknownModel):
        app.add_exception_handler(kind, answer)


def envelope(error: ApiError) -> Response:
    """The answer that tells of an error."""
    return Response(encoded(error), error.status, error.headers, media_type="application/json")


def encoded(error: ApiError) -> bytes:
    """The same as JSON."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    if error.status == 429:
        kind = "rate_limit_error"
    told = {"message": error.message, "type": kind, "param": error.param, "code": error.code or None}
    return msgspec.json.encode({"error": told})


def _translated(error: Exception, request: Request) -> ApiError:
    match error:
        case RequestValidationError():
            return _invalid(error, request)
        case HTTPException(status_code=404 | 405):
            return _unknown_url(error, request)
        case Clash(kind="open_run"):
            return ApiError(400, "", str(error))
        case _:
            return _in_words(translate(error))


def _in_words(error: ApiError) -> ApiError:
    param = _bracketed(error.param)
    match error:
        case NotFound(kind="file"):
            return ApiError(404, "", f"No such File object: {error.shown}", param or "id")
        case NotFound(kind="model"):
            return ApiError(404, "model_not_found", f"The model '{error.shown}' does not exist", "model")
        case NotFound():
            kind = KINDS.get(error.kind, error.kind.replace("_", " "))
            return ApiError(404, "", f"No {kind} found with id '{error.shown}'.", param)
        case SchemaRefused():
            said = f"Invalid schema for response_format '{error.name}': In context={error.path}, {error.problem}."
            return ApiError(400, "", said, param)
        case ApiError(status=422):
            problem = {"type": PROBLEMS.get(error.code, "")}
            code, message = said_of(problem, str(param), error.message.removeprefix(f"{error.param}: "))
            return ApiError(400, code, message, param)
        case ApiError(code=code) if code in IN_STATE:
            return ApiError(error.status, "", error.message, param)
        case _:
            return error


def _invalid(error: RequestValidationError, request: Request) -> ApiError:
    """The first problem, as OpenAI's validators put it."""
    problems: Any = error.errors()
    if problems[0]["type"] == "json_invalid":
        said = f"We could not parse the JSON body of your request: {problems[0]['ctx']['error']}."
        return ApiError(400, "invalid_json", said)
    told = explained(error, request)
    param = _bracketed(told.param)
    if param is None:
        return ApiError(400, "invalid_type", f"Invalid body: {told.message.removeprefix('body: ')}.")
    code, message = said_of(told.first, param, told.message.partition(": ")[2])
    return ApiError(400, code, message, param)


def _bracketed(param: str | None) -> str | None:
    """The path of a field, with its places in lists in brackets: `tools[1].function.description`."""
    return None if param is None else re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", param)


def _unknown_url(error: HTTPException, request: Request) -> ApiError:
    asked = f"({request.method} {request.url.path})"
    if error.status_code == 405:
        return ApiError(405, "", f"Invalid method for URL {asked}", headers=allowing(request))
    return ApiError(404, "", f"Invalid URL {asked}")
