"""Find a route by the shape of its path, where the router would try one after the other."""

import re
from typing import Any

from fastapi.routing import APIRoute, APIRouter
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

Shape = tuple[str, int, str]
"""The method, the number of parts of the path, and the one that names the resource: the first behind a version."""


DISGUISED = re.compile(rb"%(?:2[DEF]|3\d|4[1-9A-F]|5[0-9ACF]|6[1-9A-F]|7[0-9AE])", re.IGNORECASE)
"""An escaped letter, digit, `-`, `.`, `_`, `~`, `/` or `\\`: RFC 3986, section 6.2.2.2, plus both slashes."""
_MOUNTED = b"/openai/v1/"
_MODELS = b"/openai/v1/models/"
"""Names of models contain slashes, which clients escape."""


def is_disguised(scope: Scope) -> bool:
    """True if a path is escaped where it need not be, so that a proxy's rules could take it for another one."""
    raw: bytes = scope.get("raw_path") or b""
    if b"%" not in raw:
        return False
    if raw.startswith(_MODELS):
        raw = re.sub(rb"%2F", b"", raw, flags=re.IGNORECASE)
    return DISGUISED.search(raw) is not None


def _is_mounted(scope: Scope) -> bool:
    return bool((scope.get("raw_path") or b"").startswith(_MOUNTED))


class Index:
    """Stands before a router. What it does not find, or finds with another method, the router looks for itself.

    A path without ids is itself alone, whatever paths with ids would match it: `GET /threads/runs` is no thread.
    """

    def __init__(self, router: APIRouter, root: str = "") -> None:
        self._router = router
        self._root = root
        self._plain: dict[str, dict[str, APIRoute]] = {}
        self._routes: dict[Shape, list[APIRoute]] = {}
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    if route.param_convertors:
                        self._routes.setdefault(_shape(method, route.path), []).append(route)
                    else:
                        self._plain.setdefault(route.path, {})[method] = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What is mounted below refuses in its own words.
        if scope["type"] == "http" and is_disguised(scope) and (self._root or not _is_mounted(scope)):
            raise HTTPException(404)
        if scope["type"] == "http" and scope.get("root_path", "") == self._root and "fastapi.telemetry" not in scope:
            path = scope["path"].removeprefix(self._root)
            if plain := self._plain.get(path):
                if scope["method"] not in plain:
                    raise HTTPException(405)
                await self._answer(plain[scope["method"]], {}, scope, receive, send)
                return
            for route in self._routes.get(_shape(scope["method"], path), ()):
                if match := route.path_regex.match(path):
                    await self._answer(route, match.groupdict(), scope, receive, send)
                    return
        await self._router.app(scope, receive, send)

    async def _answer(self, route: APIRoute, ids: dict[str, Any], scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"], scope["router"], scope["endpoint"] = route, self._router, route.endpoint
        scope["path_params"] = ids
        await route.app(scope, receive, send)


def _shape(method: str, path: str) -> Shape:
    parts = path.split("/")
    at = 2 if parts[1:2] == ["v1"] else 1
    return method, len(parts), parts[at] if len(parts) > at else ""
