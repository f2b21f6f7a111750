"""Writes one decision: the run, its journal, its messages and calls, usage, and the webhook."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from typing import Any

from projectdavid.engine.deltas import AskedCall, JournalEntry, TokenUsage
from projectdavid.engine.entries import image_attachments
from projectdavid.engine.run import (
    FunctionCall,
    Record,
    RecordCalls,
    RecordCallStart,
    RecordDecision,
    RecordOutput,
    RecordReply,
    RecordRequest,
    RunState,
)
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, Statement, Value
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.runs.crashes import ClaimCount
from projectdavid.runtime.runs.journal import JournalPart, committed_part, merge_times
from projectdavid.runtime.runs.provider_state import provider_state_of
from projectdavid.runtime.runs.records import encode, state_of, usage_json
from projectdavid.runtime.runs.webhooks import event_body

DAY = 86_400
MESSAGE_COLUMNS = (
    *("status", "reason", "calls", "call_id", "reasoning", "attachments", "annotations", "turn", "usage"),
    *("cost", "provider_state"),
)
"""Optional columns of a run's messages."""
RACE = StaleRow()


@dataclass(frozen=True, slots=True)
class RunLease:
    """A worker's lease on a run, until a time."""

    worker: str
    until: float


@dataclass(frozen=True, slots=True)
class StreamedRows:
    """Journal rows of one model call: position, entry and time in milliseconds; and the entries not written yet."""

    rows: tuple[tuple[int, JournalEntry, int], ...] = ()
    last: tuple[JournalEntry, ...] = ()


NOTHING_STREAMED = StreamedRows()


