"""The run driver: the only place that changes a run.

It decides with the pure machine, and writes the new state, the journal and all records in one transaction, with a
version check. The loser of a race decides again, which costs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import msgspec

from projectdavid.engine.deltas import TokenUsage
from projectdavid.engine.inputs import (
    CancelRequested,
    ModelFailed,
    ModelReplied,
    RunAbandoned,
    RunClaimed,
    RunExpired,
    RunInput,
    WorkAborted,
)
from projectdavid.engine.machine import advance
from projectdavid.engine.run import AbortWork, InputRefused, RunState, RunStatus, Transition, journal_entry
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import AnyRow, Op, RowMissing, StaleRow, Store, UniqueClash, Value
from projectdavid.runtime.clock import Clock, to_ms
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.runs.crashes import ClaimCount, count_claims, is_guilty
from projectdavid.runtime.runs.decision_writer import NOTHING_STREAMED, RACE, DecisionWriter, RunLease, StreamedRows
from projectdavid.runtime.runs.records import RunConfig, config_hash, encode, new_state, run_of
from projectdavid.runtime.runs.run_telemetry import RunTelemetry
from projectdavid.runtime.runs.webhooks import events_of
from projectdavid.runtime.topics import OUTBOX, WORK, abort_topic, journal_topic

NEW = 1
"""The version of a new run that no worker has claimed."""

OPENING = '["message_created","message_completed","message_discarded"]'

Cost = Callable[[str, TokenUsage], int | None]
"""Returns the costs of a model's tokens, in millionths of the currency of the prices; None if its price is unknown."""

WORKED_ON = frozenset({RunStatus.IN_PROGRESS, RunStatus.CANCELLING})


class LeaseLost(Exception):
    """Another worker holds the run."""


@dataclass(frozen=True, slots=True)
class RunDecision:
    """A committed decision; `messages` are the ids of the stored messages."""

    n: int
    row: RunRow
    next: Transition
    version: int
    messages: tuple[str, ...]


class OnBusy(StrEnum):
    """What a new run does if its thread has an open run."""

    REJECT = "reject"
    """The new run is rejected."""
    QUEUE = "queue"
    """The new run is queued."""
    INTERRUPT = "interrupt"
    """The open run is cancelled; the new one starts next, before all queued runs, including earlier interrupting ones.
    """


PARKED = {OnBusy.REJECT: 0, OnBusy.QUEUE: 1, OnBusy.INTERRUPT: 2}


@dataclass(frozen=True, slots=True)
class NewRun:
    """The data of a new run; `status` is `queued`, or `pending` for one that waits to be started.

    `key_prefix` is the public part of the API key of the request.
    """

    id: str
    owner: str
    thread_id: str
    assistant_id: str
    model: str
    config: RunConfig
    meta_data: str
    status: RunStatus
    expires_at: float
    on_busy: OnBusy = OnBusy.REJECT
    key_prefix: str = ""


