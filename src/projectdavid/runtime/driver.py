"""The one door: the only place through which a run changes.

It decides with the pure machine, and writes the new state, the journal and all that is to be kept in one transaction,
with a version check. Whoever loses a race decides again, which costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from projectdavid.engine.deltas import Usage
from projectdavid.engine.happenings import Abandoned, CancelRequested, Claimed, Expired, Happened, ModelReplied
from projectdavid.engine.machine import advance
from projectdavid.engine.run import Abort, Next, Refused, Run, Status, told
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Clash, Missing, Op, Row, Stale, Store, Value
from projectdavid.runtime.crashes import GUILTY, ClaimCount, count_claims
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.records import Config, config_hash, encode, run_of, state_of
from projectdavid.runtime.writing import NOTHING_STREAMED, RACE, Lease, Streamed, Writing

Clock = Callable[[], float]
"""The time in Unix seconds."""

WORK = "work"
"""The topic that says a run waits for a worker."""

OUTBOX = "outbox"
"""The topic that says a webhook waits to be sent."""

ERASE = "erase"
"""The topic that says something was hidden or deleted, and has to be erased."""

OPENING = '["message_created","message_completed","message_discarded"]'

Cost = Callable[[str, Usage], int | None]
"""What tokens of a model cost, in millionths of the currency of the prices; None: its price is not known."""

WORKED_ON = frozenset({Status.IN_PROGRESS, Status.CANCELLING})


class Lost(Exception):
    """Another worker holds the run."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided and is now on the disk; `messages` are the ids of the messages that were kept."""

    n: int
    row: Row
    next: Next
    version: int
    messages: tuple[str, ...]


class OnBusy(StrEnum):
    """What a new run does in a thread that another run has."""

    REJECT = "reject"
    """It is not created."""
    QUEUE = "queue"
    """It waits for its turn."""
    INTERRUPT = "interrupt"
    """The other is cancelled; it starts when that has ended, before all that wait, also of those that interrupted."""


