"""Statuses of a run on the native wire."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator


def status_to_wire(status: Any) -> Any:
    """Return the native name of a status: the engine and the OpenAI dialect use `requires_action`."""
    return "action_required" if status == "requires_action" else status


RunStatus = Annotated[
    Literal[
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
    ],
    BeforeValidator(status_to_wire),  # responses and webhooks stored by earlier versions use the engine's name
]
