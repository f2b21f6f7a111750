"""Who calls: API keys, stored as a keyed hash and looked up by it.

A key has 256 random bits, so that no slow hash is needed (https://pages.nist.gov/800-63-4/sp800-63b.html, look-up
secrets).
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

from fastapi import Depends, Request

from projectdavid.ports.store import Op, Unavailable, View
from projectdavid.runtime.ids import Ids, Source
from projectdavid.runtime.quota import Allowance
from projectdavid.runtime.storage_limits import storage_checks
from projectdavid.server.claims import Claim
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.platform import Platform

PREFIX_LENGTH = 12
"""Characters of a key that name it openly: `pd_` and nine more."""
USED_EVERY = 60
"""Seconds in which the time of a key's last use is written once at the most."""
SIZE_LIMIT = 256


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a request, and the view of the store that is theirs."""

    user_id: str
    is_admin: bool
    view: View
    platform: Platform
    key_prefix: str
    """The open part of the key that was used."""
    allowed: Allowance
    """What they may use."""
    claim: Claim | None = None
    """What makes the request happen once, if it has an idempotency key."""

    @property
    def ids(self) -> Ids:
        """Makes the ids of what the request makes: the same ones where it is repeated."""
        return self.claim.ids if self.claim else self.platform.ids

    @property
    def random(self) -> Source:
        """Makes the secrets of what the request makes: the same ones where it is repeated."""
        return self.claim.random if self.claim else os.urandom

    @property
    def now(self) -> float:
        """When the request was made for the first time, in Unix seconds."""
        return self.claim.made_at if self.claim else self.platform.clock()

    @property
    def done(self) -> bool:
        """Whether what the request asks for is done already: then nothing is left to be written."""
        return self.claim is not None and self.claim.done

    @property
    def also(self) -> tuple[Op, ...]:
        """What is to be written together with what the request does."""
        return (self.claim.op(),) if self.claim else ()

    async def write(self, ops: Sequence[Op], to: View | None = None, owner: str | None = None) -> None:
        """Write what the request does, unless that is done already; to the caller's own view, or another.

        What it stores counts against the limits of `owner`, by default the caller.

        Raises:
            LimitReached: it would exceed one.
            StoreError: as `View.write`.
        """
        if self.done:
            return
        whose = owner or self.user_id
        allowed = self.allowed if whose == self.user_id else await self.platform.quota.of(whose)
        if together := [*self.also, *ops, *storage_checks(allowed, whose, ops)]:
            await (to or self.view).write(together)

    async def may_see(self, user_id: str) -> None:
        """Let the user in question pass, and admins where there is such a user.

        Raises:
            ApiError: 404, for others as for a user who does not exist.
        """
        if user_id == self.user_id:
            return
        if not self.is_admin or await self.platform.store.one("user", id=user_id) is None:
            raise missing("user", user_id, "user_id")

    def must_be_admin(self) -> None:
        """Let only admins pass.

        Raises:
            ApiError: 403.
        """
        if not self.is_admin:
            raise ApiError(403, "admin_only", "Only an admin may do this; use an admin's API key.")


def new_key(random: Source = os.urandom) -> str:
    """A key that nobody has seen."""
    return f"pd_{urlsafe_b64encode(random(32)).rstrip(b'=').decode()}"


def prefix_of(key: str) -> str:
    """The open part of a key."""
    return key[:PREFIX_LENGTH]


def hash_of(key: str, secret: bytes) -> bytes:
    """What is stored of a key: worthless without the server's secret."""
    return blake2b(key.encode(), key=secret, digest_size=32).digest()


def _given(request: Request) -> str:
    key = request.headers.get("x-api-key")
    if key:
        return key
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _refused(message: str) -> ApiError:
    return ApiError(401, "invalid_api_key", message, headers={"www-authenticate": "Bearer"})


async def caller(request: Request) -> Caller:
    """Who makes this request; looked up once, however often it is asked.

    Raises:
        ApiError: 401, without a key or with one that opens nothing.
        Exceeded: there were too many requests of this owner.
    """
    known: Caller | None = getattr(request.state, "caller", None)
    if known is None:
        known = request.state.caller = await _look_up(request)
    return known


async def _look_up(request: Request) -> Caller:
    platform: Platform = request.app.state.platform
    key = _given(request)
    if not key:
        raise _refused("No API key. Send it as 'X-API-Key: <key>' or 'Authorization: Bearer <key>'.")
    if len(key) > SIZE_LIMIT or not key.isascii():
        raise _refused("The API key is not valid.")
    now = int(platform.clock())
    row = await platform.store.one("caller", hash=hash_of(key, platform.secret), now=now)
    if row is None:
        raise _refused("The API key is not valid: unknown, revoked or expired.")
    allowed = platform.quota.allowed(row.limits)
    if allowed.requests_per_minute is not None:
        platform.rates.take(row.id, allowed.requests_per_minute, platform.clock())
    if row.last_used_at is None or now - row.last_used_at >= USED_EVERY:
        with suppress(Unavailable):  # what only reads can be answered without the stamp
            await platform.store.write([Op("key_used", {"prefix": row.prefix, "now": now})])
    return Caller(row.id, bool(row.is_admin), platform.store.of(row.id), platform, row.prefix, allowed)


Auth = Annotated[Caller, Depends(caller)]
"""The dependency that every route but /health has."""
