"""Rate limits per owner: token buckets in memory, or in a store that processes share."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Protocol

from projectdavid.ports import queries
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.quota import LimitExceeded

MOST = 10_000
"""Maximum number of buckets in memory; the least recently used one is evicted, and starts full again."""
MINUTE = 60.0
BATCH = 10
"""Maximum number of tokens that a process takes at once from a shared bucket."""
PARTS = 6
"""No batch is larger than this part of the limit, so that other processes find tokens, too."""
CLOCK_SET_BACK = 5.0
"""Seconds that a bucket can be emptier than empty before its time is that of a clock which was set back."""
TOLERANCE = 1e-6
"""Tolerance of rounding errors in repeated additions."""


class RateLimiter(Protocol):
    """Token buckets that start full and refill evenly over a minute; each request takes one token."""

    async def take(self, owner: str, per_minute: int, now: float) -> None:
        """Take one token from an owner's bucket.

        Raises:
            LimitExceeded: the bucket is empty.
            StoreUnavailable: the bucket is in a store that cannot be used.
        """
        ...


class LocalRateLimiter:
    """Buckets in memory, for a process that has its store for itself."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    async def take(self, owner: str, per_minute: int, now: float) -> None:
        """Take one token from an owner's bucket.

        Raises:
            LimitExceeded: the bucket is empty.
        """
        left, since = self._buckets.pop(owner, (float(per_minute), now))
        left = min(left + max(now - since, 0.0) * per_minute / MINUTE, float(per_minute))
        allowed = left > 1 - TOLERANCE
        self._buckets[owner] = (left - allowed, now)
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        if not allowed:
            raise _exceeded_error(per_minute, (1 - left) * MINUTE / per_minute)


@dataclass(eq=False, slots=True)
class _HeldTokens:
    """Tokens that this process has taken from the bucket of an owner; times are in Unix seconds."""

    per_minute: int
    count: int = 0
    taken_at: float = 0.0
    empty_at: float = 0.0
    """When the bucket was found empty."""
    next_at: float = 0.0
    """When the empty bucket has a token again."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def use(self, now: float) -> bool:
        """Use a held token. After a minute the bucket is full without them, so they are not valid any longer."""
        if self.count and 0 <= now - self.taken_at < MINUTE:
            self.count -= 1
            return True
        return False


class SharedRateLimiter:
    """Buckets in the store: the limit of an owner holds for all processes together.

    A process takes tokens in batches while many are left, and single tokens when few are, so most requests write
    nothing. Tokens that one process holds cannot be used by another.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: OrderedDict[str, _HeldTokens] = OrderedDict()

    async def take(self, owner: str, per_minute: int, now: float) -> None:
        """Take one token from an owner's bucket.

        Raises:
            LimitExceeded: the bucket is empty.
            StoreUnavailable: the bucket cannot be read.
        """
        held = self._get_held(owner, per_minute)
        if held.use(now):
            return
        async with held.lock:
            if held.use(now):  # another request has taken a batch
                return
            if held.empty_at <= now < held.next_at:
                raise _exceeded_error(per_minute, held.next_at - now)
            await self._take_batch(owner, held, now)

    def _get_held(self, owner: str, per_minute: int) -> _HeldTokens:
        held = self._held.pop(owner, None)
        if held is None or held.per_minute != per_minute:
            held = _HeldTokens(per_minute)
        self._held[owner] = held
        if len(self._held) > MOST:
            self._held.popitem(last=False)
        return held

    async def _take_batch(self, owner: str, held: _HeldTokens, now: float) -> None:
        each = MINUTE / held.per_minute
        batch = max(1, min(BATCH, held.per_minute // PARTS))
        until = now + MINUTE + TOLERANCE
        take = Op(
            queries.RATE_TAKE,
            {
                "owner": owner,
                "now": now,
                "batch": batch,
                "batch_seconds": batch * each,
                "each_seconds": each,
                "until": until,
                "latest": until + CLOCK_SET_BACK,
            },
        )
        row = queries.RATE_TAKE.narrow((await self._store.write([take]))[0])
        if row is not None:
            held.count, held.taken_at = row.taken - 1, now
            return
        bucket = await self._store.one(queries.RATE_FULL_AT, owner=owner)
        wait = each if bucket is None else max(bucket.full_at + each - now - MINUTE, TOLERANCE)
        held.empty_at, held.next_at = now, now + wait
        raise _exceeded_error(held.per_minute, wait)


def _exceeded_error(per_minute: int, retry_after: float) -> LimitExceeded:
    message = f"Rate limit reached: {per_minute} requests per minute. Retry later."
    return LimitExceeded("requests_per_minute_exceeded", message, retry_after)
