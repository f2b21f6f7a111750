"""Run steps: messages and calls of a run in order, from its messages and its ledger of calls."""

from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import missing_error
from projectdavid.api.http.pages import After, Limit, Order, page
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.step_status import find_calls_end, message_step_status
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, RunRow, StepCallRow, StepRow
from projectdavid.ports.tool import RecordedCall, render_function_step
from projectdavid.protocol.base import Page
from projectdavid.protocol.steps import RunStep
from projectdavid.runtime.runs.records import run_of, usage_from
from projectdavid.runtime.tool_calls.toolbox import Toolbox

router = router("runs")


@router.get("/runs/{run_id}/steps", response_model=Page[RunStep])
async def list_run_steps(
    run_id: str, caller: Auth, limit: Limit = 20, order: Order = "asc", after: After = None
) -> Response:
    """List the steps of a run in order: each stored message, and the calls of each turn."""
    run = await find(caller.view, queries.RUN, run_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.STEP_POSITION, id=cursor, run_id=run_id)

    rows, more = await page(caller.view, queries.STEPS_PAGE, limit, order, after, locate, run_id=run_id)
    return page_answer(await _steps(caller, run, rows), [row.id for row in rows], more)


@router.get("/runs/{run_id}/steps/{step_id}", response_model=RunStep)
async def retrieve_run_step(run_id: str, step_id: str, caller: Auth) -> Response:
    """Retrieve a step."""
    run = await find(caller.view, queries.RUN, run_id)
    row = await caller.view.one(queries.STEP, id=step_id, run_id=run_id)
    if row is None:
        raise missing_error("step", step_id)
    (step,) = await _steps(caller, run, [row])
    return json_answer(step)


async def _steps(caller: Caller, run: RunRow, rows: list[StepRow]) -> list[dict[str, Any]]:
    turns = to_json([row.turn for row in rows if row.message_id is None])
    calls: dict[int, list[StepCallRow]] = {}
    for call in await caller.view.all(queries.CALLS_OF_TURNS, run_id=run.id, turns=turns):
        calls.setdefault(call.turn, []).append(call)
    toolbox = caller.platform.toolbox
    return [
        _message_step(run, row) if row.message_id is not None else _calls_step(toolbox, run, row, calls[row.turn])
        for row in rows
    ]


def _message_step(run: RunRow, row: StepRow) -> dict[str, Any]:
    details = {"type": "message_creation", "message_creation": {"message_id": row.message_id}}
    return _step(run, row, message_step_status(row.reason), row.created_at, details)


def _calls_step(toolbox: Toolbox, run: RunRow, row: StepRow, calls: list[StepCallRow]) -> dict[str, Any]:
    details = {"type": "tool_calls", "tool_calls": [_call(toolbox, call) for call in calls]}
    end = find_calls_end((call.finished_at for call in calls), run.status, run_of(run).ended_at)
    return _step(run, row, end.status, end.ended_at, details)


def _step(run: RunRow, row: StepRow, status: str, ended: int | None, details: dict[str, Any]) -> dict[str, Any]:
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


def _usage(row: StepRow) -> dict[str, Any] | None:
    usage = usage_from(row.usage, row.cost)
    return None if usage is None else {name: n for name, n in usage.to_wire().items() if name != "estimated"}


def _call(toolbox: Toolbox, row: StepCallRow) -> dict[str, Any]:
    """Serialize a call as its tool renders it; calls of the caller's functions and of removed tools become function
    calls.
    """
    details: dict[str, Any] = msgspec.json.decode(row.details) if row.details else {}
    recorded = RecordedCall(row.name, row.arguments, row.output, details)
    kind, shown = "function", render_function_step(recorded)
    if row.tool is not None and (rendered := toolbox.render_step(row.tool, recorded)) is not None:
        kind, shown = row.tool, rendered
    call: dict[str, Any] = {"id": row.call_id, "type": kind, kind: shown}
    match details.get("sandbox"):
        case {"level": str(level), "session": str(session), "new": bool(new)}:
            call["sandbox"] = {"level": level, "session": session, "new": new}
        case _:
            pass
    files = details.get("files")
    if isinstance(files, list) and (ids := [file_id for file_id in files if isinstance(file_id, str)]):
        call["files"] = ids
    return call
