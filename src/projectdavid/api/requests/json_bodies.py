"""Strict JSON bodies: UTF-8, no NaN or infinity, no unpaired surrogates, bounded structure."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from contextlib import suppress
from json import JSONDecodeError
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.json_bounds import MAX_NUMBERS, MAX_VALUES, parse_json
from projectdavid.api.requests.authentication import caller

T = TypeVar("T")

LARGE = 256 * 1024
"""Bytes of a body above which it is processed in a thread, to keep the event loop responsive."""
VECTORS = re.compile(r"/v1/vector-stores/[^/]+/vectors")


class JsonRequest(Request):
    """A request whose body is parsed strictly."""

    _parsed: Any = None

    async def json(self) -> Any:
        """Return the parsed body, which is cached.

        Raises:
            JSONDecodeError: the body is not valid JSON.
            ApiError: 400, the body has too many values.
        """
        if self._parsed is not None:
            return self._parsed
        body = await self.body()
        max_values = MAX_NUMBERS if VECTORS.fullmatch(self.scope["path"]) else MAX_VALUES
        try:
            self._parsed = await off_loop(len(body), parse_json, body, max_values)
        except ValueError as error:
            raise JSONDecodeError(str(error), "", 0) from error
        return self._parsed


async def off_loop(size: int, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function on a body of `size` bytes, in a thread if the body is large."""
    if size < LARGE:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


class JsonRoute(APIRoute):
    """JSON route: rejects other content types with 415, and authenticates before it reads the body."""

    is_open = False
    """Whether the route reads the body of a client without a key."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler with the strict JSON parser."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strictly(plain: Request) -> Response:
            if not self.is_open:
                await caller(plain)
            request = JsonRequest(plain.scope, plain.receive)
            try:
                body = await request.body()
            except ClientDisconnect:
                raise incomplete_error() from None
            content_type = request.headers.get("content-type", "")
            if content_type.partition(";")[0].strip().lower() != "application/json" and body:
                said = f"'{content_type}'" if content_type else "nothing"
                raise ApiError(
                    415, "unsupported_media_type", f"The content type is {said}; send JSON as application/json."
                )
            if body:
                with suppress(JSONDecodeError):  # FastAPI reports these itself, and hides all other errors
                    await request.json()
            return await handle(request)

        return strictly


class OpenJsonRoute(JsonRoute):
    """JSON route without authentication, for a handler that authenticates by the body. Its bodies must be small."""

    is_open = True


def incomplete_error() -> ApiError:
    """Return a 400 error for a truncated body."""
    return ApiError(400, "incomplete_body", "The request body was truncated.")


def replay_body(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that replays received messages, then continues."""
    waiting = [message]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again
