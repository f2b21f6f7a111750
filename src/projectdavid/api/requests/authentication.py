"""Authentication: the user who makes a request, identified by an API key."""

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.ports import queries
from projectdavid.ports.rows import CallerRow
from projectdavid.ports.store import AnyRow, Op, StoreUnavailable, StoreView
from projectdavid.runtime.ids import IdFactory, Source
from projectdavid.runtime.quota import OwnerLimits
from projectdavid.runtime.storage_limits import storage_checks
from projectdavid.security.api_keys import hash_of
from projectdavid.security.idempotency import IdempotencyClaim
from projectdavid.services.platform import Platform

USED_EVERY = 60
"""Minimum seconds between two writes of a key's last use."""
SIZE_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated user making the request, and the user's view of the store."""

    user_id: str
    is_admin: bool
    view: StoreView
    platform: Platform
    key_prefix: str
    """The public prefix of the API key."""
    allowed: OwnerLimits
    """Limits of the user."""
    claim: IdempotencyClaim | None = None
    """Idempotency claim of the request, if it has an idempotency key."""
    can_approve: bool = True
    """Whether the key can decide about approvals, and change what needs one."""

    @property
    def ids(self) -> IdFactory:
        """Generator of ids for new objects; a replayed request gets the same ids."""
        return self.claim.ids if self.claim else self.platform.ids

    @property
    def random(self) -> Source:
        """Generator of secrets for new objects; a replayed request gets the same secrets."""
        return self.claim.random if self.claim else os.urandom

    @property
    def now(self) -> float:
        """Time of the first request with this idempotency key, in Unix seconds."""
        return self.claim.made_at if self.claim else self.platform.clock()

    @property
    def done(self) -> bool:
        """True if an earlier request with this idempotency key already wrote its effect."""
        return self.claim is not None and self.claim.done

    @property
    def also(self) -> tuple[Op, ...]:
        """Operations to write in the same transaction as the request's effect."""
        return (self.claim.op(),) if self.claim else ()

    async def write(
        self, ops: Sequence[Op], to: StoreView | None = None, owner: str | None = None
    ) -> list[AnyRow | None]:
        """Write the effect of the request unless it was already written; to the caller's own view by default.

        Returns the row that each of `ops` returned, or an empty list if the effect was already written.

        Stored bytes count against the limits of `owner`, by default the caller.

        Raises:
            LimitReached: a limit would be exceeded.
            StoreError: from `View.write`.
        """
        if self.done:
            return []
        whose = owner or self.user_id
        allowed = self.allowed if whose == self.user_id else await self.platform.quota.of(whose)
        if together := [*self.also, *ops, *storage_checks(allowed, whose, ops)]:
            rows = await (to or self.view).write(together)
            return rows[len(self.also) :][: len(ops)]
        return []

    async def check_access(self, user_id: str) -> None:
        """Check that the caller is this user, or an admin if the user exists.

        Raises:
            ApiError: 404, for all others, as if the user did not exist.
        """
        if user_id == self.user_id:
            return
        if not self.is_admin or await self.platform.store.one(queries.USER, id=user_id) is None:
            raise missing_error("user", user_id, "user_id")

    def check_admin(self) -> None:
        """Check that the caller is an admin.

        Raises:
            ApiError: 403.
        """
        if not self.is_admin:
            raise ApiError(403, "admin_only", "Only admins can do this. Use the API key of an admin.")

    def check_approver(self, param: str | None = None) -> None:
        """Check that the key can decide about approvals, and change what needs one. `param` is a field that needs it.

        Raises:
            ApiError: 403.
        """
        if not self.can_approve:
            message = "This API key cannot approve tool calls, or change what needs approval. Use another key."
            raise ApiError(403, "approval_forbidden", message, param)


def find_key(request: Request) -> str:
    """Return the API key of a request, from any of its headers; empty if it has none."""
    key = request.headers.get("x-api-key") or request.headers.get("api-key")
    if key:
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthorized_error(message: str) -> ApiError:
    return ApiError(401, "invalid_api_key", message, headers={"www-authenticate": "Bearer"})


async def caller(request: Request) -> Caller:
    """Return the authenticated user of a request, cached on the request.

    Raises:
        ApiError: 401, missing or invalid key.
        LimitExceeded: the owner exceeded the rate limit.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = request.state.caller = await _look_up(request)
    return known


async def _look_up(request: Request) -> Caller:
    platform: Platform = request.app.state.platform
    key = find_key(request)
    if not key:
        raise _unauthorized_error(
            "No API key. Send it as 'Authorization: Bearer <key>', 'X-API-Key: <key>' or 'api-key: <key>'."
        )
    if len(key) > SIZE_LIMIT or not key.isascii():
        raise _unauthorized_error("The API key is not valid.")
    now = int(platform.clock())
    row = await platform.store.one(queries.CALLER, hash=hash_of(key, platform.secret), now=now)
    if row is None:
        raise _unauthorized_error("The API key is not valid: unknown, revoked or expired.")
    who = build_caller(platform, row)
    if who.allowed.requests_per_minute is not None:
        await platform.rates.take(row.id, who.allowed.requests_per_minute, platform.clock())
    if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
        with suppress(StoreUnavailable):  # reads do not depend on recording the last use
            await platform.store.write([Op(queries.KEY_USED, {"prefix": row.prefix, "now": now})])
    return who


def build_caller(platform: Platform, row: CallerRow) -> Caller:
    """Return the caller whose key or one-time code was found."""
    allowed = platform.quota.parse_limits(row.limits)
    return Caller(
        row.id, bool(row.is_admin), platform.store.of(row.id), platform, row.prefix, allowed, None, bool(row.approves)
    )


Auth = Annotated[Caller, Depends(caller)]
"""Dependency of every route except /health and the exchange of codes."""
