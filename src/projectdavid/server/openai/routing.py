"""What the routes of the OpenAI dialect have in common."""

from fastapi import APIRouter

from projectdavid.protocol.openai.answers import ErrorAnswer
from projectdavid.server.http.direct import DirectRoute

PREFIX = "/openai/v1"
"""Where the dialect is: the base URL of its clients."""

POLL = {"openai-poll-after-ms": "250"}
"""After how many milliseconds clients look again that wait for something."""

_SAID = {
    400: "The request is not as it should be, or cannot be done in this state",
    401: "No valid API key",
    403: "Only an admin may do this",
    404: "There is no such object, or it is somebody else's",
    409: "The idempotency key was used for another request",
    413: "The body is too large",
    415: "The body is not of the type that it should be",
    429: "A limit is reached; `Retry-After` says when to try again",
    502: "The provider of the model did not do it",
    503: "The server cannot do it now",
}
DOCUMENTED = {status: {"model": ErrorAnswer, "description": said} for status, said in _SAID.items()}


def router(tag: str) -> APIRouter:
    """A router of the dialect."""
    return APIRouter(tags=[tag], route_class=DirectRoute, responses={**DOCUMENTED})
