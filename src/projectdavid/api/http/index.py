"""Route lookup by path shape, instead of matching every route in turn."""

import re
from typing import Any

from fastapi.routing import APIRoute, APIRouter
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from projectdavid.api.http.head_requests import answer_head

Shape = tuple[str, int, str]
"""Method, number of path segments, and the segment that names the resource (the first after the version)."""


DISGUISED = re.compile(rb"%(?:2[DEF]|3\d|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
"""An escaped letter, digit, `-`, `.`, `_`, `~`, `/` or `\\`: RFC 3986, section 6.2.2.2, plus both slashes."""
NEEDLESS_ESCAPES = (
    "There is no such route: the path has percent-encoded letters, digits or slashes."
    " Write them without percent-encoding."
)
_MOUNTED = b"/openai/v1/"
_MODELS = b"/openai/v1/models/"
"""Names of models contain slashes, which clients escape."""


def is_disguised(scope: Scope) -> bool:
    """True if a path has unnecessary escapes, which could bypass the path rules of a proxy."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return False
    if raw.startswith(_MODELS):
        raw = re.sub(rb"%2F", b"", raw, flags=re.IGNORECASE)
    return DISGUISED.search(raw) is not None


def _is_mounted(scope: Scope) -> bool:
    return bool((scope.get("raw_path") or b"").startswith(_MOUNTED))


class RouteIndex:
    """Wraps a router, and falls back to it for unknown paths and methods.

    A path without ids takes precedence over paths with ids: `GET /threads/runs` does not match `/threads/{id}`.
    """

    def __init__(self, router: APIRouter, root: str = "") -> None:
        self._router = router
        self._root = root
        self._plain: dict[str, dict[str, APIRoute]] = {}
        self._routes: dict[Shape, list[APIRoute]] = {}
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    if "{" in route.path:
                        self._routes.setdefault(_shape(method, route.path), []).append(route)
                    else:
                        self._plain.setdefault(route.path, {})[method] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Mounted applications return their own errors.
        if scope["type"] == "http" and is_disguised(scope) and (self._root or not _is_mounted(scope)):
            raise HTTPException(404, NEEDLESS_ESCAPES)
        if scope["type"] == "http" and scope.get("root_path", "") == self._root:
            path = scope["path"].removeprefix(self._root)
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            if plain := self._plain.get(path):
                if method not in plain:
                    raise HTTPException(405)
                await self._answer(plain[method], {}, scope, receive, send)
                return
            for route in self._routes.get(_shape(method, path), ()):
                if match := route.path_regex.match(path):
                    await self._answer(route, match.groupdict(), scope, receive, send)
                    return
        await self._router.app(scope, receive, send)

    async def _answer(self, route: APIRoute, ids: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"], scope["router"], scope["endpoint"] = route, self._router, route.endpoint
        scope["path_params"] = ids
        if scope["method"] == "HEAD":
            await answer_head(route.app, scope, receive, send)
        else:
            await route.app(scope, receive, send)


def _shape(method: str, path: str) -> Shape:
    parts = path.split("/")
    at = 2 if parts[1:2] == ["v1"] else 1
    return method, len(parts), parts[at] if len(parts) > at else ""
