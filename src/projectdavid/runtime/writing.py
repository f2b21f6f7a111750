"""What one decision writes: the run, its journal, its messages and calls, what it used, and the webhook it promises."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from projectdavid.engine.deltas import AskedCall, Entry, Usage
from projectdavid.engine.run import Call, Keep, KeepCalls, KeepOutput, KeepReply, KeepStart, Run
from projectdavid.engine.telling import attachments
from projectdavid.ports.store import Op, Row, Stale, Value
from projectdavid.runtime.crashes import ClaimCount
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.provider_state import provider_state_of
from projectdavid.runtime.records import encode, state_of, usage_json
from projectdavid.runtime.webhooks import event_of

DAY = 86_400
MESSAGE_COLUMNS = (
    *("status", "reason", "calls", "call_id", "reasoning", "attachments", "annotations", "turn", "usage"),
    "provider_state",
)
"""What not every message of a run has."""
RACE = Stale()


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


NOTHING_STREAMED = Streamed()


@dataclass(slots=True)
class Writing:
    """Collects the operations of one decision on the run of a row; `messages` are the ids of those it keeps.

    `turn` is the one that a reply would be of.
    """

    ids: Ids
    row: Row
    now: int
    turn: int
    ops: list[Op] = field(default_factory=list[Op])
    messages: list[str] = field(default_factory=list[str])

    def add(self, query: str, **params: Value) -> None:
        self.ops.append(Op(query, params))

    def decide(self, run: Run, lease: Lease | None, count: ClaimCount) -> None:
        """Change the run; refused as stale where somebody else was faster."""
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
        self.ops.append(Op("run_decide", params, RACE))

    def tell(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.add("journal_append", run=self.row.n, count=entry.count, kind=entry.kind, data=encode(entry.data))

    def closer(self, streamed: Streamed) -> None:
        """Store what one reply told in few rows in place of many; every event keeps its position."""
        merged: list[tuple[int, Entry]] = []
        for position, entry in streamed.rows:
            if merged and isinstance(entry.data, list) and merged[-1][1].kind == entry.kind:
                start, before = merged[-1]
                merged[-1] = (start, Entry(entry.kind, before.data + entry.data, before.count + entry.count))
            else:
                merged.append((position, entry))
        if len(merged) == len(streamed.rows):
            return
        n, last = self.row.n, streamed.rows[-1][0]
        self.add("journal_drop", run=n, first=streamed.rows[0][0], last=last)
        for at, e in merged:
            self.add("journal_put", run=n, position=at, count=e.count, kind=e.kind, data=encode(e.data))

    def use(self, usage: Usage, cost: int | None, turns: int) -> None:
        """Count what a model call took, and whether it was a whole turn."""
        self.add(
            "usage_add",
            run=self.row.n,
            day=self.now // DAY,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            cached_tokens=usage.cached_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            turns=turns,
            cost=cost,
        )

    def promise(self, run: Run) -> None:
        """Promise to tell the assistant's webhook how the run stands, if it wants to hear of it."""
        event_id = self.ids.new("evt")
        event, body = event_of(run, self.row, event_id, self.now)
        self.add("delivery_insert", id=event_id, run=self.row.n, event=event, body=body, now=self.now)

    def keep(self, kept: Keep) -> None:
        match kept:
            case KeepReply(reply, status, reason, images):
                if reply.spoken or reply.calls:
                    self._message(
                        reply.message_id,
                        "assistant",
                        reply.content,
                        status=status,
                        reason=reason,
                        calls=_calls_json(reply.calls),
                        reasoning=reply.reasoning or None,
                        attachments=encode(attachments(images)) if images else None,
                        annotations=encode(reply.annotations) if reply.annotations else None,
                        turn=self.turn,
                        usage=usage_json(reply.usage),
                        provider_state=provider_state_of(reply),
                    )
            case KeepCalls(calls, turn):
                for position, call in enumerate(calls):
                    self._call(call, turn, position)
            case KeepStart(call_id):
                self.add("call_start", run=self.row.n, call_id=call_id, now=self.now)
            case KeepOutput(call_id, output, unknown, details):
                self.add(
                    "call_output",
                    run=self.row.n,
                    call_id=call_id,
                    output=output,
                    outcome="unknown" if unknown else None,
                    details=encode(details) if details else None,
                    now=self.now,
                )
                self._message(self.ids.new("msg"), "tool", output, call_id=call_id)

    def _message(self, message_id: str, role: str, content: str | list[dict[str, str]], **values: Value) -> None:
        self.messages.append(message_id)
        columns: dict[str, Value] = dict.fromkeys(MESSAGE_COLUMNS)
        self.add(
            "message_keep",
            id=message_id,
            thread=self.row.thread,
            now=self.now,
            role=role,
            content=encode(content),
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
            tool=call.tool,
            effect=call.effect,
        )


def _calls_json(calls: tuple[AskedCall, ...]) -> str | None:
    return (
        encode([{"id": call.id, "name": call.name, "arguments": call.arguments} for call in calls]) if calls else None
    )
