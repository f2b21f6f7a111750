"""The HTTP application of a platform."""

import asyncio
import re
import socket
from collections.abc import AsyncGenerator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response
from fastapi.openapi.utils import get_openapi
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from projectdavid.api.console.files import DIST, ConsoleFiles, load_files
from projectdavid.api.console.pages import build_router
from projectdavid.api.docs_page import add_docs
from projectdavid.api.http import errors
from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.index import RouteIndex
from projectdavid.api.http.middleware import BodyLimit, LastResort, ReadOnly, RequestId, RouteBodyLimit
from projectdavid.api.http.telemetry import FRAMEWORK_TELEMETRY, RequestTelemetry
from projectdavid.api.native import ROUTERS, computer, operations
from projectdavid.api.openai.app import create_dialect
from projectdavid.api.openai.azure import AzurePaths
from projectdavid.api.openai.routes import PREFIX
from projectdavid.api.requests.idempotent_replies import describe_key
from projectdavid.api.resources.body_bounds import OPEN_PATH, find_bound
from projectdavid.api.resources.tool_checks import describe_tool_types
from projectdavid.composition.credentials import url_of
from projectdavid.composition.telemetry import send_metrics
from projectdavid.composition.tools import SANDBOX_TOOLS
from projectdavid.distribution import VERSION
from projectdavid.protocol.users import Health
from projectdavid.runtime.clock import StoreClock
from projectdavid.services.platform import Platform
from projectdavid.services.readiness import Readiness
from projectdavid.services.session_homes import SessionHomes
from projectdavid.services.terminal_relay import relay_terminals
from projectdavid.settings import Settings

CORS: Any = {
    "allow_methods": ["*"],
    "allow_headers": ["*"],
    "expose_headers": ["*"],
    "allow_private_network": True,
}
"""Access of the pages in `cors_origins`: like any client with a key, without cookies."""
OPEN = frozenset({"/health", "/v1/files/download"})
"""Paths that need no key."""


def create_app(platform: Platform, relay: socket.socket | None = None, console: Path = DIST) -> FastAPI:
    """Create the application. Its lifespan runs the platform's background services.

    `relay` is the listening socket on which other processes get the terminals of this one, and `console` the folder of
    the built web console.

    A process with the role `worker` serves only its health and metrics, and one with the role `api` runs no services
    that work on runs, files and webhooks.
    """
    app = FastAPI(
        title="projectdavid",
        version=VERSION,
        summary="An open, self-hosted Assistants platform.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=FRAMEWORK_TELEMETRY,
        lifespan=_lifespan,
    )
    app.state.platform = platform
    app.state.relay = relay
    app.state.readiness = Readiness(platform)
    app.state.console = None
    errors.install(app)
    if platform.settings.role == "worker":
        app.router.routes.extend(operations.router.routes)
    else:
        _add_api(app, platform)
        if platform.settings.console:
            app.state.console = load_files(console)
            app.router.routes.extend(build_router(app.state.console).routes)
    app.add_middleware(BodyLimit, bound_of=lambda path: _bound_of(path, platform.settings))
    if platform.held_since is not None:
        app.add_middleware(ReadOnly)
    app.add_middleware(LastResort)
    if origins := platform.settings.cors_origins:
        app.add_middleware(CORSMiddleware, allow_origins=origins, **CORS)
    app.add_middleware(RequestId, telemetry=RequestTelemetry(platform.telemetry))
    app.add_middleware(AzurePaths)
    _add_own_routes(app)
    app.router.middleware_stack = RouteIndex(app.router)
    app.openapi = lambda: _openapi(app)
    return app


def _bound_of(path: str, settings: Settings) -> RouteBodyLimit | None:
    """Return the body limit of a path, except for paths of the dialect, which renders its own errors."""
    return None if path.startswith(f"{PREFIX}/") else find_bound(path, settings)


def _build_mount(dialect: FastAPI) -> Mount:
    """Mount the dialect with all paths below, including those with a line feed, which a mount ignores."""
    mount = Mount(PREFIX, dialect)
    mount.path_regex = re.compile(mount.path_regex.pattern, re.DOTALL)
    return mount


def _add_api(app: FastAPI, platform: Platform) -> None:
    app.router.routes.append(_build_mount(create_dialect(platform)))
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.router.routes.append(computer.terminal)


