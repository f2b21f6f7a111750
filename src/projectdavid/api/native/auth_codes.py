"""One-time codes: a key creates one, and a browser exchanges it for a key that expires."""

from fastapi import Request, Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError
from projectdavid.api.native.keys import store_key
from projectdavid.api.native.serializers import iso, router
from projectdavid.api.requests.authentication import Auth, build_caller, caller
from projectdavid.api.requests.json_bodies import OpenJsonRoute
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StaleRow
from projectdavid.protocol.users import AuthCode, KeyCreated, KeyExchange
from projectdavid.security.api_keys import hash_of
from projectdavid.security.auth_codes import LIFETIME, code_ops, new_code
from projectdavid.services.platform import Platform

router = router("keys")


@router.post("/auth/codes", status_code=201, response_model=AuthCode)
async def create_code(caller: Auth) -> Response:
    """Create a one-time code for the user of the key: within 10 minutes, it can be exchanged for another key."""
    platform = caller.platform
    code = new_code(caller.random)
    await caller.write(code_ops(code, caller.key_prefix, caller.now, platform.secret))
    expires_at = int(caller.now) + LIFETIME
    return json_answer({"code": code, "expires_at": iso(expires_at)}, 201, {"cache-control": "no-store"})


async def exchange_key(request: Request, body: KeyExchange | None = None) -> Response:
    """Exchange a one-time code, or the key of the request, for a key that expires.

    With a `code`, the request needs no key. Neither is repeated by an `Idempotency-Key`: a code works once.
    """
    body = body or KeyExchange()
    if body.code is None:
        who = await caller(request)
        return await store_key(who, who.user_id, body.key_name, body.expires_in)
    platform: Platform = request.app.state.platform
    address = request.client.host if request.client else ""
    platform.wrong_codes.check(address, platform.clock())
    try:
        return await _exchange_code(platform, body, body.code)
    except StaleRow:
        platform.wrong_codes.add(address, platform.clock())
        message = "The code is not valid: unknown, used or expired. Get another with POST /v1/auth/codes."
        raise ApiError(401, "invalid_code", message, "code") from None


async def _exchange_code(platform: Platform, body: KeyExchange, code: str) -> Response:
    """Exchange a code; it is used in the transaction that stores the key.

    Raises:
        StaleRow: the code is not valid.
    """
    code_hash, now = hash_of(code, platform.secret), int(platform.clock())
    row = await platform.store.one(queries.AUTH_CODE, hash=code_hash, now=now)
    if row is None:
        raise StaleRow
    use = Op(queries.AUTH_CODE_USE, {"owner": row.id, "hash": code_hash, "now": now}, missing=StaleRow())
    return await store_key(build_caller(platform, row), row.id, body.key_name, body.expires_in, [use])


router.add_api_route(
    "/auth/exchange",
    exchange_key,
    methods=["POST"],
    status_code=201,
    response_model=KeyCreated,
    responses=WITH_BODY,
    route_class_override=OpenJsonRoute,
)
