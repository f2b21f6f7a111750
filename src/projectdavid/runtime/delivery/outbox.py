"""The outbox: delivers committed webhooks at least once, and in order per run."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import SystemRandom

import msgspec

from projectdavid.engine.approvals import is_asked, is_gated
from projectdavid.engine.inputs import Decided
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.instruments.work_context import WorkContext, current_work
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import DueDeliveryRow
from projectdavid.ports.store import Op, RowMissing, Store, StoreUnavailable, Value
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.delivery.delivery_spans import find_delivery_trace
from projectdavid.runtime.delivery.webhook_delivery import (
    DISABLED,
    GONE,
    NO_ANSWERS,
    CallAnswers,
    DeliveryOutcome,
    PostFunction,
    attempt,
)
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.runs.records import encode, run_of
from projectdavid.runtime.topics import OUTBOX

log = logging.getLogger("projectdavid.outbox")

LOGGED = 50
"""Attempts of a delivery that its log keeps: the latest."""
TOO_LATE = "Its outputs came too late: the run no longer waits for them."
PARTLY_LATE = "Some of its outputs came too late: the run no longer waits for these."
_RANDOM = SystemRandom()
FAULT = DeliveryOutcome(error="The server failed internally while it sent this.")


@dataclass(frozen=True, slots=True)
class DeliveryTimeouts:
    """Timing of retries and when to give up, in seconds."""

    first: float = 5.0
    """Before the second attempt; doubled for each further one, minus a random jitter of up to half."""
    longest: float = 3600.0
    give_up: float = 24 * 3600.0
    """After the event."""
    claim: float = 60.0
    """Maximum duration of an attempt before it counts as lost."""
    look: float = 1.0
    """Interval of polling the store, in case a notification was lost."""


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """Limits of concurrent deliveries, so slow receivers cannot block others.

    The second half is shared in smaller parts, `few` per owner and one per assistant, so it takes very many slow
    receivers of very many owners to fill it.
    """

    assistant: int = 8
    owner: int = 32
    all: int = 256
    few: int = 2


class Outbox:
    """Delivers until it is stopped.

    Args:
        chance: returns a random number from 0 to 1.
    """

    def __init__(
        self,
        store: Store,
        bus: Bus,
        driver: RunDriver,
        post: PostFunction,
        clock: Clock,
        timeouts: DeliveryTimeouts = DeliveryTimeouts(),
        limits: DeliveryLimits = DeliveryLimits(),
        chance: Callable[[], float] = _RANDOM.random,
        telemetry: Telemetry | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._driver = driver
        self._post = post
        self._clock = clock
        self._timeouts = timeouts
        self._limits = limits
        self._chance = chance
        self._telemetry = telemetry or Telemetry()
        self._active: dict[int, tuple[asyncio.Task[None], DueDeliveryRow]] = {}

    async def recover(self) -> None:
        """Restart interrupted deliveries, at the start of a process. Only if the store is exclusive."""
        await self._store.write([Op(queries.DELIVERIES_RECOVER, {"now": self._clock()})])

    async def serve(self) -> None:
        """Deliver until cancelled; unfinished deliveries are repeated by the next process."""
        try:
            with self._bus.subscribe(OUTBOX) as subscription:
                while True:
                    try:
                        await self._claim()
                    except StoreUnavailable:
                        log.exception("the store is not available; trying again")
                    await subscription.wait(self._timeouts.look)
        finally:
            tasks = [task for task, _ in self._active.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _claim(self) -> None:
        """Claim due deliveries within the limits."""
        while rows := await self._due():
            now = self._clock()
            until = now + self._timeouts.claim
            claims = [
                Op(queries.DELIVERY_CLAIM, {"n": row.n, "attempts": row.attempts, "now": now, "until": until})
                for row in rows
            ]
            for row, written in zip(rows, await self._store.write(claims), strict=True):
                claimed = queries.DELIVERY_CLAIM.narrow(written)
                if claimed is not None:
                    task = asyncio.create_task(self._send(row._replace(attempts=claimed.attempts)))
                    self._active[row.n] = task, row
                    task.add_done_callback(lambda _, n=row.n: self._on_done(n))

    async def _due(self) -> list[DueDeliveryRow]:
        """Return due deliveries that fit into the limits."""
        assistants = Counter(row.assistant_id for _, row in self._active.values())
        owners = Counter(row.owner for _, row in self._active.values())
        limits, used = self._limits, len(self._active)
        crowded = used >= limits.all // 2
        of_assistant, of_owner = (1, limits.few) if crowded else (limits.assistant, limits.owner)
        free = (limits.all if crowded else limits.all // 2) - used
        if free <= 0:
            return []
        rows = await self._store.all(
            queries.DELIVERIES_DUE,
            now=self._clock(),
            full_assistants=encode([name for name, count in assistants.items() if count >= of_assistant]),
            full_owners=encode([name for name, count in owners.items() if count >= of_owner]),
            limit=free + used,
        )
        due: list[DueDeliveryRow] = []
        for row in rows:
            fits = assistants[row.assistant_id] < of_assistant and owners[row.owner] < of_owner
            if fits and row.n not in self._active and len(due) < free:
                assistants[row.assistant_id] += 1
                owners[row.owner] += 1
                due.append(row)
        return due

    def _on_done(self, n: int) -> None:
        del self._active[n]
        self._bus.publish(OUTBOX)

    async def _send(self, row: DueDeliveryRow) -> None:
        """Send a delivery once and record the outcome."""
        began = self._clock()
        current_work.set(WorkContext(run_id=row.run_id or ""))
        try:
            target = await self._store.one(
                queries.DELIVERY_TARGET, assistant_id=row.assistant_id, of=row.owner, now=began
            )
            traced = await find_delivery_trace(self._telemetry, self._store, row)
            extra = {} if traced is None else {"traceparent": traced.context.to_header()}
            outcome = await attempt(self._post, row, target, began, extra)
            if traced is not None:
                url = None if target is None else target.url
                self._telemetry.emit(traced.build_span(row, url, outcome, began, self._clock()))
            self._telemetry.metrics.deliveries.add(1, "delivered" if outcome.error is None else "failed")
            await self._record_outcome(row, outcome, began, None if target is None else target.url)
        except StoreUnavailable as error:
            log.warning("delivery %s waits for the store: %s", row.id, error)  # until its claim expires
        except Exception:
            log.exception("delivery %s failed internally", row.id)
            await self._record_outcome(row, FAULT, began, None)

    async def _record_outcome(
        self, row: DueDeliveryRow, outcome: DeliveryOutcome, began: float, url: str | None
    ) -> None:
        while True:  # the receiver's outcome must not be lost because the disk is full
            try:
                await self._settle(row, outcome, began, url)
            except RowMissing:
                log.warning("delivery %s was claimed by another worker, or deleted", row.id)
            except StoreUnavailable as error:
                log.warning("the outcome of delivery %s waits for the store: %s", row.id, error)
                await asyncio.sleep(self._timeouts.look)
                continue
            return

    async def _settle(self, row: DueDeliveryRow, outcome: DeliveryOutcome, began: float, url: str | None) -> None:
        if outcome.answers.call_ids:
            await self._submit_answers(row, outcome, began)
            return
        if outcome.status == GONE:
            try:
                await self._store.write([self._outcome_op(row, outcome, began), *self._disable_ops(row, url)])
            except RowMissing as error:
                if error.kind == "delivery":
                    raise
                # Its URL has changed since; the new one is tried next.
                outcome = replace(outcome, error=f"The receiver responded with status {GONE}.", final=False)
            else:
                return
        await self._store.write([self._outcome_op(row, outcome, began)])

    async def _submit_answers(self, row: DueDeliveryRow, outcome: DeliveryOutcome, began: float) -> None:
        """Submit the answers that the run still waits for, in one transaction with the end of the delivery."""
        run = row.run
        while run is not None and (answers := await self._awaited_answers(run, outcome.answers)).call_ids:
            note = None if answers == outcome.answers else PARTLY_LATE
            end = self._outcome_op(row, DeliveryOutcome(outcome.status, note=note), began)
            run_input = Decided(answers.decisions, self._clock(), answers.outputs)
            try:
                await self._driver.decide(run, run_input, also=[end])
            except InputRefused as error:
                if error.code == "approval_changed":
                    await self._store.write([self._outcome_op(row, DeliveryOutcome(outcome.status, str(error)), began)])
                    return
                continue  # another client submitted an answer first
            except RowMissing as error:
                if error.kind == "delivery":
                    raise
                continue  # the run was deleted
            return
        await self._store.write([self._outcome_op(row, DeliveryOutcome(outcome.status, note=TOO_LATE), began)])

    async def _awaited_answers(self, run: int, answers: CallAnswers) -> CallAnswers:
        """Return the outputs and decisions that a run still waits for."""
        row = await self._store.one(queries.RUN_STATE, n=run)
        if row is None or row.status != RunStatus.REQUIRES_ACTION:
            return NO_ANSWERS
        calls = run_of(row).calls
        return answers.only(
            {call.id for call in calls if is_asked(call)}, {call.id for call in calls if is_gated(call)}
        )

    def _outcome_op(self, row: DueDeliveryRow, outcome: DeliveryOutcome, began: float) -> Op:
        """Build the operation that records an attempt, and log the outcome."""
        now = self._clock()
        status, next_at = "delivered", now
        if outcome.error is not None:
            next_at = now + max(outcome.retry_after, self._pause(row.attempts))
            status = "failed" if outcome.final or next_at > row.created_at + self._timeouts.give_up else "pending"
        params: dict[str, Value] = {
            "n": row.n,
            "attempts": row.attempts,
            "status": status,
            "now": int(now),
            "next_at": next_at,
            "log": encode([*msgspec.json.decode(row.log), _log_entry(outcome, began, now)][-LOGGED:]),
        }
        return Op(queries.DELIVERY_SETTLE, params, missing=RowMissing("delivery", row.id))

    def _pause(self, attempts: int) -> float:
        """Return the seconds before the next attempt."""
        longest = min(self._timeouts.first * 2 ** min(attempts - 1, 30), self._timeouts.longest)
        return longest * (1 + self._chance()) / 2

    def _disable_ops(self, row: DueDeliveryRow, url: str | None) -> list[Op]:
        """Build the operations that stop deliveries to a URL that is gone."""
        now = self._clock()
        who: dict[str, Value] = {"assistant_id": row.assistant_id, "of": row.owner, "now": int(now)}
        disabled = _log_entry(DeliveryOutcome(error=DISABLED), now, now)
        return [
            Op(queries.WEBHOOK_DISABLE, {**who, "url": url}, missing=RowMissing("assistant", row.assistant_id)),
            Op(queries.DELIVERIES_GIVE_UP, {**who, "entry": encode(disabled)}),
        ]


def _log_entry(outcome: DeliveryOutcome, began: float, ended: float) -> dict[str, object]:
    """Build the log entry of an attempt."""
    return {
        "at": int(began),
        "status": outcome.status,
        "error": outcome.error,
        "duration_ms": round(1000 * (ended - began)),
        "note": outcome.note,
    }