def _add_own_routes(app: FastAPI) -> None:
    @app.get("/health", response_model=Health, tags=["health"])
    async def health() -> Response:
        """Return the health of the server. Needs no key."""
        platform: Platform = app.state.platform
        return json_answer(
            {
                "status": "ok",
                "version": VERSION,
                "role": platform.settings.role,
                "uptime_s": round(platform.clock() - platform.started_at, 1),
                "providers": list(platform.models.providers),
                "tools": {name: _availability(name, platform) for name in platform.toolbox.names},
                "sandbox": _sandbox_health(platform),
                "knowledge": platform.knowledge.health(),
                "web_search": platform.web.health(),
                "runs": {"at_work": platform.worker.at_work},
                "console": _console_health(app.state.console),
                "held_since": platform.held_since,
                "store_free_bytes": await platform.store.free_bytes() + await platform.knowledge.index.free_bytes(),
                "max_file": platform.settings.max_file,
            }
        )

    add_docs(app)


def _console_health(console: ConsoleFiles | None) -> dict[str, str] | None:
    return None if console is None else {"version": console.version, "sources": console.sources}


def _sandbox_health(platform: Platform) -> dict[str, Any]:
    if platform.hands is None:
        return {"state": "off"}
    return {"state": "on the workers"} if platform.settings.role == "api" else platform.hands.health()


def _availability(name: str, platform: Platform) -> dict[str, Any]:
    if name not in platform.toolbox:
        return {"available": False, "reason": "switched off by the operator"}
    refusal = platform.hands.refusal() if platform.hands is not None and name in SANDBOX_TOOLS else None
    return {"available": True} if refusal is None else {"available": False, "reason": refusal}


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Run the platform with the application; on shutdown, leave unfinished work for the next start."""
    platform: Platform = app.state.platform
    services = [] if platform.held_since is not None else _services(platform, app.state.relay)
    tasks = [asyncio.create_task(one) for one in services]
    try:
        yield
    finally:
        await platform.worker.drain(platform.settings.drain_seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await platform.close()
        await asyncio.to_thread(platform.telemetry.exporter.close)


def _services(platform: Platform, relay: socket.socket | None) -> Sequence[Coroutine[Any, Any, None]]:
    """The background services of the application."""
    shared = [platform.gauges.measure_loop(), send_metrics(platform)]
    if isinstance(platform.clock, StoreClock):
        shared.append(platform.clock.serve())
    if not platform.store.exclusive:
        shared.append(_serve_sessions(platform, relay))
    if platform.settings.role == "api":
        return shared
    services = [platform.worker.serve(), platform.sweeper.serve(), platform.outbox.serve(), platform.knowledge.serve()]
    services += [platform.eraser.serve(), *shared]
    return [*services, platform.hands.serve()] if platform.hands is not None else services


async def _serve_sessions(platform: Platform, relay: socket.socket | None) -> None:
    """Announce this process and its sandbox sessions to others, and send them its terminals, until cancelled."""
    settings, name = platform.settings, platform.worker.name
    sessions = None if platform.hands is None else platform.hands.sessions
    address = None
    async with AsyncExitStack() as stack:
        if relay is not None and platform.terminals is not None:
            here = url_of(settings.relay_host, relay.getsockname()[1]).replace("http", "ws", 1)
            address = settings.relay_url or here
            terminals = relay_terminals(relay, platform.terminals, platform.secret, name, platform.clock)
            await stack.enter_async_context(terminals)
        homes = SessionHomes(platform.store, platform.bus, platform.clock, name, settings.role, sessions, address)
        await homes.serve()


def _openapi(app: FastAPI) -> dict[str, Any]:
    """Build the OpenAPI description: FastAPI's, with both ways to send a key, and the common headers of POSTs."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        schema["components"]["securitySchemes"] = {
            "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            "Bearer": {"type": "http", "scheme": "bearer"},
        }
        for path, methods in schema["paths"].items():
            if path not in OPEN:
                for method, operation in methods.items():
                    operation["security"] = [*([{}] if path == OPEN_PATH else []), {"ApiKey": []}, {"Bearer": []}]
                    if method == "post" and path != OPEN_PATH:  # a code works once
                        describe_key(operation)
        names = app.state.platform.toolbox.names
        describe_tool_types(schema, {"PlatformTool": names, "AttachmentTool": names})
        app.openapi_schema = schema
    return app.openapi_schema
