"""Users: an admin makes them; each sees and changes only themselves."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Clash, Op, Row
from projectdavid.protocol.base import Page
from projectdavid.protocol.usage import UserLimits
from projectdavid.protocol.users import KeyValid, User, UserCreate, UserDeleted, UserUpdate
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import FORBIDDEN, WITH_BODY, ApiError, missing
from projectdavid.server.http.etags import MATCHED, TAGGED, TAGGED_NEW, IfMatch, tagged
from projectdavid.server.http.paging import After, Limit, Order, page
from projectdavid.server.native import erasures
from projectdavid.server.native.wire import iso, router
from projectdavid.server.objects import deleting, updates
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


@router.post("/users", status_code=201, response_model=User, responses=WITH_BODY | FORBIDDEN | TAGGED_NEW)
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
    row = await _find(caller, user_id)
    return json_answer(wire(row), 201, tagged(row))


@router.get("/users", response_model=Page[User], responses=FORBIDDEN)
async def list_users(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """All users (admin)."""
    caller.must_be_admin()
    store = caller.platform.store

    async def known(cursor: str) -> Any:
        return await store.one("user", id=cursor)

    rows, more = await page(store, "users_page", limit, order, after, known)
    return listed([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/users/{user_id}", response_model=User, responses=TAGGED)
async def retrieve_user(user_id: str, caller: Auth) -> Response:
    """One user: oneself, or anybody for an admin."""
    row = await _find(caller, user_id)
    return json_answer(wire(row), headers=tagged(row))


@router.put("/users/{user_id}", response_model=User, responses=WITH_BODY | FORBIDDEN | TAGGED | MATCHED)
async def update_user(user_id: str, body: UserUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Change the fields that are supplied; only an admin changes `is_admin` and `limits`."""

    async def change(row: Row) -> updates.Change:
        values = supplied(body)
        is_admin = values.pop("is_admin", bool(row.is_admin))
        limited = "limits" in values
        values.pop("limits", None)
        if limited or is_admin != bool(row.is_admin):
            caller.must_be_admin()
        params: dict[str, Any] = {
            "id": user_id,
            "is_admin": int(is_admin),
            "limits": _limits(body) if limited else row.limits,
            "now": int(caller.platform.clock()),
            "body": to_json({**msgspec.json.decode(row.body), **values}),
        }
        return updates.Change("user_update", params, () if is_admin else (_admin_remains(caller, user_id),))

    row = await updates.update(
        caller, partial(_find, caller, user_id), change, to=caller.platform.store, if_match=if_match
    )
    return json_answer(wire(row), headers=tagged(row))


@router.delete("/users/{user_id}", response_model=UserDeleted, responses=FORBIDDEN | MATCHED)
async def delete_user(user_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a user with all that is theirs (admin; not oneself, and not the last admin)."""
    caller.must_be_admin()
    if user_id == caller.user_id:
        raise ApiError(409, "own_user", "An admin cannot delete themselves; another admin can.", "user_id")
    guard = _admin_remains(caller, user_id)

    async def write(unchanged: Sequence[Op]) -> str:
        return await deleting.delete_user(caller, user_id, (*unchanged, guard))

    erasure_id = await updates.delete("user", partial(_find, caller, user_id), write, if_match, user_id)
    erasure = await erasures.describe(caller.platform, erasure_id)
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
    return Op("user_limit", {"id": user_id, "limits": _limits(body)})


def _limits(body: UserCreate) -> str:
    return to_json(body.limits.model_dump(exclude_none=True) if body.limits else {})


def _admin_remains(caller: Caller, user_id: str) -> Op:
    """The check, in the transaction that takes a user's rights away, that another admin can still use the server."""
    params: dict[str, Any] = {"id": user_id, "now": int(caller.platform.clock())}
    return Op("admin_remains", params, missing=Clash("last_admin", user_id))


async def _find(caller: Caller, user_id: str) -> Row:
    await caller.may_see(user_id)
    row = await caller.platform.store.one("user", id=user_id)
    if row is None:
        raise missing("user", user_id, "user_id")
    return row
