"""Common parts of the dialect's routes."""

from typing import Any

from fastapi import APIRouter

from projectdavid.api.requests.lazy_routes import LazyRoute
from projectdavid.protocol.openai.answers import OpenAIErrorAnswer

PREFIX = "/openai/v1"
"""Path prefix of the dialect: the base URL of its clients."""

ASKED_PATH = "projectdavid.asked_path"
"""Scope key of the requested path, if it was mapped to another one."""

POLL = {"openai-poll-after-ms": "250"}
"""Milliseconds after which polling clients look again."""

SAID = {
    400: "The request is invalid, or not possible in this state",
    401: "No valid API key",
    403: "Only admins are allowed to do this",
    404: "The object does not exist, or belongs to another user",
    413: "The body is too large",
    415: "The body has another content type than expected",
    429: "A limit is reached; `Retry-After` says when to try again",
    502: "The provider of the model failed",
    503: "The server is temporarily unable to do it",
}
HEADERS: dict[int, dict[str, Any]] = {
    401: {"headers": {"WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Bearer"}}}},
    429: {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer", "minimum": 1}}}},
}


def error_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the possible errors of a route, for OpenAPI."""
    return {
        status: {"model": OpenAIErrorAnswer, "description": SAID[status], **HEADERS.get(status, {})}
        for status in statuses
    }


def router(tag: str) -> APIRouter:
    """Create a router of the dialect; `describing` adds errors implied by a route's parameters."""
    return APIRouter(tags=[tag], route_class=LazyRoute, responses=error_responses(400, 401, 404, 429, 503))
