"""Assistants as they are stored: in the fields of the API page, whatever dialect made them."""

from typing import Any

from projectdavid.server.auth import Caller

DEFAULTS: dict[str, Any] = {
    "name": None,
    "description": None,
    "model": None,
    "instructions": None,
    "tools": None,
    "platform_tools": None,
    "tool_resources": None,
    "meta_data": None,
    "top_p": 1.0,
    "temperature": 1.0,
    "response_format": "auto",
    "vector_stores": [],
    "webhook_url": None,
    "max_tokens": None,
    "max_turns": 1,
    "agent_mode": False,
    "web_access": False,
    "deep_research": False,
    "engineer": False,
    "decision_telemetry": False,
}


def new(caller: Caller, assistant_id: str) -> dict[str, Any]:
    """A new assistant of a caller, of whom nothing is said yet."""
    head = {"id": assistant_id, "user_id": caller.user_id, "object": "assistant", "created_at": int(caller.now)}
    return {**head, **DEFAULTS, "owner_id": caller.user_id}
