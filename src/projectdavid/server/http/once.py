"""Requests that are repeated with the same `Idempotency-Key` do what they ask for once, and have one answer."""

import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from projectdavid.ports.store import Unavailable
from projectdavid.runtime.sweeper import ANSWERS_KEPT
from projectdavid.server.auth import Caller, caller
from projectdavid.server.claims import Claim
from projectdavid.server.http.bodies import again, incomplete, off_loop
from projectdavid.server.http.errors import ApiError
from projectdavid.server.platform import UnderWay

log = logging.getLogger("projectdavid.http")

HEADER = b"idempotency-key"
KEY = re.compile(rb"[ -~]{1,255}")
REPLAYED = (b"idempotent-replayed", b"true")
DESCRIBED: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "For 24 hours, requests with the same key and body happen once and have the same answer.",
}
REUSED: dict[str, Any] = {
    "description": "The idempotency key was used for another request",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}},
}


def describe_key(operation: dict[str, Any]) -> None:
    """Add to what OpenAPI says of a POST: the header that it may have, and what is answered where its key was used."""
    operation.setdefault("parameters", []).append(DESCRIBED)
    operation["responses"].setdefault("409", REUSED)


def once(app: ASGIApp) -> ASGIApp:
    """A route that does once what requests with the same key and body ask for, and answers them all the same."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        keys = [value for name, value in scope["headers"] if name == HEADER]
        if not keys:
            await app(scope, receive, send)
            return
        request = Request(scope, receive)
        who = await caller(request)
        key = _valid(keys)
        try:
            body = await request.body()
        except ClientDisconnect:
            raise incomplete() from None
        fingerprint = await off_loop(len(body), _fingerprint, scope, body)
        async with _turn(who, key, fingerprint) as end:
            found = await _find(who, key, fingerprint)
            if isinstance(found, Claim):
                request.state.caller = replace(who, claim=found)
                message = {"type": "http.request", "body": body, "more_body": False}
                await app(scope, again(message, receive), _Answer(who, found, send, end))
                return
        await found(scope, receive, send)

    return guarded


def key_of(request: Request) -> str | None:
    """The idempotency key of a request, if it has one.

    Raises:
        ApiError: 400, it is none.
    """
    keys = [value for name, value in request.scope["headers"] if name == HEADER]
    return _valid(keys) if keys else None


async def once_told(
    request: Request, who: Caller, key: str, told: bytes, act: Callable[[Caller], Awaitable[Response]]
) -> Response:
    """The same for a route that reads its body itself; `told` is what the body says, however it was put.

    `act` is called unless there is an answer already; what it answers is kept.
    """
    fingerprint = _fingerprint(request.scope, told)
    async with _turn(who, key, fingerprint):
        found = await _find(who, key, fingerprint)
        if isinstance(found, Response):
            return found
        response = await act(replace(who, claim=found))
        if found.done:
            response.raw_headers.append(REPLAYED)
        else:
            await _keep(who, found, response.status_code, bytes(response.body))
        return response


def _valid(keys: list[bytes]) -> str:
    if len(keys) > 1 or not KEY.fullmatch(keys[0]):
        raise ApiError(400, "invalid_idempotency_key", "An Idempotency-Key has 1 to 255 printable ASCII characters.")
    return keys[0].decode()


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    """What a request is, apart from who makes it."""
    path = scope.get("raw_path") or scope["path"].encode()
    head = b"%b %b?%b\n" % (scope["method"].encode(), path, scope["query_string"])
    return blake2b(head + body, digest_size=32).digest()


def _reused() -> ApiError:
    return ApiError(409, "idempotency_key_reused", "This Idempotency-Key was used for another request; make a new one.")


@asynccontextmanager
async def _turn(who: Caller, key: str, fingerprint: bytes) -> AsyncGenerator[Callable[[], None]]:
    """Wait until no other request has this key, and have it alone; what is yielded ends that early."""
    under_way, place = who.platform.under_way, (who.user_id, key)
    while (other := under_way.get(place)) is not None:
        if other.fingerprint != fingerprint:
            raise _reused()
        await other.over.wait()
    own = under_way[place] = UnderWay(fingerprint)

    def end() -> None:
        if not own.over.is_set():
            del under_way[place]
            own.over.set()

    try:
        yield end
    finally:
        end()


async def _find(who: Caller, key: str, fingerprint: bytes) -> Claim | Response:
    """What was answered under this key; or the claim of a request that is still to be answered."""
    now, secret = who.platform.clock(), who.platform.secret
    row = await who.view.one("idempotency", key=key, since=now - ANSWERS_KEPT)
    if row is None:
        return Claim(who.user_id, key, fingerprint, now, secret)
    if row.fingerprint != fingerprint:
        raise _reused()
    if row.status is None:
        return Claim(who.user_id, key, fingerprint, row.made_at, secret, row.seed, done=True, note=row.answer)
    response = Response(row.answer, row.status, media_type="application/json")
    response.raw_headers.append(REPLAYED)
    return response


class _Answer:
    """Sends an answer on, and first keeps it if it may be kept: not an error, a stream, or one that shows a secret."""

    def __init__(self, who: Caller, claim: Claim, send: Send, end: Callable[[], None]) -> None:
        self._who = who
        self._claim = claim
        self._send = send
        self._end = end
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            if self._claim.done:
                message["headers"] = [*message["headers"], REPLAYED]
            if _may_be_kept(message):
                self._start = message
                return
            self._end()
        elif self._start is not None:
            self._body += message.get("body", b"")
            if message.get("more_body"):
                return
            await _keep(self._who, self._claim, self._start["status"], self._body)
            self._end()
            await self._send(self._start)
            message = {"type": "http.response.body", "body": self._body}
        await self._send(message)


async def _keep(who: Caller, claim: Claim, status: int, answer: bytes) -> None:
    try:
        await who.view.write([claim.answered(status, answer)])
    except Unavailable as error:  # what was asked for is done all the same, and will be answered anew
        log.warning("an answer could not be kept for those who repeat the request: %s", error)


def _may_be_kept(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] < 300
        and headers.get("content-type") == "application/json"
        and "no-store" not in headers.get("cache-control", "")
    )
