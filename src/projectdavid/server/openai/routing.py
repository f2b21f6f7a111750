"""What the routes of the OpenAI dialect have in common."""

from typing import Any

from fastapi import APIRouter

from projectdavid.protocol.openai.answers import ErrorAnswer
from projectdavid.server.http.direct import DirectRoute

PREFIX = "/openai/v1"
"""Where the dialect is: the base URL of its clients."""

POLL = {"openai-poll-after-ms": "250"}
"""After how many milliseconds clients look again that wait for something."""

SAID = {
    400: "The request is not as it should be, or cannot be done in this state",
    401: "No valid API key",
    403: "Only an admin may do this",
    404: "There is no such object, or it is somebody else's",
    413: "The body is too large",
    415: "The body is not of the type that it should be",
    429: "A limit is reached; `Retry-After` says when to try again",
    502: "The provider of the model did not do it",
    503: "The server cannot do it now",
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}}},
    429: {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}},
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Errors that a route may answer with, for OpenAPI."""
    return {
        status: {"model": ErrorAnswer, "description": SAID[status], **HEADERS.get(status, {})} for status in statuses
    }


def router(tag: str) -> APIRouter:
    """A router of the dialect; `describing` adds the errors that come of what a route takes."""
    return APIRouter(tags=[tag], route_class=DirectRoute, responses=documented(400, 401, 404, 429, 503))
