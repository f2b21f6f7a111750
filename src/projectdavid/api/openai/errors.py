"""Errors in the format of the dialect: messages and codes of the service, and 400 for invalid fields."""

import re
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from projectdavid.api.http.errors import ApiError, NotFound, allowing, translate, validation_error, with_use
from projectdavid.api.http.json_bounds import LoneSurrogate
from projectdavid.api.http.validation_errors import CODES
from projectdavid.api.openai.routes import ASKED_PATH
from projectdavid.api.openai.validation_errors import describe_problem
from projectdavid.api.resources.response_formats import SchemaRefused
from projectdavid.engine.run import InputRefused
from projectdavid.ports.store import StoreError, UniqueClash
from projectdavid.runtime.model_registry import UnknownModel

KINDS = {"step": "run step", "upload_part": "upload part", "vector_store_file": "file", "file_batch": "file batch"}
"""Display names of kinds, if different."""
PROBLEMS = {code: kind for kind, code in CODES.items()}
"""The pydantic type of validation messages written by us; for others, the generic text is used."""
IN_STATE = frozenset({"invalid_state", "call_answered", "unknown_call", "vector_store_expired"})


def install(app: FastAPI) -> None:
    """Register handlers that convert every exception of a route to an error of the dialect."""

    async def answer(request: Request, error: Exception) -> Response:
        return envelope(_translate(await with_use(error, request), request))

    for kind in (ApiError, RequestValidationError, HTTPException, StoreError, InputRefused, UnknownModel):
        app.add_exception_handler(kind, answer)


def envelope(error: ApiError) -> Response:
    """Build the response for an error."""
    return Response(encode_error(error), error.status, error.headers, media_type="application/json")


def encode_error(error: ApiError) -> bytes:
    """Encode an error as JSON."""
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    if error.status == 429:
        kind = "rate_limit_error"
    told = {"message": error.message, "type": kind, "param": error.param, "code": error.code or None}
    return msgspec.json.encode({"error": told})


def _translate(error: Exception, request: Request) -> ApiError:
    match error:
        case RequestValidationError():
            return _invalid(error, request)
        case HTTPException(status_code=404 | 405):
            return _unknown_url(error, request)
        case UniqueClash(kind="open_run"):
            return ApiError(400, "", str(error))
        case _:
            return _in_words(translate(error))


def _in_words(error: ApiError) -> ApiError:
    param = _bracket_indexes(error.param)
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
            code, message = describe_problem(problem, str(param), error.message.removeprefix(f"{error.param}: "))
            return ApiError(400, code, message, param)
        case LoneSurrogate():
            said = f"We could not parse the JSON body of your request: {error.describe(param or '')}."
            return ApiError(400, "invalid_json", said, param)
        case ApiError(code=code) if code in IN_STATE:
            return ApiError(error.status, "", error.message, param)
        case _:
            return error


def _invalid(error: RequestValidationError, request: Request) -> ApiError:
    """Convert the first validation problem, in the style of OpenAI's validators."""
    problems: Any = error.errors()
    if problems[0]["type"] == "json_invalid":
        said = f"We could not parse the JSON body of your request: {problems[0]['ctx']['error']}."
        return ApiError(400, "invalid_json", said)
    told = validation_error(error, request)
    param = _bracket_indexes(told.param)
    if param is None:
        return ApiError(400, "invalid_type", f"Invalid body: {told.message.removeprefix('body: ')}.")
    code, message = describe_problem(told.first, param, told.message.partition(": ")[2])
    return ApiError(400, code, message, param)


def _bracket_indexes(param: str | None) -> str | None:
    """Return the path of a field with list indexes in brackets: `tools[1].function.description`."""
    return None if param is None else re.sub(r"\.(\d+)(?=\.|$)", r"[\1]", param)


def _unknown_url(error: HTTPException, request: Request) -> ApiError:
    asked = f"({request.method} {request.scope.get(ASKED_PATH, request.url.path)})"
    if error.status_code == 405:
        return ApiError(405, "", f"Invalid method for URL {asked}", headers=allowing(request))
    return ApiError(404, "", f"Invalid URL {asked}")
