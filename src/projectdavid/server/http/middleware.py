"""Around every request: an id for it, an answer whatever happens, and a limit to its body. Pure ASGI."""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projectdavid.server.http.errors import ApiError, envelope

log = logging.getLogger("projectdavid.http")

SANE = re.compile(rb"^[A-Za-z0-9_.-]{1,64}$")


class RequestId:
    """Answers with `x-request-id`: the caller's own where it is sane, else a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        request_id = given if given is not None and SANE.match(given) else b"req_" + os.urandom(12).hex().encode()

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
            await send(message)

        await self._app(scope, receive, labelled)


class LastResort:
    """Answers 500 where an exception of ours would otherwise get out; stands inside of `RequestId`, to be labelled."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception:
            if begun:
                raise  # all that is left to do is to break the connection off
            log.exception("%s %s failed", scope["method"], scope["path"])
            error = ApiError(500, "server_error", "The server made a mistake; its log has the details.")
            await envelope(error)(scope, receive, send)


class ReadOnly:
    """Refuses everything but reads, in front of a restored copy that is not released."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013})
        elif scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            message = (
                "This server is a copy restored from a backup and serves reads only."
                " Stop it and run `projectdavid release` to let it work."
            )
            await envelope(ApiError(503, "server_held", message))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Bound:
    """How many bytes a body may have, and what is said of more."""

    limit: int
    refusal: Callable[[], ApiError]


class BodyLimit:
    """Refuses bodies that are too large, whether they say so or not.

    `bound_of` returns the bound of a path, or None if it is another application's; `render` makes the response.
    """

    def __init__(
        self, app: ASGIApp, bound_of: Callable[[str], Bound | None], render: Callable[[ApiError], Response] = envelope
    ) -> None:
        self._app = app
        self._bound_of = bound_of
        self._render = render

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        bound = self._bound_of(scope["path"])
        if bound is None:
            await self._app(scope, receive, send)
            return
        said = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not said.isdigit() or int(said) > bound.limit:
            await self._render(bound.refusal())(scope, receive, send)
            return
        await self._app(scope, _counted(receive, bound), send)


def _counted(receive: Receive, bound: Bound) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > bound.limit:
            raise bound.refusal()
        return message

    return counted
