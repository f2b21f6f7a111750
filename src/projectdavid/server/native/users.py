"""Users: an admin makes them; each sees and changes only themselves."""

from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.base import Page
from projectdavid.protocol.usage import UserLimits
from projectdavid.protocol.users import KeyValid, User, UserCreate, UserDeleted, UserUpdate
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import CONFLICT, FORBIDDEN, WITH_BODY, ApiError, missing
from projectdavid.server.http.paging import After, Limit, Order, page
from projectdavid.server.native import erasures
from projectdavid.server.native.wire import iso, router
from projectdavid.server.objects import deleting
from projectdavid.server.objects.fields import supplied, to_json

router = router("users")

FIELDS = (
    "email",
    "full_name",
    "given_name",
    "family_name",
    "picture_url",
    "email_verified",
    "oauth_provider",
)
NO_LIMITS = dict.fromkeys(UserLimits.model_fields)


@router.post("/users", status_code=201, response_model=User, responses=WITH_BODY | FORBIDDEN)
async def create_user(body: UserCreate, caller: Auth) -> Response:
    """Make a user (admin)."""
    caller.must_be_admin()
    platform = caller.platform
    user_id = caller.ids.new("user")
    values = body.model_dump(exclude={"is_admin", "limits"})
    params: dict[str, Any] = {
        "id": user_id,
        "is_admin": int(body.is_admin),
        "now": int(platform.clock()),
        "body": to_json(values),
    }
    await caller.write([Op("user_insert", params), _limit(user_id, body)], platform.store)
    return json_answer(wire(await _find(caller, user_id)), 201)


@router.get("/users", response_model=Page[User], responses=FORBIDDEN)
async def list_users(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """All users (admin)."""
    caller.must_be_admin()
    store = caller.platform.store

    async def known(cursor: str) -> Any:
        return await store.one("user", id=cursor)

    rows, more = await page(store, "users_page", limit, order, after, known)
    return listed([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/users/{user_id}", response_model=User)
async def retrieve_user(user_id: str, caller: Auth) -> Response:
    """One user: oneself, or anybody for an admin."""
    return json_answer(wire(await _find(caller, user_id)))


@router.put("/users/{user_id}", response_model=User, responses=WITH_BODY | FORBIDDEN)
async def update_user(user_id: str, body: UserUpdate, caller: Auth) -> Response:
    """Change the fields that are supplied; only an admin changes `is_admin` and `limits`."""
    row = await _find(caller, user_id)
    values = supplied(body)
    is_admin = values.pop("is_admin", bool(row.is_admin))
    limited = "limits" in values
    values.pop("limits", None)
    if limited or is_admin != bool(row.is_admin):
        caller.must_be_admin()
    params: dict[str, Any] = {
        "id": user_id,
        "is_admin": int(is_admin),
        "now": int(caller.platform.clock()),
        "body": to_json({**msgspec.json.decode(row.body), **values}),
    }
    ops = [Op("user_update", params, missing=Missing("user", user_id))]
    await caller.platform.store.write([*ops, _limit(user_id, body)] if limited else ops)
    return json_answer(wire(await _find(caller, user_id)))


@router.delete("/users/{user_id}", response_model=UserDeleted, responses=FORBIDDEN | CONFLICT)
async def delete_user(user_id: str, caller: Auth) -> Response:
    """Delete a user with all that is theirs (admin; not oneself)."""
    caller.must_be_admin()
    if user_id == caller.user_id:
        raise ApiError(409, "own_user", "An admin cannot delete themselves; another admin can.", "user_id")
    erasure = await erasures.describe(caller.platform, await deleting.delete_user(caller, user_id))
    text = "The user is deleted. What was theirs is being erased; the erasure says how far that is."
    said = {"id": user_id, "object": "user.deleted", "deleted": True, "success": True, "message": text}
    return json_answer({**said, "erasure_id": erasure["id"], "erasure": erasure})


@router.get("/auth/validate-key", response_model=KeyValid)
async def validate_key(caller: Auth) -> Response:
    """Whose key this is."""
    return json_answer({"user_id": caller.user_id, "valid": True, "is_admin": caller.is_admin})


def wire(row: Row) -> dict[str, Any]:
    """A user."""
    values = msgspec.json.decode(row.body)
    return {
        "id": row.id,
        "object": "user",
        **{name: values.get(name) for name in FIELDS},
        "is_admin": bool(row.is_admin),
        "limits": {**NO_LIMITS, **msgspec.json.decode(row.limits)},
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def _limit(user_id: str, body: UserCreate) -> Op:
    limits = body.limits.model_dump(exclude_none=True) if body.limits else {}
    return Op("user_limit", {"id": user_id, "limits": to_json(limits)})


async def _find(caller: Caller, user_id: str) -> Row:
    await caller.may_see(user_id)
    row = await caller.platform.store.one("user", id=user_id)
    if row is None:
        raise missing("user", user_id, "user_id")
    return row
