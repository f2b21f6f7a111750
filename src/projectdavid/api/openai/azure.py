"""Paths of Azure's clients: the dialect of Azure OpenAI and Azure AI Foundry, without `/v1`."""

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from projectdavid.api.openai.routes import ASKED_PATH, PREFIX

_AZURE = re.compile(rb"(?:/api/projects/[A-Za-z0-9][A-Za-z0-9_.-]*(?:/openai)?|/openai)(?:/v1)?(?=/|$)")
"""Prefix of an object's path. The project name is ignored: a key only accesses the objects of its owner."""
_BEGINNINGS = (b"/api/projects/", b"/openai")
_PREFIX = PREFIX.encode()


class AzurePaths:
    """Serves `/openai/...` and `/api/projects/{name}/...` as the same path under `/openai/v1`.

    Clients add `api-version`, which is accepted and ignored. Errors name the requested path.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (raw := find_path(scope.get("raw_path") or b"")):
            path = unquote(raw.decode("ascii", "replace"))
            scope = {**scope, "path": path, "raw_path": raw, ASKED_PATH: scope["path"]}
        await self._app(scope, receive, send)


def find_path(raw: bytes) -> bytes | None:
    """Map a path of Azure's clients to a path of the dialect, both escaped; None if it is not one."""
    if not raw.startswith(_BEGINNINGS):
        return None
    found = _AZURE.match(raw)
    if found is None or raw.startswith(_PREFIX + b"/"):
        return None
    return _PREFIX + (raw[found.end() :] or b"/")
