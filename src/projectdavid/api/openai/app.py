"""The application of the OpenAI dialect, mounted under `/openai/v1`."""

import time

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projectdavid.api.docs_page import add_docs
from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.index import RouteIndex
from projectdavid.api.http.middleware import BodyLimit
from projectdavid.api.http.telemetry import FRAMEWORK_TELEMETRY
from projectdavid.api.openai import (
    assistants,
    errors,
    files,
    messages,
    models,
    runs,
    steps,
    threads,
    uploads,
    vector_store_files,
    vector_stores,
)
from projectdavid.api.openai.description import describe_api
from projectdavid.api.openai.routes import PREFIX
from projectdavid.api.resources.body_bounds import find_bound
from projectdavid.distribution import VERSION
from projectdavid.services.platform import Platform

ROUTERS = (
    assistants.router,
    runs.router,  # before the threads, whose routes would match `/threads/runs`
    threads.router,
    messages.router,
    steps.router,
    files.router,
    uploads.router,
    vector_stores.router,
    vector_store_files.router,
    models.router,
)
OPENAI_VERSION = b"2020-10-01"
"""The API version in the response headers."""


def create_dialect(platform: Platform) -> FastAPI:
    """Create the application of the dialect for a platform."""
    app = FastAPI(
        title="projectdavid, OpenAI dialect",
        version=VERSION,
        summary="The Assistants API v2, for the clients of OpenAI.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=FRAMEWORK_TELEMETRY,
    )
    app.state.platform = platform
    errors.install(app)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    add_docs(app)
    app.add_middleware(BodyLimit, bound_of=lambda path: find_bound(path, platform.settings), render=errors.envelope)
    app.add_middleware(DialectHeaders)
    app.router.middleware_stack = RouteIndex(app.router, PREFIX)
    app.openapi = lambda: describe_api(app)
    return app


class DialectHeaders:
    """Middleware of the dialect: adds the headers that its clients read, and checks the API version."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = max(round((time.perf_counter() - began) * 1000), 1)
                headers = [(b"openai-version", OPENAI_VERSION), (b"openai-processing-ms", b"%d" % took)]
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        said = next((value for name, value in scope["headers"] if name == b"openai-beta"), b"")
        if b"assistants=v1" in said:
            await errors.envelope(_outdated_error())(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _outdated_error() -> ApiError:
    said = "Assistants v1 is not supported. Set the header 'OpenAI-Beta: assistants=v2', as newer clients do."
    return ApiError(400, "invalid_beta", said)
