"""Converts rows to objects of the native API, and bodies to values of rows."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter

from projectdavid.api.http.answers import json_bytes_answer
from projectdavid.api.http.errors import DOCUMENTED
from projectdavid.api.requests.lazy_routes import LazyRoute
from projectdavid.api.resources.field_table import with_shown_defaults
from projectdavid.engine.approvals import is_asked
from projectdavid.engine.run import RunState
from projectdavid.ports.rows import ActionRow, MessageRow, RunRow, ThreadRow
from projectdavid.protocol.statuses import status_to_wire
from projectdavid.runtime.runs.records import config_of, run_of


def router(tag: str) -> APIRouter:
    """Create a router of the native API."""
    return APIRouter(prefix="/v1", tags=[tag], route_class=LazyRoute, responses=DOCUMENTED)


def iso(seconds: float | None) -> str | None:
    """Format a time of users, keys and actions."""
    return None if seconds is None else datetime.fromtimestamp(int(seconds), UTC).isoformat()


def thread(row: ThreadRow, participants: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Serialize a thread."""
    return {
        "id": row.id,
        "object": "thread",
        "created_at": row.created_at,
        "owner_id": row.owner,
        "title": row.title,
        "meta_data": json_bytes_answer(row.meta_data),
        "tool_resources": json_bytes_answer(row.tool_resources),
        "participants": participants
        if participants is not None
        else [{"id": user_id, "email": None, "full_name": None} for user_id in msgspec.json.decode(row.participants)],
    }


def message(row: MessageRow) -> dict[str, Any]:
    """Serialize a message."""
    whole = row.status != "incomplete"
    return {
        "id": row.id,
        "object": "message",
        "created_at": row.created_at,
        "thread_id": row.thread_id,
        "role": row.role,
        "content": json_bytes_answer(row.content),
        "status": row.status or "completed",
        "incomplete_details": None if row.reason is None else {"reason": row.reason},
        "completed_at": row.created_at if whole else None,
        "incomplete_at": None if whole else row.created_at,
        "assistant_id": row.assistant_id,
        "sender_id": row.owner if row.role == "user" else None,
        "run_id": row.run_id,
        "tool_id": row.action_id,
        "tool_call_id": row.call_id,
        "reasoning": row.reasoning,
        "attachments": _attachments(row),
        "annotations": json_bytes_answer(row.annotations or "[]"),
        "meta_data": json_bytes_answer(row.meta_data or "{}"),
    }


def _attachments(row: MessageRow) -> list[dict[str, Any]]:
    """Return the attachments of a message as they were when it was added; deleted files are marked."""
    if row.attachments is None:
        return []
    gone = set(msgspec.json.decode(row.gone))
    attached = msgspec.json.decode(row.attachments)
    return [{**one, "deleted": True} if one["file_id"] in gone else one for one in attached]


def run(row: RunRow, actions: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Serialize a run."""
    config = config_of(row)
    state = run_of(row, config)
    ended = None if state.ended_at is None else int(state.ended_at)
    instructions = "\n\n".join(part for part in (config.instructions, config.additional_instructions) if part)
    options = with_shown_defaults(config.model_options)
    return {
        "id": row.id,
        "object": "thread.run",
        "created_at": row.created_at,
        "thread_id": row.thread_id,
        "assistant_id": row.assistant_id,
        "user_id": row.owner,
        "status": status_to_wire(row.status),
        "model": row.model,
        "instructions": instructions,
        "tools": config.tools,
        "tool_choice": config.tool_choice or "auto",
        "parallel_tool_calls": True if config.parallel_tool_calls is None else config.parallel_tool_calls,
        **{name: options.pop(name) for name in ("temperature", "top_p")},
        "max_prompt_tokens": config.max_prompt_tokens,
        "max_completion_tokens": config.max_completion_tokens,
        "truncation_strategy": config.truncation_strategy,
        "response_format": config.response_format,
        **options,
        "tool_resources": config.tool_resources,
        "action_timeout": config.action_timeout,
        "on_expiry": config.on_expiry,
        "expiry_output": state.limits.expiry_output,
        "meta_data": json_bytes_answer(row.meta_data),
        "waits_for_thread": bool(row.parked),
        "expires_at": int(row.expires_at),
        "action_expires_at": None if row.action_expires_at is None else int(row.action_expires_at),
        "started_at": None if state.started_at is None else int(state.started_at),
        "completed_at": ended if row.status == "completed" else None,
        "cancelled_at": ended if row.status == "cancelled" else None,
        "failed_at": ended if row.status == "failed" else None,
        "incomplete_details": state.incomplete,
        "last_error": None if state.failure is None else f"{state.failure.code}: {state.failure.message}",
        "error": None if state.failure is None else {"code": state.failure.code, "message": state.failure.message},
        "required_action": _required_action(state) if row.status == "requires_action" else None,
        "usage": state.usage.to_wire(),
        "warnings": [*config.warnings, *state.warnings],
        "actions": actions or [],
    }


def _required_action(state: RunState) -> str:
    return "submit_tool_outputs" if any(map(is_asked, state.calls)) else "submit_tool_approval"


ENDED_MARKS = {"cancelled": "cancelled", "failed": "failed", "expired": "expired", "incomplete": "failed"}


def action_status(row: ActionRow) -> str:
    """Return the status of a call: answered, waiting, or ended with its run."""
    if row.output is not None:
        return "completed"
    at_work = "processing" if row.started_at is not None else None
    return ENDED_MARKS.get(row.run_status) or row.mark or at_work or "pending"


def action(row: ActionRow) -> dict[str, Any]:
    """Serialize a call of the model."""
    return {
        "id": row.action_id,
        "run_id": row.run_id,
        "tool_call_id": row.call_id,
        "tool_name": row.name,
        "function_args": arguments(row.arguments),
        "status": action_status(row),
        "result": None if row.output is None else {"output": row.output},
        "turn_index": row.turn,
        "triggered_at": iso(row.created_at),
        "expires_at": iso(row.expires_at),
        "is_processed": row.output is not None,
        "processed_at": iso(row.finished_at),
        "tool_id": row.tool,
        "decision": {
            "effect": row.effect,
            "started_at": iso(row.started_at),
            "outcome": row.outcome,
            "gate": None if row.approval_id is None else {"approval_id": row.approval_id, "status": row.approval},
        },
    }


def arguments(text: str) -> dict[str, Any]:
    """Return the arguments of a call; empty if the model wrote invalid ones (it received an error)."""
    try:
        value = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}
