"""Read JSON bodies strictly: UTF-8, no NaN, no lone surrogates, bounded depth."""

from collections.abc import Callable, Coroutine
from json import JSONDecodeError
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from projectdavid.server.http.errors import ApiError


class JsonRequest(Request):
    """A request whose body is read by the strict parser."""

    async def json(self) -> Any:
        """The parsed body.

        Raises:
            JSONDecodeError: it is not JSON.
        """
        body = await self.body()
        try:
            return from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise JSONDecodeError(str(error), "", 0) from error


class JsonRoute(APIRoute):
    """A route that takes JSON, and says so to who sends something else."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the strict reader."""
        handle = super().get_route_handler()
        if self.body_field is None:
            return handle

        async def strictly(plain: Request) -> Response:
            request = JsonRequest(plain.scope, plain.receive)
            content_type = request.headers.get("content-type", "")
            if content_type.partition(";")[0].strip().lower() != "application/json" and await request.body():
                said = f"'{content_type}'" if content_type else "nothing"
                raise ApiError(
                    415, "unsupported_media_type", f"The content type is {said}; send JSON as application/json."
                )
            return await handle(request)

        return strictly
