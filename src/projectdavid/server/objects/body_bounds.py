"""How many bytes the body of each route may have: files, bodies that carry images or vectors, and all others."""

import re

from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.middleware import Bound
from projectdavid.server.objects import receiving
from projectdavid.server.settings import Settings

LARGE_BODIES = re.compile(
    r"/v1/messages(/assistant|/tools)?"
    r"|/v1/vector-stores/[^/]+/vectors"
    r"|/openai/v1/threads(/runs|/[^/]+/(messages|runs))?"
)
"""The paths whose bodies may carry images or vectors."""


def find_bound(path: str, settings: Settings) -> Bound:
    """Return the bound of a body that is sent to `path`."""
    if bound := receiving.bound(path, settings.max_file):
        return bound
    name = "max_large_body" if LARGE_BODIES.fullmatch(path) else "max_body"
    limit: int = getattr(settings, name)
    message = f"The body is larger than {limit} bytes, which is the limit of this route (setting '{name}')."
    return Bound(limit, lambda: ApiError(413, "body_too_large", message))
