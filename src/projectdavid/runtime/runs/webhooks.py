"""Webhook events about runs: type and payload.

Source of the format: Standard Webhooks, section "Payload structure" (type, timestamp, data).
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from projectdavid.engine.run import RunState, RunStatus
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.runtime.runs.records import encode

ACTION_REQUIRED = "run.action_required"
TEST = "webhook.test"


def event_of(run: RunState, row: RunRow, event_id: str, now: int) -> tuple[str, str]:
    """Return the event about a run that waits for its caller or has ended, and its payload as JSON text."""
    waits = run.status is RunStatus.REQUIRES_ACTION
    event = ACTION_REQUIRED if waits else f"run.{run.status}"
    data: dict[str, Any] = {
        "run_id": row.id,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "status": status_to_wire(run.status),
        "meta_data": msgspec.Raw(row.meta_data.encode()),
    }
    if waits:
        data["tool_calls"] = [
            {
                "id": call.id,
                "name": call.name,
                "arguments": msgspec.json.decode(call.arguments or "{}"),
                "effect": call.effect,
                "idempotency_key": call.id,
            }
            for call in run.calls
            if call.output is None
        ]
    if run.failure is not None:
        data["error"] = {"code": run.failure.code, "message": run.failure.message}
    if run.incomplete is not None:
        data["incomplete_details"] = run.incomplete
    return event, _payload(event, event_id, now, data)


def trial_of(assistant_id: str, event_id: str, now: int) -> tuple[str, str]:
    """Return a test event and its payload, with which an owner can test a webhook."""
    return TEST, _payload(TEST, event_id, now, {"assistant_id": assistant_id})


def _payload(event: str, event_id: str, now: int, data: dict[str, Any]) -> str:
    timestamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    return encode({"type": event, "id": event_id, "timestamp": timestamp, "data": data})