class RunDriver:
    """Creates runs and applies inputs to them."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        ids: IdFactory,
        cost: Cost = lambda _, __: None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._clock = clock
        self._ids = ids
        self._cost = cost
        self._telemetry = RunTelemetry(telemetry or Telemetry())

    async def create(self, new: NewRun, also: Sequence[Op] = ()) -> None:
        """Write a run and its first journal entries, together with `also`, as the new run's owner.

        Raises:
            RowMissing: the thread is not the owner's.
            UniqueClash: the thread has an open run, and `on_busy` is to reject; or an error of `also`.
        """
        if new.on_busy is OnBusy.INTERRUPT:
            await self._interrupt(new, also)
        else:
            await self._store.write(self._creation_ops(new, also, PARKED[new.on_busy]))
        self._telemetry.record_creation()
        if new.status is RunStatus.QUEUED:
            self._bus.publish(WORK)

    async def _interrupt(self, new: NewRun, also: Sequence[Op]) -> None:
        """Create a run, and cancel the open one of its thread, in one transaction."""
        while True:
            active = await self._store.of(new.owner).one(queries.RUN_OPEN, thread_id=new.thread_id)
            try:
                if active is None:
                    await self._store.write(self._creation_ops(new, also, PARKED[OnBusy.REJECT]))
                else:
                    born = self._creation_ops(new, also, PARKED[OnBusy.INTERRUPT])
                    await self.decide(active.n, CancelRequested(self._clock()), also=born)
            except InputRefused:
                continue  # it ended in the meantime
            except (RowMissing, UniqueClash) as error:
                if error.kind != "run":
                    raise
                continue  # it was deleted, or another run has the thread now, which must be cancelled, too
            return

    def _creation_ops(self, new: NewRun, also: Sequence[Op], parked: int) -> list[Op]:
        """Build the operations of `also` and of the new run with its first journal entries, for its owner."""
        body, hashed, now = encode(new.config), config_hash(new.config), self._clock()
        params: dict[str, Value] = {
            "id": new.id,
            "thread_id": new.thread_id,
            "assistant_id": new.assistant_id,
            "status": new.status,
            "now": int(now),
            "expires_at": new.expires_at,
            "model": new.model,
            "hash": hashed,
            "meta_data": new.meta_data,
            "state": new_state(self._telemetry.current_trace()),
            "key_prefix": new.key_prefix,
            "parked": parked,
        }
        first = [
            journal_entry("status", status=str(new.status)),
            *(journal_entry("warning", **w) for w in new.config.warnings),
        ]
        begun: dict[str, Value] = {"run_id": new.id, "written_ms": to_ms(now)}
        ops = [
            *also,
            Op(queries.CONFIG_INSERT, {"hash": hashed, "body": body}),
            Op(queries.RUN_INSERT, params, RowMissing("thread", new.thread_id), UniqueClash("run", new.thread_id)),
            *(Op(queries.JOURNAL_BEGIN, {**begun, "kind": one.kind, "data": encode(one.data)}) for one in first),
        ]
        return [Op(op.query, {**op.params, "owner": new.owner}, op.missing, op.clash) for op in ops]

    async def decide(
        self,
        n: int,
        run_input: RunInput,
        *,
        holder: str | None = None,
        claim: RunLease | None = None,
        streamed: StreamedRows = NOTHING_STREAMED,
        also: Sequence[Op] = (),
    ) -> RunDecision:
        """Apply an input to the run of row `n`, and commit the decision.

        `holder` is the worker that sends the input, if any; `claim` leases the run to a worker; `streamed` are the
        journal rows of the model's reply, to be merged; `also` is written in the same transaction.

        Raises:
            InputRefused: the input is not possible in this state.
            LeaseLost: another worker holds the run.
            RowMissing: the run does not exist.
            StoreError: the store cannot write, or an operation of `also` failed.
        """
        worker = claim.worker if claim else None
        while True:
            row = await self._store.one(queries.RUN_STATE, n=n)
            if row is None:
                raise RowMissing("run", str(n))
            now = self._clock()
            if holder is not None and row.lease != holder:
                raise LeaseLost
            if claim is not None and row.lease not in (None, claim.worker) and (row.lease_until or 0) > now:
                raise LeaseLost
            before = run_of(row)
            known, unmoved = await self._add_broken_message(row, run_input, holder, worker)
            result = advance(before, self._add_cost(row.model, known))
            writer = DecisionWriter(self._ids, row, int(now), to_ms(now), before.turn + 1, [*also, *unmoved])
            self._write(writer, before, result, claim, count_claims(row, run_input, now, worker))
            if (used := result.run.usage - before.usage) or isinstance(run_input, ModelReplied):
                writer.add_usage(used, self._cost(row.model, used), int(isinstance(run_input, ModelReplied)))
            writer.merge_journal(streamed)
            writer.append(streamed.last)
            for record in result.records:
                writer.add_record(record)
            writer.append(result.entries)
            try:
                rows = await self._store.write(writer.ops)
            except StaleRow:
                continue
            self._notify(writer, rows, result)
            self._telemetry.record_decision(row, before, known, result, now)
            return RunDecision(n, row, result, row.version + 1, tuple(writer.messages))

    async def _add_broken_message(
        self, run: RunRow, run_input: RunInput, holder: str | None, worker: str | None
    ) -> tuple[RunInput, list[Op]]:
        """Add the partial message of a worker that left the run to an input.

        That worker can still be alive and write more: then the operation loses the race.
        """
        if not (
            isinstance(run_input, RunClaimed | RunAbandoned) or (isinstance(run_input, RunExpired) and holder is None)
        ):
            return run_input, []
        if run.version == NEW:
            return run_input, []
        if isinstance(run_input, RunClaimed):
            run_input = replace(run_input, crashed=is_guilty(run, worker))
        row = await self._store.one(queries.JOURNAL_LAST, run=run.n, kinds=OPENING)
        seen = 0 if row is None else row.position
        unmoved = Op(queries.JOURNAL_UNMOVED, {"run": run.n, "kinds": OPENING, "position": seen}, missing=RACE)
        if row is None or row.kind != "message_created":
            return run_input, [unmoved]
        return replace(run_input, open_message=str(msgspec.json.decode(row.data)["message_id"])), [unmoved]

    def _add_cost(self, model: str, run_input: RunInput) -> RunInput:
        """Add the cost of a model call to the input that reports its usage."""
        match run_input:
            case ModelReplied(reply) if reply.usage is not None:
                return replace(run_input, reply=replace(reply, usage=self._with_cost(model, reply.usage)))
            case ModelFailed(spent=spent) | WorkAborted(spent=spent) | RunExpired(spent=spent) if spent is not None:
                return replace(run_input, spent=self._with_cost(model, spent))
            case _:
                return run_input

    def _with_cost(self, model: str, usage: TokenUsage) -> TokenUsage:
        return replace(usage, cost=self._cost(model, usage))

    @staticmethod
    def _write(
        writer: DecisionWriter, before: RunState, result: Transition, claim: RunLease | None, count: ClaimCount
    ) -> None:
        """Build the operations for the run's new state, and its effects on others."""
        row, run = writer.row, result.run
        held = claim or (RunLease(row.lease, row.lease_until) if row.lease and row.lease_until is not None else None)
        if run.status in WORKED_ON:
            writer.decide(run, held, count)
        else:
            writer.decide(run, None, ClaimCount())
        for event, fields in events_of(before, result).items():
            writer.enqueue_webhook(run, event, fields)
        if run.over and not before.parked:
            writer.add(queries.RUN_UNPARK, thread=row.thread)

    async def hold(self, n: int, worker: str) -> None:
        """Check that a worker still holds a run, before an irreversible action.

        Raises:
            LeaseLost: another worker, or none, holds it.
        """
        row = await self._store.one(queries.RUN_LEASE, n=n)
        if row is None or row.lease != worker or (row.lease_until or 0) <= self._clock():
            raise LeaseLost

    async def extend(self, worker: str, until: float) -> None:
        """Extend all leases of a worker."""
        await self._store.write([Op(queries.LEASES_EXTEND, {"lease": worker, "until": until, "now": self._clock()})])

    async def recover(self) -> None:
        """Take all leases back, at the start of a process; only if the store is exclusive."""
        await self._store.write([Op(queries.LEASES_CLEAR)])

    def _notify(self, writer: DecisionWriter, rows: Sequence[AnyRow | None], result: Transition) -> None:
        """Notify the subscribers of everything that the commit changed."""
        n = writer.row.n
        found = {op.query: row for op, row in zip(writer.ops, rows, strict=True)}
        end = queries.JOURNAL_END.narrow(found.get(queries.JOURNAL_END))
        self._bus.publish(journal_topic(n), writer.list_parts(end.position) if end else ())
        if result.run.status is RunStatus.QUEUED or found.get(queries.RUN_UNPARK):
            self._bus.publish(WORK)
        if any(row for op, row in zip(writer.ops, rows, strict=True) if op.query is queries.DELIVERY_INSERT):
            self._bus.publish(OUTBOX)
        if any(isinstance(command, AbortWork) for command in result.commands):
            self._bus.publish(abort_topic(n))
