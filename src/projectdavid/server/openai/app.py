"""The application of the OpenAI dialect, which the platform's own has under `/openai/v1`."""

import time
from importlib.metadata import version

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.index import Index
from projectdavid.server.http.middleware import BodyLimit
from projectdavid.server.objects.body_bounds import find_bound
from projectdavid.server.openai import (
    assistants,
    errors,
    files,
    messages,
    models,
    runs,
    steps,
    store_files,
    threads,
    uploads,
    vector_stores,
)
from projectdavid.server.openai.describing import described
from projectdavid.server.openai.routing import PREFIX
from projectdavid.server.platform import Platform
from projectdavid.server.reference import reference_answer

ROUTERS = (
    assistants.router,
    runs.router,  # in front of the threads, for which `/threads/runs` would be one of them
    threads.router,
    messages.router,
    steps.router,
    files.router,
    uploads.router,
    vector_stores.router,
    store_files.router,
    models.router,
)
VERSION = b"2020-10-01"
"""The version of the API that clients are told."""


def create_dialect(platform: Platform) -> FastAPI:
    """The dialect over a platform."""
    app = FastAPI(
        title="projectdavid, OpenAI dialect",
        version=version("projectdavid"),
        summary="The Assistants API v2, for the clients of OpenAI.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.platform = platform
    errors.install(app)
    for router in ROUTERS:
        app.router.routes.extend(router.routes)
    app.add_api_route("/docs", lambda: reference_answer(app.openapi()), include_in_schema=False)
    app.add_middleware(BodyLimit, bound_of=lambda path: find_bound(path, platform.settings), render=errors.envelope)
    app.add_middleware(Heading)
    app.router.middleware_stack = Index(app.router, PREFIX)
    app.openapi = lambda: described(app)
    return app


class Heading:
    """Around every request of the dialect: the headers that its clients look at, and the version that they speak."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                took = max(round((time.perf_counter() - began) * 1000), 1)
                headers = [(b"openai-version", VERSION), (b"openai-processing-ms", b"%d" % took)]
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        said = next((value for name, value in scope["headers"] if name == b"openai-beta"), b"")
        if b"assistants=v1" in said:
            await errors.envelope(_outdated())(scope, receive, headed)
            return
        await self._app(scope, receive, headed)


def _outdated() -> ApiError:
    said = "Assistants v1 is not served here. Set the header 'OpenAI-Beta: assistants=v2', as newer clients do."
    return ApiError(400, "invalid_beta", said)
