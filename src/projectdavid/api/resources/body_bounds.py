"""Body limits by route: files, bodies with long texts, images or vectors, and all others."""

import re

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.middleware import RouteBodyLimit
from projectdavid.api.resources import upload_bodies
from projectdavid.settings import Settings

LARGE_BODIES = re.compile(
    r"/v1/messages(/assistant|/tools)?"
    r"|/v1/(assistants|actions)(/[^/]+)?"
    r"|/v1/runs(/[^/]+/submit_tool_outputs)?"
    r"|/v1/vector-stores/[^/]+/(vectors|file-batches)"
    r"|/v1/imports/[^/]+/objects"
    r"|/openai/v1/assistants(/[^/]+)?"
    r"|/openai/v1/threads(/runs|/[^/]+/(messages|runs(/[^/]+/submit_tool_outputs)?))?"
    r"|/openai/v1/vector_stores/[^/]+/file_batches"
)
"""Paths whose bodies can contain images, vectors, many messages, or texts of 256,000 characters. Escaped as surrogate
pairs, such a text has 3 MB."""
OPEN_PATH = "/v1/auth/exchange"
OPEN_BODY = 4096
"""Bytes of the body of `OPEN_PATH`, which is read before the client is authenticated."""


def find_bound(path: str, settings: Settings) -> RouteBodyLimit:
    """Return the body limit of a path."""
    if path == OPEN_PATH:
        text = f"The body is larger than {OPEN_BODY} bytes, which is the limit of this route."
        return RouteBodyLimit(OPEN_BODY, lambda: ApiError(413, "body_too_large", text))
    if bound := upload_bodies.bound(path, settings.max_file):
        return bound
    name = "max_large_body" if LARGE_BODIES.fullmatch(path) else "max_body"
    limit: int = getattr(settings, name)
    message = f"The body is larger than {limit} bytes, which is the limit of this route (setting '{name}')."
    return RouteBodyLimit(limit, lambda: ApiError(413, "body_too_large", message))
