"""ASGI middleware of every request: request id, last-resort error response, and body limit."""

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projectdavid.api.http.body_decoder import decode_body
from projectdavid.api.http.errors import ApiError, envelope
from projectdavid.api.http.telemetry import RequestTelemetry

log = logging.getLogger("projectdavid.http")

SANE = re.compile(rb"^[A-Za-z0-9_.-]{1,64}$")
ID_BYTES = 12
POOLED_IDS = 64
"""Number of ids whose random bytes are read at once, which is several times faster than single reads."""


class RequestId:
    """Adds `x-request-id` to responses: the caller's id if it is valid, otherwise a new one. Records each request."""

    def __init__(self, app: ASGIApp, telemetry: RequestTelemetry) -> None:
        self._app = app
        self._telemetry = telemetry
        self._pool: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = next((value for name, value in scope["headers"] if name == b"x-request-id"), None)
        request_id = given if given is not None and SANE.match(given) else self._new_id()
        request = self._telemetry.begin(scope, request_id.decode())

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id)]
                self._telemetry.record(scope, message["status"], request)
            await send(message)

        await self._app(scope, receive, send_with_id)

    def _new_id(self) -> bytes:
        if not self._pool:
            read = os.urandom(POOLED_IDS * ID_BYTES).hex().encode()
            size = 2 * ID_BYTES
            self._pool = [b"req_" + read[start : start + size] for start in range(0, len(read), size)]
        return self._pool.pop()


class LastResort:
    """Converts unhandled exceptions to a 500. Must be wrapped by `RequestId` so the response has an id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, send_watched)
        except Exception:
            if begun:
                raise  # the response has started, so the connection must be closed
            log.exception("%s %s failed", scope["method"], scope["path"])
            error = ApiError(500, "server_error", "The server failed internally; its log has the details.")
            await envelope(error)(scope, receive, send)


class ReadOnly:
    """Rejects writes to a restored copy that is not released yet."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1013})
        elif scope["type"] == "http" and scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            message = (
                "This server is a copy restored from a backup and only serves reads."
                " Stop it and run `projectdavid release` to enable it."
            )
            await envelope(ApiError(503, "server_held", message))(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class RouteBodyLimit:
    """Maximum bytes of a body, and the error for larger ones."""

    limit: int
    refusal: Callable[[], ApiError]


class BodyLimit:
    """Rejects bodies that are too large, by `Content-Length` and by actual size, compressed and decoded.

    `bound_of` returns the bound of a path, or None if it is another application's; `render` makes the response.
    """

    def __init__(
        self,
        app: ASGIApp,
        bound_of: Callable[[str], RouteBodyLimit | None],
        render: Callable[[ApiError], Response] = envelope,
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
        try:
            decoded = decode_body(scope, _count_body(receive, bound))
        except ApiError as error:
            await self._render(error)(scope, receive, send)
            return
        await self._app(scope, _count_body(decoded, bound), send)


def _count_body(receive: Receive, bound: RouteBodyLimit) -> Receive:
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > bound.limit:
            raise bound.refusal()
        return message

    return receive_counted
