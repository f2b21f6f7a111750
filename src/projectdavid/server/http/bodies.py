"""Read JSON bodies strictly: UTF-8, no NaN, no number beyond all bounds, no lone surrogates, bounded structure."""

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

from projectdavid.server.auth import caller
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.json_bounds import MAX_NUMBERS, MAX_VALUES, parse_json

T = TypeVar("T")

LARGE = 256 * 1024
"""Bytes of a body from which a thread parses, validates and hashes it, to keep the event loop free."""
VECTORS = re.compile(r"/v1/vector-stores/[^/]+/vectors")


class JsonRequest(Request):
    """A request whose body is read by the strict parser."""

    _parsed: Any = None

    async def json(self) -> Any:
        """The parsed body, which is parsed once.

        Raises:
            JSONDecodeError: it is not JSON.
            ApiError: 400, it has too many values.
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
    """Call a function whose cost grows with a body of `size` bytes: of a large one in a thread."""
    if size < LARGE:
        return function(*arguments)
    return await asyncio.to_thread(function, *arguments)


class JsonRoute(APIRoute):
    """A route that takes JSON, and says so to who sends something else; bodies of strangers are not read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the strict reader."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strictly(plain: Request) -> Response:
            await caller(plain)
            request = JsonRequest(plain.scope, plain.receive)
            try:
                body = await request.body()
            except ClientDisconnect:
                raise incomplete() from None
            content_type = request.headers.get("content-type", "")
            if content_type.partition(";")[0].strip().lower() != "application/json" and body:
                said = f"'{content_type}'" if content_type else "nothing"
                raise ApiError(
                    415, "unsupported_media_type", f"The content type is {said}; send JSON as application/json."
                )
            if body:
                with suppress(JSONDecodeError):  # FastAPI reports that itself, and hides all other errors
                    await request.json()
            return await handle(request)

        return strictly


def incomplete() -> ApiError:
    """400: the rest of the body does not come any more."""
    return ApiError(400, "incomplete_body", "The body ended before its end.")


def again(message: Message, receive: Receive) -> Receive:
    """What was received already, then what comes."""
    waiting = [message]

    async def replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return replayed
