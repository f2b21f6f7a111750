"""API keys: users make, list and revoke their own; the key itself is shown once."""

from typing import Any

from fastapi import Request, Response

from projectdavid.ports.store import Clash, Missing, Op, Row
from projectdavid.protocol.users import Key, KeyCreate, KeyCreated, KeyRevoked, Keys
from projectdavid.runtime.storage_limits import REVOKED_KEYS_KEPT
from projectdavid.server.auth import Auth, Caller, hash_of, new_key, prefix_of
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import CONFLICT, FORBIDDEN, WITH_BODY, missing
from projectdavid.server.native.wire import iso, router

router = router("keys")

DAY = 86_400
EMPTY: dict[int | str, dict[str, Any]] = {204: {"description": "The same, to who does not ask for `application/json`"}}


@router.post("/users/{user_id}/apikeys", status_code=201, response_model=KeyCreated, responses=WITH_BODY)
async def create_key(user_id: str, caller: Auth, body: KeyCreate | None = None) -> Response:
    """Make a key: for oneself, or for anybody as an admin."""
    body = body or KeyCreate()
    await caller.may_see(user_id)
    platform = caller.platform
    key = new_key(caller.random)
    now = int(platform.clock())
    params: dict[str, Any] = {
        "prefix": prefix_of(key),
        "hash": hash_of(key, platform.secret),
        "owner": user_id,
        "name": body.key_name,
        "now": now,
        "expires_at": None if body.expires_in_days is None else now + body.expires_in_days * DAY,
    }
    clash = Clash("key", prefix_of(key))
    prune = Op("keys_prune", {"owner": user_id, "most": REVOKED_KEYS_KEPT})
    await caller.write([Op("key_insert", params, clash=clash), prune], platform.store, user_id)
    details = await _find(caller, user_id, prefix_of(key))
    return json_answer({"plain_key": key, "details": _wire(details, now)}, 201, {"cache-control": "no-store"})


@router.post("/admin/users/{user_id}/keys", status_code=201, response_model=KeyCreated, responses=WITH_BODY | FORBIDDEN)
async def create_key_for_user(user_id: str, caller: Auth, body: KeyCreate | None = None) -> Response:
    """Make a key for a user (admin)."""
    caller.must_be_admin()
    return await create_key(user_id, caller, body)


@router.get("/users/{user_id}/apikeys", response_model=Keys)
async def list_keys(user_id: str, caller: Auth, include_inactive: bool = False) -> Response:
    """The keys of a user, without their secrets."""
    await caller.may_see(user_id)
    now = int(caller.platform.clock())
    rows = await caller.platform.store.of(user_id).all("keys_of")
    keys = [_wire(row, now) for row in rows]
    return json_answer({"keys": [key for key in keys if include_inactive or key["is_active"]]})


@router.get("/users/{user_id}/apikeys/{prefix}", response_model=Key)
async def retrieve_key(user_id: str, prefix: str, caller: Auth) -> Response:
    """One key, without its secret."""
    return json_answer(_wire(await _find(caller, user_id, prefix), int(caller.platform.clock())))


@router.delete("/users/{user_id}/apikeys/{prefix}", response_model=KeyRevoked, responses=EMPTY | CONFLICT)
async def revoke_key(user_id: str, prefix: str, caller: Auth, request: Request) -> Response:
    """Make a key open nothing any more, from the next request on."""
    await caller.may_see(user_id)
    params: dict[str, Any] = {"prefix": prefix, "now": int(caller.platform.clock())}
    remains = Op("admin_key_remains", params, missing=Clash("last_admin", user_id))
    revoked = Op("key_revoke", params, missing=Missing("key", prefix))
    await caller.platform.store.of(user_id).write([remains, revoked])
    if "application/json" not in request.headers.get("accept", ""):
        return Response(status_code=204)  # all that clients of the Project David wire take for a success
    return json_answer({"prefix": prefix, "object": "api_key.revoked", "revoked": True})


def _wire(row: Row, now: int) -> dict[str, Any]:
    return {
        "prefix": row.prefix,
        "key_name": row.name,
        "user_id": row.owner,
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at),
        "last_used_at": iso(row.last_used_at),
        "is_active": row.revoked_at is None and (row.expires_at is None or row.expires_at > now),
    }


async def _find(caller: Caller, user_id: str, prefix: str) -> Row:
    await caller.may_see(user_id)
    row = await caller.platform.store.of(user_id).one("key_of", prefix=prefix)
    if row is None:
        raise missing("key", prefix)
    return row