@dataclass(slots=True)
class DecisionWriter:
    """Collects the operations of one decision on the run of a row; `messages` are ids of stored messages.

    `now` is in seconds, `written_ms` the same in milliseconds. `turn` is the turn that a reply would belong to.
    """

    ids: IdFactory
    row: RunRow
    now: int
    written_ms: int
    turn: int
    ops: list[Op] = field(default_factory=list[Op])
    messages: list[str] = field(default_factory=list[str])
    _entries: list[tuple[JournalEntry, str]] = field(default_factory=list[tuple[JournalEntry, str]])

    def add(self, query: Statement, **params: Value) -> None:
        self.ops.append(Op(query, params))

    def decide(self, run: RunState, lease: RunLease | None, count: ClaimCount) -> None:
        """Update the run; fails as stale if another writer changed it first."""
        params: dict[str, Value] = {
            "n": self.row.n,
            "version": self.row.version,
            "status": run.status,
            "state": state_of(run),
            "lease": lease.worker if lease else None,
            "lease_until": lease.until if lease else None,
            "parked": 0 if run.over else run.parked,
            "action_expires_at": run.action_expires_at,
            "crash_score": count.score,
            "claimed_at": count.claimed_at,
            "silent": count.silent,
        }
        self.ops.append(Op(queries.RUN_DECIDE, params, RACE))
        if run.expires_at != self.row.expires_at:  # only then, since a change of the clock moves it as well
            self.add(queries.RUN_DEADLINE, n=self.row.n, expires_at=run.expires_at)

    def append(self, entries: Sequence[JournalEntry]) -> None:
        if entries and not self._entries:
            self.add(queries.JOURNAL_END, run=self.row.n)
        for entry in entries:
            data = encode(entry.data)
            self._entries.append((entry, data))
            fields: dict[str, Value] = {"count": entry.count, "kind": entry.kind, "data": data}
            self.add(queries.JOURNAL_APPEND, run=self.row.n, written_ms=self.written_ms, **fields)

    def list_parts(self, position: int) -> list[JournalPart]:
        """Return the entries as readers get them, the first at a position: a group runs alone, so they are adjacent."""
        parts: list[JournalPart] = []
        for entry, data in self._entries:
            parts.append(committed_part(position, entry.count, entry.kind, data, self.written_ms))
            position += entry.count
        return parts

    def merge_journal(self, streamed: StreamedRows) -> None:
        """Merge the journal rows of one reply; every event keeps its position and its time."""
        merged = [
            list(rows)
            for _, rows in groupby(streamed.rows, lambda row: row[1].kind if isinstance(row[1].data, list) else row[0])
        ]
        if len(merged) == len(streamed.rows):
            return
        n, last = self.row.n, streamed.rows[-1][0]
        self.add(queries.JOURNAL_DROP, run=n, first=streamed.rows[0][0], last=last)
        for rows in merged:
            at, e, written_ms = rows[0]
            data = e.data if len(rows) == 1 else list(chain.from_iterable(entry.data for _, entry, _ in rows))
            count = sum(entry.count for _, entry, _ in rows)
            spans = merge_times([(entry.count, written) for _, entry, written in rows])
            times: dict[str, Value] = {"written_ms": written_ms, "spans": spans}
            self.add(queries.JOURNAL_PUT, run=n, position=at, count=count, kind=e.kind, data=encode(data), **times)

    def add_usage(self, usage: TokenUsage, cost: int | None, turns: int) -> None:
        """Record the usage of a model call, and whether it was a complete turn."""
        self.add(
            queries.USAGE_ADD,
            run=self.row.n,
            day=self.now // DAY,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            turns=turns,
            cost=cost,
        )

    def enqueue_webhook(self, run: RunState, event: str, fields: dict[str, Any]) -> None:
        """Enqueue a webhook about a run, if the assistant subscribes to the event."""
        event_id = self.ids.new("evt")
        body = event_body(run, self.row, event, fields, event_id, self.now)
        self.add(queries.DELIVERY_INSERT, id=event_id, run=self.row.n, event=event, body=body, now=self.now)

    def add_record(self, record: Record) -> None:
        match record:
            case RecordReply(reply, status, reason, images):
                if reply.has_content or reply.calls:
                    self._message(
                        reply.message_id,
                        "assistant",
                        reply.content,
                        status=status,
                        reason=reason,
                        calls=_calls_json(reply.calls),
                        reasoning=reply.reasoning or None,
                        attachments=encode(image_attachments(images)) if images else None,
                        annotations=encode(reply.annotations) if reply.annotations else None,
                        turn=self.turn,
                        usage=usage_json(reply.usage),
                        cost=None if reply.usage is None else reply.usage.cost,
                        provider_state=provider_state_of(reply),
                    )
            case RecordCalls(calls, turn):
                for position, call in enumerate(calls):
                    self._call(call, turn, position)
            case RecordCallStart(call_id):
                self.add(queries.CALL_START, run=self.row.n, call_id=call_id, now=self.now)
            case RecordOutput(call_id, output, unknown, details):
                self.add(
                    queries.CALL_OUTPUT,
                    run=self.row.n,
                    call_id=call_id,
                    output=output,
                    outcome="unknown" if unknown else None,
                    details=encode(details) if details else None,
                    now=self.now,
                )
                self._message(self.ids.new("msg"), "tool", output, call_id=call_id)
            case RecordRequest() | RecordDecision():
                self._add_approval_record(record)

    def _add_approval_record(self, record: RecordRequest | RecordDecision) -> None:
        match record:
            case RecordRequest(call, approval_id, reason, expires_at):
                self.add(
                    queries.APPROVAL_INSERT,
                    id=approval_id,
                    run=self.row.n,
                    call_id=call.id,
                    reason=reason,
                    digest="" if call.gate is None else call.gate.digest,
                    expires_at=expires_at,
                    now=self.now,
                )
            case RecordDecision(decision):
                self.add(
                    queries.APPROVAL_DECIDE,
                    run=self.row.n,
                    call_id=decision.call_id,
                    verdict=decision.verdict,
                    note=decision.note,
                    arguments=decision.arguments,
                    decided_by=decision.by,
                    now=self.now,
                )

    def _message(self, message_id: str, role: str, content: str | list[dict[str, str]], **values: Value) -> None:
        self.messages.append(message_id)
        columns: dict[str, Value] = dict.fromkeys(MESSAGE_COLUMNS)
        self.add(
            queries.MESSAGE_KEEP,
            id=message_id,
            thread=self.row.thread,
            now=self.now,
            role=role,
            content=encode(content),
            assistant_id=self.row.assistant_id,
            run_id=self.row.id,
            **{**columns, **values},
        )

    def _call(self, call: FunctionCall, turn: int, position: int) -> None:
        self.add(
            queries.CALL_INSERT,
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
            tool=call.tool,
            effect=call.effect,
        )


def _calls_json(calls: tuple[AskedCall, ...]) -> str | None:
    return (
        encode([{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]) if calls else None
    )
