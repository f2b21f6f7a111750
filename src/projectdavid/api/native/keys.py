"""API keys: users create, list and revoke their own; the key itself is returned once."""

from collections.abc import Sequence
from typing import Any

from fastapi import Request, Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import CONFLICT, FORBIDDEN, WITH_BODY, ApiError, missing_error
from projectdavid.api.native.serializers import iso, router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.ports import queries
from projectdavid.ports.rows import ApiKeyRow
from projectdavid.ports.store import Op, RowMissing, UniqueClash
from projectdavid.protocol.users import Key, KeyCreate, KeyCreated, KeyRevoked, Keys
from projectdavid.runtime.storage_limits import REVOKED_KEYS_KEPT
from projectdavid.security.api_keys import hash_of, new_key, prefix_of

router = router("keys")

DAY = 86_400
EMPTY: dict[int | str, dict[str, Any]] = {
    204: {"description": "The same, for clients that do not ask for `application/json`"}
}


@router.post("/users/{user_id}/apikeys", status_code=201, response_model=KeyCreated, responses=WITH_BODY)
async def create_key(user_id: str, caller: Auth, body: KeyCreate | None = None) -> Response:
    """Create a key: for oneself, or as an admin for any user."""
    body = body or KeyCreate()
    if body.expires_in is not None and body.expires_in_days is not None:
        message = "'expires_in' and 'expires_in_days' exclude each other; send one of them."
        raise ApiError(422, "invalid_value", message, "expires_in")
    await caller.check_access(user_id)
    seconds = body.expires_in if body.expires_in_days is None else body.expires_in_days * DAY
    if body.approve:
        caller.check_approver("approve")
    return await store_key(caller, user_id, body.key_name, seconds, approve=body.approve is not False)


async def store_key(
    caller: Caller,
    user_id: str,
    name: str | None,
    seconds: int | None,
    before: Sequence[Op] = (),
    *,
    approve: bool = True,
) -> Response:
    """Store a new key of a user, after the operations `before`, and return the response that shows it once.

    A key that cannot approve tool calls creates only such keys.
    """
    platform = caller.platform
    key = new_key(caller.random)
    now = int(platform.clock())
    params: dict[str, Any] = {
        "prefix": prefix_of(key),
        "hash": hash_of(key, platform.secret),
        "owner": user_id,
        "name": name,
        "now": now,
        "expires_at": None if seconds is None else now + seconds,
    }
    ops = [
        *before,
        Op(queries.KEYS_EXPIRE, {"owner": user_id, "now": now}),
        Op(queries.KEY_INSERT, params, clash=UniqueClash("key", prefix_of(key))),
        *(
            []
            if approve and caller.can_approve
            else [Op(queries.KEY_RESTRICT, {"prefix": prefix_of(key), "owner": user_id})]
        ),
        Op(queries.KEYS_PRUNE, {"owner": user_id, "most": REVOKED_KEYS_KEPT}),
    ]
    await caller.write(ops, platform.store, user_id)
    details = await _find(caller, user_id, prefix_of(key))
    return json_answer({"plain_key": key, "details": _wire(details, now)}, 201, {"cache-control": "no-store"})


@router.post("/admin/users/{user_id}/keys", status_code=201, response_model=KeyCreated, responses=WITH_BODY | FORBIDDEN)
async def create_key_for_user(user_id: str, caller: Auth, body: KeyCreate | None = None) -> Response:
    """Create a key for a user (admin)."""
    caller.check_admin()
    return await create_key(user_id, caller, body)


@router.get("/users/{user_id}/apikeys", response_model=Keys)
async def list_keys(user_id: str, caller: Auth, include_inactive: bool = False) -> Response:
    """List the keys of a user, without their secrets."""
    await caller.check_access(user_id)
    now = int(caller.platform.clock())
    rows = await caller.platform.store.of(user_id).all(queries.KEYS_OF)
    keys = [_wire(row, now) for row in rows]
    return json_answer({"keys": [key for key in keys if include_inactive or key["is_active"]]})


@router.get("/users/{user_id}/apikeys/{prefix}", response_model=Key)
async def retrieve_key(user_id: str, prefix: str, caller: Auth) -> Response:
    """Retrieve a key, without its secret."""
    return json_answer(_wire(await _find(caller, user_id, prefix), int(caller.platform.clock())))


@router.delete("/users/{user_id}/apikeys/{prefix}", response_model=KeyRevoked, responses=EMPTY | CONFLICT)
async def revoke_key(user_id: str, prefix: str, caller: Auth, request: Request) -> Response:
    """Revoke a key. It is rejected from the next request on."""
    await caller.check_access(user_id)
    params: dict[str, Any] = {"prefix": prefix, "now": int(caller.platform.clock())}
    remains = Op(queries.ADMIN_KEY_REMAINS, params, missing=UniqueClash("last_admin", user_id))
    revoked = Op(queries.KEY_REVOKE, params, missing=RowMissing("key", prefix))
    await caller.platform.store.of(user_id).write([remains, revoked])
    if "application/json" not in request.headers.get("accept", ""):
        return Response(status_code=204)  # the only response that clients of the Project David wire accept as success
    return json_answer({"prefix": prefix, "object": "api_key.revoked", "revoked": True})


def _wire(row: ApiKeyRow, now: int) -> dict[str, Any]:
    return {
        "prefix": row.prefix,
        "key_name": row.name,
        "user_id": row.owner,
        "created_at": iso(row.created_at),
        "expires_at": iso(row.expires_at),
        "last_used_at": iso(row.last_used_at),
        "is_active": row.revoked_at is None and (row.expires_at is None or row.expires_at > now),
        "approve": bool(row.approves),
    }


async def _find(caller: Caller, user_id: str, prefix: str) -> ApiKeyRow:
    await caller.check_access(user_id)
    row = await caller.platform.store.of(user_id).one(queries.KEY_OF, prefix=prefix)
    if row is None:
        raise missing_error("key", prefix)
    return row
