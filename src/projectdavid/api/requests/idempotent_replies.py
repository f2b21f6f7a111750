"""Idempotent requests: the first response under an `Idempotency-Key` is replayed for every repetition."""

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

from projectdavid.api.http.errors import ApiError
from projectdavid.api.requests.authentication import Caller, caller
from projectdavid.api.requests.json_bodies import incomplete_error, off_loop, replay_body
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.store import StoreError, StoreUnavailable
from projectdavid.runtime.housekeeping.sweeper import ANSWERS_KEPT
from projectdavid.runtime.model_registry import UnknownModel
from projectdavid.security.idempotency import IdempotencyClaim
from projectdavid.services.platform import UnderWay

log = logging.getLogger("projectdavid.http")

HEADER = b"idempotency-key"
KEY = re.compile(rb"[ -~]{1,255}")
REFUSALS = (ApiError, StoreError, InputRefused, UnknownModel)
"""Exceptions of a route that has not taken effect."""
REPLAYED = (b"idempotent-replayed", b"true")
DESCRIBED: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"},
    "description": "For 24 hours, requests with the same key and body take effect once and get the same response.",
}
REUSED: dict[str, Any] = {
    "description": "The idempotency key was used for another request",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorAnswer"}}},
}


def describe_key(operation: dict[str, Any]) -> None:
    """Add the `Idempotency-Key` header and its 409 response to the OpenAPI description of a POST."""
    operation.setdefault("parameters", []).append(DESCRIBED)
    operation["responses"].setdefault("409", REUSED)


def once(app: ASGIApp) -> ASGIApp:
    """Wrap a route so requests with the same key and body take effect once and get the same response."""

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
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
            raise incomplete_error() from None
        fingerprint = await off_loop(len(body), _fingerprint, scope, body)
        async with _turn(who, key, fingerprint) as end:
            found = await _find(who, key, fingerprint)
            while isinstance(found, IdempotencyClaim):
                request.state.caller = replace(who, claim=found)
                message = {"type": "http.request", "body": body, "more_body": False}
                answer = _Answer(who, found, send, end)
                try:
                    await app(scope, replay_body(message, receive), answer)
                except REFUSALS:
                    if not await _is_overtaken(who, found):
                        raise
                else:
                    if not answer.refusal:
                        return
                    if not await _is_overtaken(who, found):
                        await answer.send_refusal()
                        return
                found = await _find(who, key, fingerprint)
        await found(scope, receive, send)

    return handle


def key_of(request: Request) -> str | None:
    """Return the idempotency key of a request, if any.

    Raises:
        ApiError: 400, the key is invalid.
    """
    keys = [value for name, value in request.scope["headers"] if name == HEADER]
    return _valid(keys) if keys else None


async def answer_once(
    request: Request, who: Caller, key: str, told: bytes, act: Callable[[Caller], Awaitable[Response]]
) -> Response:
    """Idempotency for a route that reads its own body; `told` is the content of the body, whatever its encoding.

    `act` is called unless a response is stored; its response is stored.
    """
    fingerprint = _fingerprint(request.scope, told)
    async with _turn(who, key, fingerprint):
        found = await _find(who, key, fingerprint)
        if isinstance(found, Response):
            return found
        try:
            response = await act(replace(who, claim=found))
        except REFUSALS:
            if not await _is_overtaken(who, found):
                raise
            found = await _find(who, key, fingerprint)
            if isinstance(found, Response):
                return found
            response = await act(replace(who, claim=found))
        kept = await _keep(who, found, response.status_code, bytes(response.body))
        if kept is None and found.done:
            response.raw_headers.append(REPLAYED)
        return kept or response


def _valid(keys: list[bytes]) -> str:
    if len(keys) > 1 or not KEY.fullmatch(keys[0]):
        raise ApiError(400, "invalid_idempotency_key", "Idempotency-Key must be 1 to 255 printable ASCII characters.")
    return keys[0].decode()


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    """Return the fingerprint of a request, independent of the caller."""
    path = scope.get("raw_path") or scope["path"].encode()
    head = b"%b %b?%b\n" % (scope["method"].encode(), path, scope["query_string"])
    return blake2b(head + body, digest_size=32).digest()


