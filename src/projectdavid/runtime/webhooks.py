"""What a webhook says of a run: the event and its payload.

Source of the shape: Standard Webhooks, section "Payload structure" (type, timestamp, data).
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from projectdavid.engine.run import Run, Status
from projectdavid.ports.store import Row
from projectdavid.runtime.records import encode

ACTION_REQUIRED = "run.action_required"
TEST = "webhook.test"


def event_of(run: Run, row: Row, event_id: str, now: int) -> tuple[str, str]:
    """The event that tells of a run which waits for its caller, or has ended; and its payload, as JSON text."""
    waits = run.status is Status.REQUIRES_ACTION
    event = ACTION_REQUIRED if waits else f"run.{run.status}"
    data: dict[str, Any] = {
        "run_id": row.id,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "status": run.status,
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
    """An event that tells of nothing, and its payload: for the owner to see whether a webhook arrives."""
    return TEST, _payload(TEST, event_id, now, {"assistant_id": assistant_id})


def _payload(event: str, event_id: str, now: int, data: dict[str, Any]) -> str:
    timestamp = datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z")
    return encode({"type": event, "id": event_id, "timestamp": timestamp, "data": data})
