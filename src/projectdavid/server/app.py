"""The HTTP application around a platform."""

import asyncio
import re
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from starlette.routing import Mount

from projectdavid.protocol.assistants import PLATFORM_TOOLS
from projectdavid.protocol.users import Health
from projectdavid.server.http import errors
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.index import Index
from projectdavid.server.http.middleware import BodyLimit, Bound, LastResort, ReadOnly, RequestId
from projectdavid.server.http.once import describe_key
from projectdavid.server.native import ROUTERS, computer
from projectdavid.server.objects.body_bounds import find_bound
from projectdavid.server.openai.app import create_dialect
from projectdavid.server.openai.routing import PREFIX
from projectdavid.server.platform import Platform
from projectdavid.server.reference import reference_answer
from projectdavid.server.settings import Settings

VERSION = version("projectdavid")
OPEN = frozenset({"/health", "/v1/files/download"})
"""The paths that need no key."""


def create_app(platform: Platform) -> FastAPI:
    """The application; its life is the life of the platform's worker, sweeper and outbox."""
    app = FastAPI(
        title="projectdavid",
        version=VERSION,
        summary="An open, self-hosted Assistants platform.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.platform = platform
    errors.install(app)
    app.router.routes.append(_mounted(create_dialect(platform)))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.routes.append(computer.terminal)
    app.add_middleware(BodyLimit, bound_of=lambda path: _bound_of(path, platform.settings))
    if platform.held_since is not None:
        app.add_middleware(ReadOnly)
    app.add_middleware(LastResort)
    app.add_middleware(RequestId)
    _add_own_routes(app)
    app.router.middleware_stack = Index(app.router)
    app.openapi = lambda: _openapi(app)
    return app


def _bound_of(path: str, settings: Settings) -> Bound | None:
    """Return the bound of a path, except those of the dialect, which renders its own errors."""
    return None if path.startswith(f"{PREFIX}/") else find_bound(path, settings)


def _mounted(dialect: FastAPI) -> Mount:
    """The dialect in its place, with all paths below: also those with a line feed, which a mount leaves out."""
    mount = Mount(PREFIX, dialect)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _add_own_routes(app: FastAPI) -> None:
    @app.get("/health", response_model=Health, tags=["health"])
    async def health() -> Response:
        """How the server is. Needs no key."""
        platform: Platform = app.state.platform
        return json_answer(
            {
                "status": "ok",
                "version": VERSION,
                "uptime_s": round(platform.clock() - platform.started_at, 1),
                "providers": list(platform.models.providers),
                "tools": {name: _availability(name, platform) for name in PLATFORM_TOOLS},
                "sandbox": {"state": "off"} if platform.hands is None else platform.hands.health(),
                "knowledge": platform.knowledge.health(),
                "web_search": platform.web.health(),
                "runs": {"at_work": platform.worker.at_work},
                "held_since": platform.held_since,
                "store_free_bytes": await platform.store.free_bytes() + await platform.knowledge.index.free_bytes(),
            }
        )

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return reference_answer(app.openapi())


def _availability(name: str, platform: Platform) -> dict[str, Any]:
    if name not in platform.toolbox:
        return {"available": False, "reason": "switched off by the operator"}
    refusal = platform.hands.refusal() if platform.hands is not None and name in platform.hands.tools else None
    return {"available": True} if refusal is None else {"available": False, "reason": refusal}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Work while the application runs; stop gently, and leave what is unfinished for the next start."""
    platform: Platform = app.state.platform
    tasks = [] if platform.held_since is not None else [asyncio.create_task(one) for one in _services(platform)]
    try:
        yield
    finally:
        await platform.worker.drain(platform.settings.drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if platform.hands is not None:
            await platform.hands.close()
        await platform.web.close()
        await platform.knowledge.close()
        await platform.guard.close()
        await platform.models.close()
        await platform.store.close()


def _services(platform: Platform) -> Sequence[Coroutine[Any, Any, None]]:
    """What works by itself while the application runs."""
    services = [platform.worker.serve(), platform.sweeper.serve(), platform.outbox.serve(), platform.knowledge.serve()]
    services.append(platform.eraser.serve())
    return [*services, platform.hands.serve()] if platform.hands is not None else services


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The description of the API: FastAPI's, with the two ways to send a key, and what all POSTs have in common."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["components"]["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "Bearer": {"type": "http", "scheme": "bearer"},
        }
        for path, methods in schema["paths"].items():
            if path not in OPEN:
                for method, operation in methods.items():
                    operation["security"] = [{"ApiKey": []}, {"Bearer": []}]
                    if method == "post":
                        describe_key(operation)
        app.openapi_schema = schema
    return app.openapi_schema
