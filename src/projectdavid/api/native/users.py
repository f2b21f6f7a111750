"""Users: an admin creates them; each can see and change only themselves."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import FORBIDDEN, WITH_BODY, ApiError, missing_error
from projectdavid.api.http.etags import MATCHED, TAGGED, TAGGED_NEW, IfMatch, etag_header
from projectdavid.api.http.pages import After, Limit, Order, page
from projectdavid.api.native import erasures
from projectdavid.api.native.serializers import iso, router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import deletions, updates
from projectdavid.api.resources.stored_fields import supplied_fields, to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, UserRow
from projectdavid.ports.store import Op, UniqueClash
from projectdavid.protocol.base import Page
from projectdavid.protocol.usage import UserLimits
from projectdavid.protocol.users import KeyValid, User, UserCreate, UserDeleted, UserUpdate
from projectdavid.services.erasure_ledger import hash_user

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
    """Create a user (admin)."""
    caller.check_admin()
    platform = caller.platform
    user_id = caller.ids.new("user")
    values = body.model_dump(exclude={"is_admin", "limits"})
    params: dict[str, Any] = {
        "id": user_id,
        "is_admin": int(body.is_admin),
        "now": int(platform.clock()),
        "body": to_json(values),
    }
    await caller.write([Op(queries.USER_INSERT, params), _limit(user_id, body)], platform.store)
    row = await _find(caller, user_id)
    return json_answer(wire(row), 201, etag_header(row))


@router.get("/users", response_model=Page[User], responses=FORBIDDEN)
async def list_users(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """List all users (admin)."""
    caller.check_admin()
    store = caller.platform.store

    async def locate(cursor: str) -> PositionRow | None:
        return await store.one(queries.USER_POSITION, id=cursor, hash=hash_user(cursor, caller.platform.secret))

    rows, more = await page(store, queries.USERS_PAGE, limit, order, after, locate)
    return page_answer([wire(row) for row in rows], [row.id for row in rows], more)


@router.get("/users/{user_id}", response_model=User, responses=TAGGED)
async def retrieve_user(user_id: str, caller: Auth) -> Response:
    """Retrieve a user: oneself, or any user for an admin."""
    row = await _find(caller, user_id)
    return json_answer(wire(row), headers=etag_header(row))


@router.put("/users/{user_id}", response_model=User, responses=WITH_BODY | FORBIDDEN | TAGGED | MATCHED)
async def update_user(user_id: str, body: UserUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Change the given fields; only an admin can change `is_admin` and `limits`."""

    async def change(row: UserRow) -> updates.ObjectUpdate:
        values = supplied_fields(body)
        is_admin = values.pop("is_admin", bool(row.is_admin))
        limited = "limits" in values
        values.pop("limits", None)
        if limited or is_admin != bool(row.is_admin):
            caller.check_admin()
        params: dict[str, Any] = {
            "id": user_id,
            "is_admin": int(is_admin),
            "limits": _limits(body) if limited else row.limits,
            "now": int(caller.platform.clock()),
            "body": to_json({**msgspec.json.decode(row.body), **values}),
        }
        return updates.ObjectUpdate(queries.USER_UPDATE, params, () if is_admin else (_admin_remains(caller, user_id),))

    row = await updates.update(
        caller, partial(_find, caller, user_id), change, to=caller.platform.store, if_match=if_match
    )
    return json_answer(wire(row), headers=etag_header(row))


@router.delete("/users/{user_id}", response_model=UserDeleted, responses=FORBIDDEN | MATCHED)
async def delete_user(user_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a user and all their objects (admin; not oneself, and not the last admin)."""
    caller.check_admin()
    if user_id == caller.user_id:
        raise ApiError(409, "own_user", "Admins cannot delete themselves; ask another admin.", "user_id")
    guard = _admin_remains(caller, user_id)

    async def write(unchanged: Sequence[Op]) -> str:
        return await deletions.delete_user(caller, user_id, (*unchanged, guard))

    erasure_id = await updates.delete("user", partial(_find, caller, user_id), write, if_match, user_id)
    erasure = await erasures.describe(caller.platform, erasure_id)
    text = "The user is deleted. Their objects are being erased; the erasure reports the progress."
    said = {"id": user_id, "object": "user.deleted", "deleted": True, "success": True, "message": text}
    return json_answer({**said, "erasure_id": erasure["id"], "erasure": erasure})


@router.get("/auth/validate-key", response_model=KeyValid)
async def validate_key(caller: Auth) -> Response:
    """Return the owner of the key."""
    return json_answer({"user_id": caller.user_id, "valid": True, "is_admin": caller.is_admin})


def wire(row: UserRow) -> dict[str, Any]:
    """Serialize a user."""
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
    return Op(queries.USER_LIMIT, {"id": user_id, "limits": _limits(body)})


def _limits(body: UserCreate) -> str:
    return to_json(body.limits.model_dump(exclude_none=True) if body.limits else {})


def _admin_remains(caller: Caller, user_id: str) -> Op:
    """Check, in the transaction that removes a user's rights, that another admin remains."""
    params: dict[str, Any] = {"id": user_id, "now": int(caller.platform.clock())}
    return Op(queries.ADMIN_REMAINS, params, missing=UniqueClash("last_admin", user_id))


async def _find(caller: Caller, user_id: str) -> UserRow:
    await caller.check_access(user_id)
    row = await caller.platform.store.one(queries.USER, id=user_id)
    if row is None:
        raise missing_error("user", user_id, "user_id")
    return row
