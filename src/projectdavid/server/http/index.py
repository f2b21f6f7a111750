"""Find a route by the shape of its path, where the router would try one after the other."""

from fastapi.routing import APIRoute, APIRouter
from starlette.types import Receive, Scope, Send

Shape = tuple[str, int, str]
"""The method, the number of parts of the path, and the one that names the resource: the first behind a version."""


class Index:
    """Stands before a router. What it does not find, or finds with another method, the router looks for itself."""

    def __init__(self, router: APIRouter, root: str = "") -> None:
        self._router = router
        self._root = root
        self._routes: dict[Shape, list[APIRoute]] = {}
        for route in router.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    self._routes.setdefault(_shape(method, route.path), []).append(route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("root_path", "") == self._root and "fastapi.telemetry" not in scope:
            path = scope["path"].removeprefix(self._root)
            for route in self._routes.get(_shape(scope["method"], path), ()):
                if match := route.path_regex.match(path):
                    scope["route"], scope["router"], scope["endpoint"] = route, self._router, route.endpoint
                    scope["path_params"] = match.groupdict()
                    await route.app(scope, receive, send)
                    return
        await self._router.app(scope, receive, send)


def _shape(method: str, path: str) -> Shape:
    parts = path.split("/")
    at = 2 if parts[1:2] == ["v1"] else 1
    return method, len(parts), parts[at] if len(parts) > at else ""