PARKED = {OnBusy.REJECT: 0, OnBusy.QUEUE: 1, OnBusy.INTERRUPT: 2}


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run is created from; `status` is `queued`, or `pending` for one that waits to be started.

    `key_prefix` is the open part of the API key that asked for it.
    """

    id: str
    owner: str
    thread_id: str
    assistant_id: str
    model: str
    config: Config
    meta_data: str
    status: Status
    expires_at: float
    on_busy: OnBusy = OnBusy.REJECT
    key_prefix: str = ""


class Driver:
    """Creates runs and lets things happen to them."""

    def __init__(self, store: Store, bus: Bus, clock: Clock, ids: Ids, cost: Cost = lambda _, __: None) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._cost = cost

    async def create(self, new: NewRun, also: Sequence[Op] = ()) -> None:
        """Write a run and the beginning of its journal, and with it what `also` says, as the new run's owner.

        Raises:
            Missing: the thread is not the owner's.
            Clash: the thread has an open run, and `on_busy` is to reject; or what `also` raises.
        """
        if new.on_busy is OnBusy.INTERRUPT:
            await self._interrupt(new, also)
        else:
            await self._store.write(self._born(new, also, PARKED[new.on_busy]))
        if new.status is Status.QUEUED:
            self._bus.publish(WORK)

    async def _interrupt(self, new: NewRun, also: Sequence[Op]) -> None:
        """Create a run, and cancel the one that has its thread, in one transaction."""
        while True:
            active = await self._store.of(new.owner).one("run_open", thread_id=new.thread_id)
            try:
                if active is None:
                    await self._store.write(self._born(new, also, PARKED[OnBusy.REJECT]))
                else:
                    born = self._born(new, also, PARKED[OnBusy.INTERRUPT])
                    await self.decide(active.n, CancelRequested(self._clock()), also=born)
            except Refused:
                continue  # it ended meanwhile
            except (Missing, Clash) as error:
                if error.kind != "run":
                    raise
                continue  # it was deleted meanwhile, or another has the thread now, which is to be cancelled, too
            return

    def _born(self, new: NewRun, also: Sequence[Op], parked: int) -> list[Op]:
        """What `also` says, and the new run with the beginning of its journal; all as its owner."""
        body, hashed = encode(new.config), config_hash(new.config)
        params: dict[str, Value] = {
            "id": new.id,
            "thread_id": new.thread_id,
            "assistant_id": new.assistant_id,
            "status": new.status,
            "now": int(self._clock()),
            "expires_at": new.expires_at,
            "model": new.model,
            "hash": hashed,
            "meta_data": new.meta_data,
            "state": state_of(Run(new.id, new.status, new.expires_at)),
            "key_prefix": new.key_prefix,
            "parked": parked,
        }
        first = [told("status", status=str(new.status)), *(told("warning", **w) for w in new.config.warnings)]
        ops = [
            *also,
            Op("config_insert", {"hash": hashed, "body": body}),
            Op("run_insert", params, Missing("thread", new.thread_id), Clash("run", new.thread_id)),
            *(Op("journal_begin", {"run_id": new.id, "kind": one.kind, "data": encode(one.data)}) for one in first),
        ]
        return [Op(op.query, {**op.params, "owner": new.owner}, op.missing, op.clash) for op in ops]

    async def decide(
        self,
        n: int,
        happened: Happened,
        *,
        holder: str | None = None,
        claim: Lease | None = None,
        streamed: Streamed = NOTHING_STREAMED,
        also: Sequence[Op] = (),
    ) -> Decided:
        """Let something happen to the run of row `n`, and make it last.

        `holder` is the worker that says so, if one does; `claim` takes the run for a worker; `streamed` is what the
        journal was told of the model's reply, to be stored closer together; `also` is written in the same transaction.

        Raises:
            Refused: it cannot happen to a run in this state.
            Lost: another worker holds the run.
            Missing: there is no such run.
            Unavailable: the store cannot write.
            StoreError: what an operation of `also` raises.
        """
        while True:
            row = await self._store.one("run_state", n=n)
            if row is None:
                raise Missing("run", str(n))
            now = self._clock()
            if holder is not None and row.lease != holder:
                raise Lost
            if claim is not None and row.lease not in (None, claim.worker) and row.lease_until > now:
                raise Lost
            before = run_of(row)
            known, unmoved = await self._informed(row, happened, holder)
            result = advance(before, known)
            writing = Writing(self._ids, row, int(now), before.turn + 1, [*also, *unmoved])
            count = count_claims(row, happened, now, claim.worker if claim else None)
            self._write(writing, before, result, claim, count)
            if (used := result.run.usage - before.usage) or isinstance(happened, ModelReplied):
                writing.use(used, self._cost(row.model, used), int(isinstance(happened, ModelReplied)))
            writing.closer(streamed)
            writing.tell(streamed.last)
            for kept in result.keep:
                writing.keep(kept)
            writing.tell(result.tell)
            try:
                await self._store.write(writing.ops)
            except Stale:
                continue
            self._hint(n, before, result)
            return Decided(n, row, result, row.version + 1, tuple(writing.messages))

    async def _informed(self, run: Row, happened: Happened, holder: str | None) -> tuple[Happened, list[Op]]:
        """What happens to a run that a worker left behind, with the message that this one had begun to tell.

        It may not be gone, but only have been held up, and tell one more: then the operation loses the race.
        """
        if not (isinstance(happened, Claimed | Abandoned) or (isinstance(happened, Expired) and holder is None)):
            return happened, []
        if isinstance(happened, Claimed):
            happened = replace(happened, crashed=run.crash_score >= GUILTY)
        row = await self._store.one("journal_last", run=run.n, kinds=OPENING)
        seen = 0 if row is None else row.position
        unmoved = Op("journal_unmoved", {"run": run.n, "kinds": OPENING, "position": seen}, missing=RACE)
        if row is None or row.kind != "message_created":
            return happened, [unmoved]
        return replace(happened, open_message=str(msgspec.json.decode(row.data)["message_id"])), [unmoved]

    @staticmethod
    def _write(writing: Writing, before: Run, result: Next, claim: Lease | None, count: ClaimCount) -> None:
        """The run's new state, and what its new status means for others."""
        row, run = writing.row, result.run
        held = claim or (Lease(row.lease, row.lease_until) if row.lease else None)
        writing.decide(run, held if run.status in WORKED_ON else None, count)
        if _is_news(before, run):
            writing.promise(run)
        if run.over and not before.parked:
            writing.add("run_unpark", thread=row.thread)

    async def hold(self, n: int, worker: str) -> None:
        """See that a worker holds a run still: before it does what cannot be taken back.

        Raises:
            Lost: another worker holds it, or nobody.
        """
        row = await self._store.one("run_lease", n=n)
        if row is None or row.lease != worker or row.lease_until <= self._clock():
            raise Lost

    async def extend(self, worker: str, until: float) -> None:
        """Extend all leases of a worker."""
        await self._store.write([Op("leases_extend", {"lease": worker, "until": until, "now": self._clock()})])

    async def recover(self) -> None:
        """Take all leases back; only for a process that holds the store alone, at its start."""
        await self._store.write([Op("leases_clear")])

    def _hint(self, n: int, before: Run, result: Next) -> None:
        run = result.run
        self._bus.publish(journal_topic(n))
        if run.status is Status.QUEUED or run.over:
            self._bus.publish(WORK)
        if _is_news(before, run):
            self._bus.publish(OUTBOX)
        if any(isinstance(do, Abort) for do in result.do):
            self._bus.publish(abort_topic(n))


def _is_news(before: Run, run: Run) -> bool:
    """Whether webhooks tell of it: the run waits for its caller now, or has ended."""
    return run.over or (run.status is Status.REQUIRES_ACTION and before.status is not run.status)


def journal_topic(n: int) -> str:
    """Says that the journal of a run grew."""
    return f"journal:{n}"


def abort_topic(n: int) -> str:
    """Says that the model call of a run is to be closed."""
    return f"abort:{n}"