def _reused_error() -> ApiError:
    return ApiError(409, "idempotency_key_reused", "This Idempotency-Key was used for another request. Use a new one.")


@asynccontextmanager
async def _turn(who: Caller, key: str, fingerprint: bytes) -> AsyncGenerator[Callable[[], None]]:
    """Hold this key exclusively, after waiting for other requests; the yielded function releases it early."""
    under_way, place = who.platform.under_way, (who.user_id, key)
    while (other := under_way.get(place)) is not None:
        if other.fingerprint != fingerprint:
            raise _reused_error()
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


async def _find(who: Caller, key: str, fingerprint: bytes) -> IdempotencyClaim | Response:
    """Return the stored response of this key, or a claim for a new request."""
    now, secret = who.platform.clock(), who.platform.secret
    row = await who.view.one(queries.IDEMPOTENCY, key=key, since=now - ANSWERS_KEPT)
    if row is None:
        return IdempotencyClaim(who.user_id, key, fingerprint, now, secret)
    if row.fingerprint != fingerprint:
        raise _reused_error()
    if row.status is None:
        return IdempotencyClaim(
            who.user_id, key, fingerprint, row.made_at, secret, row.seed, done=True, note=row.answer
        )
    return _replay(row.status, row.answer)


def _replay(status: int, answer: bytes | None) -> Response:
    response = Response(answer, status, media_type="application/json")
    response.raw_headers.append(REPLAYED)
    return response


async def _is_overtaken(who: Caller, claim: IdempotencyClaim) -> bool:
    """Return whether a request in another process claimed the key after this one had found it free.

    Then this request was rejected because the other one took effect.
    """
    if claim.done:
        return False
    row = await who.view.one(queries.IDEMPOTENCY, key=claim.key, since=claim.made_at - ANSWERS_KEPT)
    return row is not None and row.seed != claim.seed


class _Answer:
    """Sends a response, and stores it first if possible: not errors, streams, or responses with a secret.

    The error of a request that has not taken effect is held back in `refusal`.
    """

    def __init__(self, who: Caller, claim: IdempotencyClaim, send: Send, end: Callable[[], None]) -> None:
        self._who = who
        self._claim = claim
        self._send = send
        self._end = end
        self._start: Message | None = None
        self._body = b""
        self.refusal: list[Message] = []

    async def send_refusal(self) -> None:
        """Send the error that was held back."""
        for message in self.refusal:
            await self._send(message)

    async def __call__(self, message: Message) -> None:
        if self.refusal or (not self._claim.done and message.get("status", 0) >= 400):
            self.refusal.append(message)
            return
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
            kept = await _keep(self._who, self._claim, self._start["status"], self._body)
            self._end()
            if kept is not None:
                self._body = bytes(kept.body)
                self._start = {**self._start, "status": kept.status_code, "headers": kept.raw_headers}
            await self._send(self._start)
            message = {"type": "http.response.body", "body": self._body}
        await self._send(message)


async def _keep(who: Caller, claim: IdempotencyClaim, status: int, answer: bytes) -> Response | None:
    """Store a response. Returns the one that another process stored first, if it differs: all clients get the same."""
    try:
        (kept,) = await who.view.write([claim.store_answer(status, answer)])
        if kept is None:
            row = await who.view.one(queries.IDEMPOTENCY, key=claim.key, since=claim.made_at - ANSWERS_KEPT)
            is_same_claim = row is not None and row.seed == claim.seed
            if row is not None and is_same_claim and row.status is not None and row.answer != answer:
                return _replay(row.status, row.answer)
    except StoreUnavailable as error:  # the request took effect; a replay builds the response again
        log.warning("cannot store a response for replay: %s", error)
    return None


def _may_be_kept(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return (
        start["status"] < 300
        and headers.get("content-type") == "application/json"
        and "no-store" not in headers.get("cache-control", "")
    )
