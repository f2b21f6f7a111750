"""Webhook events about runs: type and payload.

Source of the format: Standard Webhooks, section "Payload structure" (type, timestamp, data).
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from projectdavid.engine.approvals import is_asked, is_gated, request_entry
from projectdavid.engine.decisions import BY_EXPIRY
from projectdavid.engine.run import FunctionCall, RunState, RunStatus, Transition
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.runtime.runs.records import encode

ACTION_REQUIRED = "run.action_required"
APPROVAL_REQUIRED = "run.approval_required"
APPROVAL_EXPIRED = "run.approval_expired"
TEST = "webhook.test"


def events_of(before: RunState, result: Transition) -> dict[str, dict[str, Any]]:
    """Return the events about a transition with the fields that only they have.

    A run that waits for people now is reported, and so are approvals that were not decided in time and the end.
    """
    run, events = result.run, dict[str, dict[str, Any]]()
    decided = [entry.data for entry in result.entries if entry.kind == "approval_decided"]
    if expired := [data for data in decided if data["by"] == BY_EXPIRY]:
        events[APPROVAL_EXPIRED] = {"approvals": expired}
    if run.over:
        return {**events, f"run.{run.status}": {}}
    if run.status is RunStatus.REQUIRES_ACTION and before.status is not run.status:
        if asked := [_describe_call(call) for call in run.calls if is_asked(call)]:
            events[ACTION_REQUIRED] = {"tool_calls": asked}
        if gated := [_describe_approval(run, call) for call in run.calls if is_gated(call)]:
            events[APPROVAL_REQUIRED] = {"approvals": gated}
    return events


def event_body(run: RunState, row: RunRow, event: str, fields: dict[str, Any], event_id: str, now: int) -> str:
    """Return the payload of an event about a run, as JSON text."""
    data: dict[str, Any] = {
        "run_id": row.id,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "status": status_to_wire(run.status),
        "meta_data": msgspec.Raw(row.meta_data.encode()),
        **fields,
    }
    if run.failure is not None:
        data["error"] = {"code": run.failure.code, "message": run.failure.message}
    if run.incomplete is not None:
        data["incomplete_details"] = run.incomplete
    return _payload(event, event_id, now, data)


def _describe_call(call: FunctionCall) -> dict[str, Any]:
    return {
        "id": call.id,
        "name": call.name,
        "arguments": msgspec.json.decode(call.arguments or "{}"),
        "effect": call.effect,
        "idempotency_key": call.id,
    }


def _describe_approval(run: RunState, call: FunctionCall) -> dict[str, Any]:
    """Return what the journal says about the approval of a call."""
    return {name: value for name, value in request_entry(run, call).data.items() if name != "action_id"}


def trial_of(assistant_id: str, event_id: str, now: int) -> tuple[str, str]:
    """Return a test event and its payload, with which an owner can test a webhook."""
    return TEST, _payload(TEST, event_id, now, {"assistant_id": assistant_id})


def _payload(event: str, event_id: str, now: int, data: dict[str, Any]) -> str:
    timestamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    return encode({"type": event, "id": event_id, "timestamp": timestamp, "data": data})
