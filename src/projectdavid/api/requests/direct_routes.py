"""Direct routes bypass FastAPI's dependency solver, which costs several times as much as most handlers."""

from functools import partial
from inspect import signature
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from projectdavid.api.requests.authentication import caller
from projectdavid.api.requests.idempotent_replies import once
from projectdavid.api.requests.json_bodies import JsonRequest, JsonRoute, off_loop, replay_body

PLAIN = (str, int, float, bool, type(None))


class DirectRoute(JsonRoute):
    """A route that handles most requests without FastAPI's solver.

    Its handler takes the caller, path ids, options and at most one body. Requests that set an option, or whose body is
    not plain JSON, go through FastAPI. Invalid bodies are rejected with the errors that FastAPI would report, without a
    second validation. Every POST accepts an idempotency key.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if _is_supported(self.dependant):
            self.app = _analyze(self.dependant, self.app)
        if "POST" in (self.methods or ()):
            self.app = once(self.app)


def _is_supported(wanted: Dependant) -> bool:
    """True if the handler has no other parameters and returns a response."""
    options = [*wanted.query_params, *wanted.header_params]
    returned = signature(wanted.call).return_annotation if wanted.call else None
    return (
        [dependency.call for dependency in wanted.dependencies] == [caller]
        and all(field.field_info.annotation is str and not field.field_info.metadata for field in wanted.path_params)
        and all(isinstance(field.default, PLAIN) for field in options)
        and len(wanted.body_params) <= 1
        and not (wanted.cookie_params or wanted.request_param_name or wanted.response_param_name)
        and not (wanted.http_connection_param_name or wanted.background_tasks_param_name)
        and isinstance(returned, type)
        and issubclass(returned, Response)
    )


def _analyze(wanted: Dependant, general: ASGIApp) -> ASGIApp:
    endpoint: Any = wanted.call
    who = wanted.dependencies[0].name or ""
    body = wanted.body_params[0] if wanted.body_params else None
    options = {field.name: field.default for field in (*wanted.query_params, *wanted.header_params)}
    headers = {field.alias.encode() for field in wanted.header_params}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if options and _has_options(scope, headers):
            await general(scope, receive, send)
            return
        request = JsonRequest(scope, receive)
        values = {**options, **scope["path_params"], who: await caller(request)}
        if body is not None:
            try:
                received = await request.body()
            except ClientDisconnect:
                await general(scope, replay_body({"type": "http.disconnect"}, receive), send)
                return
            plain = _is_json(scope)
            try:
                parsed = await request.json() if plain else None
            except ValueError:
                parsed = None
            if parsed is not None:
                validate = partial(body.validate, parsed, loc=("body",))
                values[body.name], problems = await off_loop(len(received), validate)
                if problems:
                    raise RequestValidationError(problems, body=parsed)
            else:
                message = {"type": "http.request", "body": received, "more_body": False}
                await general(scope, replay_body(message, receive), send)
                return
        response: Response = await endpoint(**values)
        await response(scope, receive, send)

    return app


def _has_options(scope: Scope, headers: set[bytes]) -> bool:
    return bool(scope["query_string"]) or any(name in headers for name, _ in scope["headers"])


def _is_json(scope: Scope) -> bool:
    return any(name == b"content-type" and value == b"application/json" for name, value in scope["headers"])
