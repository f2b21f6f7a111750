"""Run steps: what a run said and what it called, in order; made of its messages and of the ledger of its calls."""

from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Row
from projectdavid.protocol.base import Page
from projectdavid.protocol.steps import RunStep
from projectdavid.runtime.records import run_of, usage_from
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import missing
from projectdavid.server.http.paging import After, Limit, Order, page
from projectdavid.server.native.wire import arguments, router
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find

router = router("runs")

CUT_SHORT = {"run_cancelled": "cancelled", "run_expired": "expired", "run_failed": "failed"}
"""What a message says of why it is not whole, where its run ended before; at a limit of tokens, a step is completed."""
ENDED = {"cancelled": "cancelled", "expired": "expired", "failed": "failed", "incomplete": "failed"}


@router.get("/runs/{run_id}/steps", response_model=Page[RunStep])
async def list_run_steps(
    run_id: str, caller: Auth, limit: Limit = 20, order: Order = "asc", after: After = None
) -> Response:
    """The steps of a run: each message once it is stored, and the calls of each turn, in order."""
    run = await find(caller.view, "run", run_id)

    async def known(cursor: str) -> Any:
        return await caller.view.one("step", id=cursor, run_id=run_id)

    rows, more = await page(caller.view, "steps_page", limit, order, after, known, run_id=run_id)
    return listed(await _steps(caller, run, rows), [row.id for row in rows], more)


@router.get("/runs/{run_id}/steps/{step_id}", response_model=RunStep)
async def retrieve_run_step(run_id: str, step_id: str, caller: Auth) -> Response:
    """One step."""
    run = await find(caller.view, "run", run_id)
    row = await caller.view.one("step", id=step_id, run_id=run_id)
    if row is None:
        raise missing("step", step_id)
    (step,) = await _steps(caller, run, [row])
    return json_answer(step)


async def _steps(caller: Caller, run: Row, rows: list[Row]) -> list[dict[str, Any]]:
    turns = to_json([row.turn for row in rows if row.message_id is None])
    calls: dict[int, list[Row]] = {}
    for call in await caller.view.all("calls_of_turns", run_id=run.id, turns=turns):
        calls.setdefault(call.turn, []).append(call)
    return [_said(run, row) if row.message_id is not None else _called(run, row, calls[row.turn]) for row in rows]


def _said(run: Row, row: Row) -> dict[str, Any]:
    details = {"type": "message_creation", "message_creation": {"message_id": row.message_id}}
    return _step(run, row, CUT_SHORT.get(row.reason, "completed"), row.created_at, details)


def _called(run: Row, row: Row, calls: list[Row]) -> dict[str, Any]:
    details = {"type": "tool_calls", "tool_calls": [_call(call) for call in calls]}
    if all(call.output is not None for call in calls):
        return _step(run, row, "completed", max(call.finished_at for call in calls), details)
    ended = run_of(run).ended_at
    status = "in_progress" if ended is None else ENDED.get(run.status, "failed")
    return _step(run, row, status, None if ended is None else int(ended), details)


def _step(run: Row, row: Row, status: str, ended: int | None, details: dict[str, Any]) -> dict[str, Any]:
    failure = run_of(run).failure if status == "failed" else None
    return {
        "id": row.id,
        "object": "thread.run.step",
        "created_at": row.created_at,
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "run_id": run.id,
        "type": details["type"],
        "status": status,
        "step_details": details,
        "last_error": None if failure is None else {"code": failure.code, "message": failure.message},
        "usage": _usage(row),
        **{f"{end}_at": ended if status == end else None for end in ("completed", "cancelled", "failed", "expired")},
    }


def _usage(row: Row) -> dict[str, int] | None:
    usage = usage_from(row.usage)
    return None if usage is None else {name: n for name, n in usage.to_wire().items() if name != "estimated"}


def _call(row: Row) -> dict[str, Any]:
    """A call; of what the tool has to show, that which this API has words for."""
    details: dict[str, Any] = msgspec.json.decode(row.details) if row.details else {}
    call: dict[str, Any] = {"id": row.call_id, "type": "function"}
    if row.tool == "code_interpreter":
        code = details.get("input", arguments(row.arguments).get("code"))
        call |= {"type": row.tool, row.tool: {"input": _text(code), "outputs": _outputs(details, row.output)}}
    elif row.tool == "computer":
        texts = [_text(command) for command in _list(details.get("input", arguments(row.arguments).get("commands")))]
        call |= {"type": row.tool, row.tool: {"commands": texts, "outputs": _outputs(details, row.output)}}
    elif row.tool == "file_search":
        query = details.get("input", arguments(row.arguments).get("query"))
        found = [shown for one in _list(details.get("results")) if (shown := _result(one)) is not None]
        call |= {"type": row.tool, row.tool: {"query": _text(query), "results": found}}
    elif row.tool == "web_search":
        sources = [one for one in _list(details.get("sources")) if _is_source(one)]
        call |= {"type": row.tool, row.tool: {"action": row.name, "query": _asked(row, details), "sources": sources}}
    else:
        call["function"] = {"name": row.name, "arguments": row.arguments, "output": row.output}
    match details.get("sandbox"):
        case {"level": str(level), "session": str(session), "new": bool(new)}:
            call["sandbox"] = {"level": level, "session": session, "new": new}
        case _:
            pass
    if files := [file_id for file_id in _list(details.get("files")) if isinstance(file_id, str)]:
        call["files"] = files
    return call


def _outputs(details: dict[str, Any], output: str | None) -> list[dict[str, Any]]:
    """What a call put out; where the tool shows nothing, what the model was told."""
    if "outputs" not in details:
        return [] if output is None else [{"type": "logs", "logs": output}]
    return [shown for one in _list(details["outputs"]) if (shown := _output(one)) is not None]


def _output(one: Any) -> dict[str, Any] | None:
    match one:
        case {"type": "logs", "logs": str(logs)}:
            return {"type": "logs", "logs": logs}
        case {"type": "image", "file_id": str(file_id)}:
            return {"type": "image", "image": {"file_id": file_id}}
        case {"type": "command", "command": str(command), "exit_status": int() | None as status, "logs": str(logs)}:
            return {"type": "command", "command": command, "exit_status": status, "logs": logs}
        case _:
            return None


def _result(one: Any) -> dict[str, Any] | None:
    match one:
        case {"file_id": str(file_id), "filename": str(name), "score": int() | float() as score, "text": str(text)}:
            content = [{"type": "text", "text": text}]
            return {"file_id": file_id, "file_name": name, "score": score, "content": content}
        case _:
            return None


def _is_source(one: Any) -> bool:
    match one:
        case {"title": str(), "url": str()}:
            return True
        case _:
            return False


def _asked(row: Row, details: dict[str, Any]) -> str:
    given = arguments(row.arguments)
    return _text(details.get("input", given.get("query", given.get("url"))))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
