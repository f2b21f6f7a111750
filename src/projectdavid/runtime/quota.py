"""What an owner may use: limits of their own over those of the server, and what is used of them today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from projectdavid.ports.store import Op, Row, Store, StoreError
from projectdavid.runtime.driver import Clock, NewRun, OnBusy
from projectdavid.runtime.storage_limits import (
    FILE,
    GENERATED,
    LimitReached,
    StorageLimits,
    remaining,
    run_checks,
    storage_checks,
)
from projectdavid.runtime.writing import DAY

MILLION = 1_000_000
SOON = 5.0
"""Seconds after which a run may be over; nobody knows when one will be."""


class Allowance(StorageLimits, frozen=True, omit_defaults=True):
    """The limits of an owner. Days are those of UTC, money is in the currency of the prices; None: no limit."""

    requests_per_minute: int | None = None
    concurrent_runs: int | None = None
    tokens_per_day: int | None = None
    money_per_day: float | None = None


NO_LIMITS = Allowance()
_decoder = msgspec.json.Decoder(Allowance)


@dataclass
class Exceeded(StoreError):
    """The owner has used up what they may use; `retry_after` is in seconds."""

    code: str
    message: str
    retry_after: float


class Quota:
    """Knows what everybody may use, and refuses what is more."""

    def __init__(self, store: Store, clock: Clock, default: Allowance = NO_LIMITS) -> None:
        self._store = store
        self._clock = clock
        self._default = default

    def allowed(self, limits: str) -> Allowance:
        """What the owner of a row's limits may use: what these do not say, the server says."""
        if limits == "{}":
            return self._default
        own = _decoder.decode(limits)
        given = {name: value for name, value in msgspec.structs.asdict(own).items() if value is not None}
        return msgspec.structs.replace(self._default, **given)

    async def of(self, owner: str) -> Allowance:
        """What an owner may use now."""
        row = await self._store.one("user", id=owner)
        return self._default if row is None else self.allowed(row.limits)

    async def check(self, owner: str, allowed: Allowance) -> None:
        """Let an owner pass who may ask a model today.

        Raises:
            Exceeded: they have used up their tokens or their money of the day.
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

    async def today(self, owner: str) -> Row | None:
        """What an owner has used since midnight."""
        day = int(self._clock()) // DAY
        return await self._store.of(owner).one("usage_of", by="day", first=day, last=day)

    async def stored(self, owner: str) -> dict[str, int]:
        """Return what an owner stores now, by the names of the limits."""
        return {row.kind: row.amount for row in await self._store.of(owner).all("storage_used")}

    async def file_room(self, owner: str, allowed: Allowance) -> dict[str, int]:
        """Return how many files, and how many bytes of them, an owner can still upload, as far as that is limited.

        Raises:
            LimitReached: none.
        """
        return await self._room(owner, allowed, FILE)

    async def generated_room(self, owner: str, files: int, size: int) -> dict[str, int]:
        """Return the same of files that tools make, after `files` of `size` bytes that are not written yet.

        Raises:
            LimitReached: none.
        """
        return await self._room(owner, await self.of(owner), GENERATED, files, size)

    async def _room(
        self, owner: str, allowed: Allowance, names: Sequence[str], files: int = 0, size: int = 0
    ) -> dict[str, int]:
        used = await self.stored(owner)
        left = remaining(allowed, used, names)
        for name, room in left.items():
            left[name] = room - (size if name.endswith("_bytes") else files)
            if left[name] <= 0:
                raise LimitReached(name, room + used.get(name, 0), used.get(name, 0))
        return left

    def _used_up(self, code: str, what: str) -> Exceeded:
        now = self._clock()
        midnight = (now // DAY + 1) * DAY
        next_day = datetime.fromtimestamp(midnight, UTC)
        message = f"{what} of this day are used up. The next day begins at {next_day:%Y-%m-%d %H:%M} UTC."
        return Exceeded(code, message, midnight - now)


def room(allowed: Allowance, new: NewRun, also: Sequence[Op] = ()) -> list[Op]:
    """Return what to write with a new run, after `also`, to refuse it if its owner exceeds a limit."""
    stored = [*storage_checks(allowed, new.owner, also), *run_checks(allowed, new.owner, new.thread_id)]
    return [*stored, *_open_runs(allowed, new)]


def _open_runs(allowed: Allowance, new: NewRun) -> list[Op]:
    most = allowed.concurrent_runs
    if most is None:
        return []
    message = f"You have {most} open runs, and may not have more at once. Wait until one is over, or cancel one."
    interrupts = new.thread_id if new.on_busy is OnBusy.INTERRUPT else None
    exceeded = Exceeded("concurrent_runs_exceeded", message, SOON)
    return [Op("runs_room", {"most": most, "interrupts": interrupts}, missing=exceeded)]
