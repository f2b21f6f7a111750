"""Statuses of a run on the native wire."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator


def status_to_wire(status: Any) -> Any:
    """Return the native name of a status: the engine and the OpenAI dialect use `requires_action`."""
    return "action_required" if status == "requires_action" else status


def status_from_wire(status: str) -> str:
    """Return the name that the engine has for a status of the native wire."""
    return "requires_action" if status == "action_required" else status


StatusName = Literal[
    "pending",
    "queued",
    "in_progress",
    "action_required",
    "cancelling",
    "cancelled",
    "failed",
    "completed",
    "incomplete",
    "expired",
]
RunStatus = Annotated[
    StatusName,
    BeforeValidator(status_to_wire),  # responses and webhooks stored by earlier versions use the engine's name
]
