"""Serializes run steps for the OpenAI dialect, from the messages of a run and its ledger of calls."""

from collections.abc import Sequence

from projectdavid.api.openai import serializers
from projectdavid.api.openai.serializers import Json
from projectdavid.engine.step_status import find_calls_end, message_step_status
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow, StepCallRow, StepRow
from projectdavid.ports.store import StoreView
from projectdavid.runtime.runs.records import config_of, encode, run_of, usage_from


async def serialize_steps(view: StoreView, run: RunRow, rows: Sequence[StepRow], *, full: bool = False) -> list[Json]:
    """Serialize the steps of a run; `full` includes the text of `file_search` results."""
    turns = encode([row.turn for row in rows if row.message_id is None])
    calls: dict[int, list[StepCallRow]] = {}
    for call in await view.all(queries.CALLS_OF_TURNS, run_id=run.id, turns=turns):
        calls.setdefault(call.turn, []).append(call)
    return [
        _calls_step(run, row, calls[row.turn], full=full)
        if row.message_id is None
        else _message_step(run, row, row.message_id)
        for row in rows
    ]


def _message_step(run: RunRow, row: StepRow, message_id: str) -> Json:
    status = message_step_status(row.reason)
    return step(run, row.id, status, message_details(message_id), row.created_at, row.created_at, _used(row))


def message_details(message_id: str) -> Json:
    """Serialize the details of a step with a message."""
    return {"type": "message_creation", "message_creation": {"message_id": message_id}}


def _calls_step(run: RunRow, row: StepRow, calls: Sequence[StepCallRow], *, full: bool) -> Json:
    details = {"type": "tool_calls", "tool_calls": [call(run, one, full=full) for one in calls]}
    end = find_calls_end((one.finished_at for one in calls), run.status, run_of(run).ended_at)
    used = None if end.status == "in_progress" else _used(row)
    return step(run, row.id, end.status, details, row.created_at, end.ended_at, used)


def step(
    run: RunRow, step_id: str, status: str, details: Json, created: int, ended: int | None, usage: Json | None = None
) -> Json:
    """Serialize a step."""
    failure = run_of(run).failure if status == "failed" else None
    failed = "The run ended before." if failure is None else failure.message
    code = "server_error" if failure is None else serializers.error_code(failure.code)
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


def _used(row: StepRow) -> Json | None:
    used = usage_from(row.usage, row.cost)
    return None if used is None else serializers.usage(used)


def call(run: RunRow, row: StepCallRow, *, full: bool = False) -> Json:
    """Serialize a call; calls of unknown tools become function calls."""
    details: Json = serializers.decode_json(row.details) or {}
    match row.tool:
        case "code_interpreter":
            ran = {"input": _code(row, details), "outputs": _outputs(details, row.output)}
            return {"id": row.call_id, "type": row.tool, row.tool: ran}
        case "file_search":
            results = [_result(one, full=full) for one in details.get("results") or ()]
            found = {"ranking_options": serializers.ranking(config_of(run).tools), "results": results}
            return {"id": row.call_id, "type": row.tool, row.tool: found}
        case _:
            function = {"name": row.name, "arguments": row.arguments or "{}", "output": row.output}
            return {"id": row.call_id, "type": "function", "function": function}


def _code(row: StepCallRow, details: Json) -> str:
    given = details.get("input")
    if given is None:
        try:
            given = serializers.decode_json(row.arguments or "{}").get("code")
        except (ValueError, AttributeError):  # the model wrote something other than a JSON object
            given = ""
    return given if isinstance(given, str) else ""


def _outputs(details: Json, output: str | None) -> list[Json]:
    """Serialize the outputs of code; if the tool has none, the text for the model."""
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
    about = {"score": score, "attributes": one.get("attributes") or {}}
    return {"file_id": one["file_id"], "file_name": one["filename"], **about, **content}
