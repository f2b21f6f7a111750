"""Run steps in the words of the OpenAI dialect: made of the messages of a run, and of the ledger of its calls."""

from collections.abc import Mapping, Sequence
from typing import Any

from projectdavid.ports.store import Row, View
from projectdavid.runtime.records import encode, run_of, usage_from
from projectdavid.server.openai import words
from projectdavid.server.openai.words import Json

CUT_SHORT = {"run_cancelled": "cancelled", "run_expired": "expired", "run_failed": "failed"}
"""What a message says of why it is not whole, where its run ended before; at a limit of tokens, a step is completed."""
ENDED = {"cancelled": "cancelled", "expired": "expired", "failed": "failed", "incomplete": "failed"}
RANKING: Mapping[str, Any] = {"ranker": "default_2024_08_21", "score_threshold": 0.0}


async def described(view: View, run: Row, rows: Sequence[Row], *, full: bool = False) -> list[Json]:
    """The steps of a run; `full`: with the text of what `file_search` found."""
    turns = encode([row.turn for row in rows if row.message_id is None])
    calls: dict[int, list[Row]] = {}
    for call in await view.all("calls_of_turns", run_id=run.id, turns=turns):
        calls.setdefault(call.turn, []).append(call)
    return [
        _said(run, row) if row.message_id is not None else _called(run, row, calls[row.turn], full=full) for row in rows
    ]


def _said(run: Row, row: Row) -> Json:
    status = CUT_SHORT.get(row.reason, "completed")
    return step(run, row.id, status, message_details(row.message_id), row.created_at, row.created_at, _used(row))


def message_details(message_id: str) -> Json:
    """What is to be said of a step that writes a message."""
    return {"type": "message_creation", "message_creation": {"message_id": message_id}}


def _called(run: Row, row: Row, calls: Sequence[Row], *, full: bool) -> Json:
    details = {"type": "tool_calls", "tool_calls": [call(one, full=full) for one in calls]}
    if all(one.output is not None for one in calls):
        ended = max(one.finished_at for one in calls)
        return step(run, row.id, "completed", details, row.created_at, ended, _used(row))
    over = run_of(run).ended_at
    status = "in_progress" if over is None else ENDED.get(run.status, "failed")
    used = None if status == "in_progress" else _used(row)
    return step(run, row.id, status, details, row.created_at, None if over is None else int(over), used)


def step(
    run: Row, step_id: str, status: str, details: Json, created: int, ended: int | None, usage: Json | None = None
) -> Json:
    """A step."""
    failure = run_of(run).failure if status == "failed" else None
    failed = "The run ended before." if failure is None else failure.message
    code = "server_error" if failure is None else words.error_code(failure.code)
    return {
        "id": step_id,
        "object": "thread.run.step",
        "created_at": created,
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "run_id": run.id,
        "type": details["type"],
        "status": status,
        "step_details": details,
        "last_error": None if status != "failed" else {"code": _of_step(code), "message": failed},
        "expires_at": int(run.expires_at) if status == "in_progress" else None,
        **{f"{end}_at": ended if status == end else None for end in ("completed", "cancelled", "failed", "expired")},
        "metadata": {},
        "usage": usage,
    }


def _of_step(code: str) -> str:
    return code if code == "rate_limit_exceeded" else "server_error"


def _used(row: Row) -> Json | None:
    used = usage_from(row.usage)
    return None if used is None else words.usage(used)


def call(row: Row, *, full: bool = False) -> Json:
    """A call; one of a tool that the clients do not know is told as that of a function."""
    details: Json = words.decoded(row.details) or {}
    match row.tool:
        case "code_interpreter":
            ran = {"input": _code(row, details), "outputs": _outputs(details, row.output)}
            return {"id": row.call_id, "type": row.tool, row.tool: ran}
        case "file_search":
            results = [_result(one, full=full) for one in details.get("results") or ()]
            found = {"ranking_options": dict(RANKING), "results": results}
            return {"id": row.call_id, "type": row.tool, row.tool: found}
        case _:
            function = {"name": row.name, "arguments": row.arguments or "{}", "output": row.output}
            return {"id": row.call_id, "type": "function", "function": function}


def _code(row: Row, details: Json) -> str:
    given = details.get("input")
    if given is None:
        try:
            given = words.decoded(row.arguments or "{}").get("code")
        except (ValueError, AttributeError):  # what the model wrote is no JSON object
            given = ""
    return given if isinstance(given, str) else ""


def _outputs(details: Json, output: str | None) -> list[Json]:
    """What code put out; where the tool shows nothing, what the model was told."""
    if "outputs" not in details:
        return [] if output is None else [{"type": "logs", "logs": output}]
    return [
        {"type": "image", "image": {"file_id": one["file_id"]}}
        if one["type"] == "image"
        else {"type": "logs", "logs": one["logs"]}
        for one in details["outputs"]
        if one["type"] in ("image", "logs")
    ]


def _result(one: Json, *, full: bool) -> Json:
    content = {"content": [{"type": "text", "text": one["text"]}]} if full else {}
    score = min(max(one["score"], 0.0), 1.0)
    return {"file_id": one["file_id"], "file_name": one["filename"], "score": score, "attributes": {}, **content}
