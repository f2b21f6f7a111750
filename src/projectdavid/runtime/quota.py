"""Quotas: an owner's own limits over those of the server, and today's usage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from projectdavid.engine.deltas import MILLION
from projectdavid.ports import queries
from projectdavid.ports.rows import UsageRow
from projectdavid.ports.store import Op, Store, StoreError
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.runs.decision_writer import DAY
from projectdavid.runtime.runs.driver import NewRun, OnBusy
from projectdavid.runtime.storage_limits import (
    FILE,
    GENERATED,
    LimitReached,
    StorageLimits,
    remaining,
    run_checks,
    storage_checks,
)

SOON = 5.0
"""Seconds until a retry can succeed: a run can end at any time."""


class OwnerLimits(StorageLimits, frozen=True, omit_defaults=True):
    """The limits of an owner. Days are in UTC, money is in the currency of the prices; None: no limit."""

    requests_per_minute: int | None = None
    concurrent_runs: int | None = None
    tokens_per_day: int | None = None
    money_per_day: float | None = None


NO_LIMITS = OwnerLimits()
_decoder = msgspec.json.Decoder(OwnerLimits)


@dataclass
class LimitExceeded(StoreError):
    """The owner has exceeded a limit; `retry_after` is in seconds."""

    code: str
    message: str
    retry_after: float


class Quota:
    """Determines limits, and enforces them."""

    def __init__(self, store: Store, clock: Clock, default: OwnerLimits = NO_LIMITS) -> None:
        self._store = store
        self._clock = clock
        self._default = default

    def parse_limits(self, limits: str) -> OwnerLimits:
        """Parse an owner's limits; unset ones have the server's values."""
        if limits == "{}":
            return self._default
        own = _decoder.decode(limits)
        given = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self._default, **given)

    async def of(self, owner: str) -> OwnerLimits:
        """Return the current limits of an owner."""
        row = await self._store.one(queries.USER, id=owner)
        return self._default if row is None else self.parse_limits(row.limits)

    async def check(self, owner: str, allowed: OwnerLimits) -> None:
        """Check an owner's daily limits before a model call.

        Raises:
            LimitExceeded: the tokens or the money of the day are used up.
        """
        if allowed.tokens_per_day is None and allowed.money_per_day is None:
            return
        row = await self.today(owner)
        if row is None:
            return
        if allowed.tokens_per_day is not None and row.prompt_tokens + row.completion_tokens >= allowed.tokens_per_day:
            raise self._used_up("tokens_per_day_exceeded", f"The {allowed.tokens_per_day} tokens")
        if allowed.money_per_day is not None and (row.cost or 0) >= allowed.money_per_day * MILLION:
            raise self._used_up("money_per_day_exceeded", f"The {allowed.money_per_day:g} of money")

    async def today(self, owner: str) -> UsageRow | None:
        """Return the usage of an owner since midnight (UTC)."""
        day = int(self._clock()) // DAY
        return await self._store.of(owner).one(queries.USAGE_OF, by="day", first=day, last=day)

    async def storage_used(self, owner: str) -> dict[str, int]:
        """Return the current storage of an owner, by name of the limit."""
        return {row.kind: row.amount for row in await self._store.of(owner).all(queries.STORAGE_USED)}

    async def file_room(self, owner: str, allowed: OwnerLimits) -> dict[str, int]:
        """Return how many files and bytes an owner can still upload, as far as limited.

        Raises:
            LimitReached: the owner has reached a limit.
        """
        return await self._room(owner, allowed, FILE)

    async def generated_room(self, owner: str, files: int, size: int) -> dict[str, int]:
        """Return the same for files created by tools, after `files` of `size` bytes that are not written yet.

        Raises:
            LimitReached: the owner has reached a limit.
        """
        return await self._room(owner, await self.of(owner), GENERATED, files, size)

    async def _room(
        self, owner: str, allowed: OwnerLimits, names: Sequence[str], files: int = 0, size: int = 0
    ) -> dict[str, int]:
        used = await self.storage_used(owner)
        left = remaining(allowed, used, names)
        for name, room in left.items():
            left[name] = room - (size if name.endswith("_bytes") else files)
            if left[name] <= 0:
                raise LimitReached(name, room + used.get(name, 0), used.get(name, 0))
        return left

    def _used_up(self, code: str, what: str) -> LimitExceeded:
        now = self._clock()
        midnight = (now // DAY + 1) * DAY
        next_day = datetime.fromtimestamp(midnight, UTC)
        message = f"{what} of this day are used up. The next day starts at {next_day:%Y-%m-%d %H:%M} UTC."
        return LimitExceeded(code, message, midnight - now)


def room(allowed: OwnerLimits, new: NewRun, also: Sequence[Op] = ()) -> list[Op]:
    """Build the checks for a new run, after `also`, that reject it if its owner exceeds a limit."""
    stored = [*storage_checks(allowed, new.owner, also), *run_checks(allowed, new.owner, new.thread_id)]
    return [*stored, *_open_runs(allowed, new)]


def _open_runs(allowed: OwnerLimits, new: NewRun) -> list[Op]:
    most = allowed.concurrent_runs
    if most is None:
        return []
    message = f"You have {most} open runs, the maximum. Wait until one ends, or cancel one."
    interrupts = new.thread_id if new.on_busy is OnBusy.INTERRUPT else None
    exceeded = LimitExceeded("concurrent_runs_exceeded", message, SOON)
    return [Op(queries.RUNS_ROOM, {"most": most, "interrupts": interrupts}, missing=exceeded)]
