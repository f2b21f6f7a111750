"""Read JSON bodies strictly: UTF-8, no NaN, no number beyond all bounds, no lone surrogates, bounded depth."""

import re
from collections.abc import Callable, Coroutine
from json import JSONDecodeError
from math import isinf
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive

from projectdavid.server.auth import caller
from projectdavid.server.http.errors import ApiError

MAYBE_INFINITE = re.compile(rb"[eE]\+?[0-9]{3}|[0-9]{200}")
"""No number without this is too large for a float; so that hardly any body has to be searched for one."""


class JsonRequest(Request):
    """A request whose body is read by the strict parser."""

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            JSONDecodeError: it is not JSON.
        """
        body = await self.body()
        try:
            value = from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise JSONDecodeError(str(error), "", 0) from error
        if MAYBE_INFINITE.search(body) and _has_infinity(value):
            raise JSONDecodeError("a number is out of range", "", 0)
        return value


def _has_infinity(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_infinity, value.values()))
    if isinstance(value, list):
        return any(map(_has_infinity, value))
    return isinstance(value, float) and isinf(value)


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
