"""Objects as the server shows them."""

from typing import Any

ASSISTANT: dict[str, Any] = {
    "id": "asst_5X2dIbKJsm8IgQTOAvK5WI",
    "user_id": None,
    "object": "assistant",
    "created_at": 1751169829,
    "name": "Mathy",
    "description": "test_case",
    "model": "llama3.1",
    "instructions": "You are a helpful math tutor.",
    "tools": [{"type": "code_interpreter"}],
    "platform_tools": None,
    "tool_resources": None,
    "meta_data": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "response_format": "auto",
    "vector_stores": [],
    "webhook_url": None,
}
THREAD: dict[str, Any] = {"id": "thread_1", "created_at": 1, "owner_id": "user_1"}
MESSAGE: dict[str, Any] = {
    "id": "message_1",
    "created_at": 2,
    "thread_id": "thread_1",
    "role": "user",
    "content": "Hi",
}
RUN: dict[str, Any] = {
    "id": "run_1",
    "created_at": 2,
    "thread_id": "thread_1",
    "assistant_id": ASSISTANT["id"],
    "user_id": "user_1",
    "status": "queued",
    "model": "llama3.1",
    "instructions": "",
    "expires_at": 9,
}
STEP: dict[str, Any] = {
    "id": "step_1",
    "created_at": 2,
    "assistant_id": ASSISTANT["id"],
    "thread_id": "thread_1",
    "run_id": "run_1",
    "type": "message_creation",
    "status": "completed",
    "step_details": {"type": "message_creation", "message_creation": {"message_id": "message_1"}},
}
ACTION: dict[str, Any] = {
    "id": "act_1",
    "run_id": "run_1",
    "tool_call_id": "call_1",
    "tool_name": "add",
    "function_args": {},
    "status": "pending",
    "triggered_at": "2026-11-22T12:00:00+00:00",
}
USER: dict[str, Any] = {"id": "user_1", "created_at": "2026-01-01", "updated_at": "2026-01-01"}
KEY: dict[str, Any] = {"prefix": "ea_1", "user_id": "user_1", "created_at": "2026-01-01", "is_active": True}
DELIVERY: dict[str, Any] = {
    "id": "evt_1",
    "event": "run.completed",
    "assistant_id": ASSISTANT["id"],
    "status": "pending",
    "attempts": 1,
    "created_at": 2,
    "log": [
        {"at": 2, "status": 500, "error": "The receiver responded with status 500.", "duration_ms": 7, "note": None}
    ],
}
FILE: dict[str, Any] = {
    "id": "file_1",
    "bytes": 3,
    "created_at": 2,
    "filename": "a.csv",
    "purpose": "assistants",
    "mime_type": "text/csv",
    "sha256": "00",
}
ROTATED: dict[str, Any] = {"assistant_id": ASSISTANT["id"], "webhook_secret": "whsec_c2l4dGVlbiBjaGFyYWN0ZXJz"}


def page(*data: Any, more: bool = False) -> dict[str, Any]:
    """A page with these objects."""
    last = data[-1]["id"] if data else None
    return {"object": "list", "data": list(data), "first_id": None, "last_id": last, "has_more": more}
