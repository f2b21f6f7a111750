"""The one door: the only place through which a run changes.

It decides with the pure machine, and writes the new state, the journal and all that is to be kept in one transaction,
with a version check. Whoever loses a race decides again, which costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from projectdavid.engine.deltas import AskedCall, Entry
from projectdavid.engine.machine import advance
from projectdavid.engine.run import (
    Abort,
    Call,
    Happened,
    Keep,
    KeepCalls,
    KeepOutput,
    KeepReply,
    Next,
    Run,
    Status,
    told,
)
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Clash, Missing, Op, Row, Stale, Store, Value
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.records import Config, config_hash, encode, run_of, state_of

Clock = Callable[[], float]
"""The time in Unix seconds."""

WORK = "work"
"""The topic that says a run waits for a worker."""

WORKED_ON = frozenset({Status.IN_PROGRESS, Status.CANCELLING})
_RACE = Stale()


class Lost(Exception):
    """Another worker holds the run."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's hold on a run, until a time."""

    worker: str
    until: float


@dataclass(frozen=True, slots=True)
class Streamed:
    """Journal rows that one model call has written: position and entry of each; and what it has still to tell."""

    rows: tuple[tuple[int, Entry], ...] = ()
    last: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided and is now on the disk; `messages` are the ids of the messages that were kept."""

    n: int
    row: Row
    next: Next
    version: int
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewRun:
    """What a run is created from; `status` is `queued`, or `pending` for one that waits to be started."""

    id: str
    owner: str
    thread_id: str
    assistant_id: str
    model: str
    config: Config
    meta_data: str
    status: Status
    expires_at: float


@dataclass(slots=True)
class _Writing:
    """Collects the operations of one decision."""

    ids: Ids
    row: Row
    now: int
    ops: list[Op] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def add(self, query: str, **params: Value) -> None:
        self.ops.append(Op(query, params))

    def tell(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.add("journal_append", run=self.row.n, count=entry.count, kind=entry.kind, data=encode(entry.data))

    def keep(self, kept: Keep) -> None:
        match kept:
            case KeepReply(reply, status, reason):
                if reply.text or reply.calls:
                    self._message(
                        reply.message_id,
                        "assistant",
                        reply.text,
                        status=status,
                        reason=reason,
                        calls=_calls_json(reply.calls),
                        reasoning=reply.reasoning or None,
                    )
            case KeepCalls(calls, turn):
                for position, call in enumerate(calls):
                    self._call(call, turn, position)
            case KeepOutput(call_id, output):
                self.add("call_output", run=self.row.n, call_id=call_id, output=output, now=self.now)
                self._message(self.ids.new("msg"), "tool", output, call_id=call_id)

    def _message(self, message_id: str, role: str, text: str, **values: Value) -> None:
        self.messages.append(message_id)
        columns: dict[str, Value] = dict.fromkeys(("status", "reason", "calls", "call_id", "reasoning"))
        self.add(
            "message_keep",
            id=message_id,
            thread=self.row.thread,
            now=self.now,
            role=role,
            content=encode(text),
            assistant_id=self.row.assistant_id,
            run_id=self.row.id,
            **{**columns, **values},
        )

    def _call(self, call: Call, turn: int, position: int) -> None:
        self.add(
            "call_insert",
            action_id=call.action_id,
            run=self.row.n,
            call_id=call.id,
            turn=turn,
            position=position,
            name=call.name,
            arguments=call.arguments,
            output=call.output,
            now=self.now,
            finished_at=None if call.output is None else self.now,
        )


class Driver:
    """Creates runs and lets things happen to them."""

    def __init__(self, store: Store, bus: Bus, clock: Clock, ids: Ids) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._ids = ids

    async def create(self, new: NewRun) -> int:
        """Write a run and the beginning of its journal; returns the number of its row.

        Raises:
            Missing: the thread is not the owner's.
            Clash: the thread has an open run.
        """
        body, hashed = encode(new.config), config_hash(new.config)
        run = Run(new.id, new.status, new.expires_at)
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
            "state": state_of(run),
        }
        first = [told("status", status=str(new.status)), *(told("warning", **w) for w in new.config.warnings)]
        rows = await self._store.of(new.owner).write(
            [
                Op("config_insert", {"hash": hashed, "body": body}),
                Op("run_insert", params, Missing("thread", new.thread_id), Clash("run", new.thread_id)),
                *(
                    Op("journal_begin", {"run_id": new.id, "kind": entry.kind, "data": encode(entry.data)})
                    for entry in first
                ),
            ]
        )
        if new.status is Status.QUEUED:
            self._bus.publish(WORK)
        created = rows[1]
        assert created is not None
        return int(created.n)

    async def decide(
        self,
        n: int,
        happened: Happened,
        *,
        holder: str | None = None,
        claim: Lease | None = None,
        streamed: Streamed = Streamed(),
    ) -> Decided:
        """Let something happen to the run of row `n`, and make it last.

        `holder` is the worker that says so, if one does; `claim` takes the run for a worker; `streamed` is what the
        journal was told of the model's reply, to be stored closer together.

        Raises:
            Refused: it cannot happen to a run in this state.
            Lost: another worker holds the run.
            Missing: there is no such run.
            Unavailable: the store cannot write.
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
            result = advance(run_of(row), happened)
            writing = self._writing(row, result, claim, now)
            writing.ops.extend(_closer(n, streamed))
            writing.tell(streamed.last)
            for kept in result.keep:
                writing.keep(kept)
            writing.tell(result.tell)
            try:
                await self._store.write(writing.ops)
            except Stale:
                continue
            self._hint(n, result)
            return Decided(n, row, result, row.version + 1, tuple(writing.messages))

    async def extend(self, worker: str, until: float) -> None:
        """Extend all leases of a worker."""
        await self._store.write([Op("leases_extend", {"lease": worker, "until": until})])

    async def recover(self) -> None:
        """Take all leases back; only for a process that holds the store alone, at its start."""
        await self._store.write([Op("leases_clear")])

    def _writing(self, row: Row, result: Next, claim: Lease | None, now: float) -> _Writing:
        lease = claim or (Lease(row.lease, row.lease_until) if row.lease else None)
        if result.run.status not in WORKED_ON:
            lease = None
        params: dict[str, Value] = {
            "n": row.n,
            "version": row.version,
            "status": result.run.status,
            "state": state_of(result.run),
            "lease": lease.worker if lease else None,
            "lease_until": lease.until if lease else None,
        }
        return _Writing(self._ids, row, int(now), [Op("run_decide", params, _RACE)])

    def _hint(self, n: int, result: Next) -> None:
        self._bus.publish(journal_topic(n))
        if result.run.status is Status.QUEUED:
            self._bus.publish(WORK)
        if any(isinstance(do, Abort) for do in result.do):
            self._bus.publish(abort_topic(n))


def journal_topic(n: int) -> str:
    """Says that the journal of a run grew."""
    return f"journal:{n}"


def abort_topic(n: int) -> str:
    """Says that the model call of a run is to be closed."""
    return f"abort:{n}"


def _calls_json(calls: tuple[AskedCall, ...]) -> str | None:
    return (
        encode([{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]) if calls else None
    )


def _closer(n: int, streamed: Streamed) -> list[Op]:
    """Store what one reply told in few rows in place of many; every event keeps its position."""
    merged: list[tuple[int, Entry]] = []
    for position, entry in streamed.rows:
        if merged and isinstance(entry.data, list) and merged[-1][1].kind == entry.kind:
            start, before = merged[-1]
            merged[-1] = (start, Entry(entry.kind, before.data + entry.data, before.count + entry.count))
        else:
            merged.append((position, entry))
    if len(merged) == len(streamed.rows):
        return []
    last = streamed.rows[-1][0]
    return [
        Op("journal_drop", {"run": n, "first": streamed.rows[0][0], "last": last}),
        *(
            Op("journal_put", {"run": n, "position": at, "count": e.count, "kind": e.kind, "data": encode(e.data)})
            for at, e in merged
        ),
    ]
