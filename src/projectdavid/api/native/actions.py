"""Actions: the function calls that a run waits for."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import WITH_BODY, missing_error, refused_error
from projectdavid.api.native.serializers import action, action_status, arguments, router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources.approvals import split_waiting
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.inputs import OutputsSubmitted
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.rows import ActionRow, RunRow
from projectdavid.ports.store import Op, RowMissing
from projectdavid.protocol.runs import Action, ActionUpdate, PendingAction
from projectdavid.protocol.statuses import status_to_wire

router = router("actions")

Wanted = Annotated[
    Literal["pending", "processing", "completed", "failed", "cancelled", "expired"], Query(description="Which.")
]


@router.get("/actions/pending/{run_id}", response_model=list[PendingAction])
async def list_pending_actions(run_id: str, caller: Auth) -> Response:
    """List the calls that a run waits for."""
    run, calls = await _calls(caller, run_id)
    asked, _ = split_waiting(run, calls)
    return json_answer([_pending(call, run) for call in asked])


@router.get("/runs/{run_id}/actions/status", response_model=list[Action])
async def list_actions_by_status(run_id: str, caller: Auth, status: Wanted = "pending") -> Response:
    """List the calls of a run with a status."""
    _, calls = await _calls(caller, run_id)
    return json_answer([action(call) for call in calls if action_status(call) == status])


@router.get("/actions/{action_id}", response_model=Action)
async def retrieve_action(action_id: str, caller: Auth) -> Response:
    """Retrieve a call."""
    return json_answer(action(await _find(caller, action_id)))


@router.put("/actions/{action_id}", response_model=Action, responses=WITH_BODY)
async def update_action(action_id: str, body: ActionUpdate, caller: Auth) -> Response:
    """Mark a call as in progress; `result` answers it like a submitted output."""
    row = await _find(caller, action_id)
    if row.output is None and body.result is not None:
        output = body.result if isinstance(body.result, str) else to_json(body.result)
        happened = OutputsSubmitted(((row.call_id, output),), caller.platform.clock())
        try:
            await caller.platform.driver.decide(row.run, happened)
        except InputRefused as error:
            raise refused_error(error, "result") from None
    elif row.output is None:
        params: dict[str, Any] = {"action_id": action_id, "mark": _mark(body.status)}
        await caller.view.write([Op(queries.CALL_MARK, params, missing=RowMissing("action", action_id))])
    return json_answer(action(await _find(caller, action_id)))


def _mark(status: str) -> str:
    """Map a caller's status to that of a call without output: it waits, possibly in progress."""
    return "processing" if status in ("processing", "retrying") else "pending"


def _pending(call: ActionRow, run: RunRow) -> dict[str, Any]:
    return {
        "action_id": call.action_id,
        "tool_call_id": call.call_id,
        "action_status": action_status(call),
        "function_arguments": arguments(call.arguments),
        "tool_name": call.name,
        "run_id": run.id,
        "run_status": status_to_wire(run.status),
    }


async def _calls(caller: Caller, run_id: str) -> tuple[RunRow, list[ActionRow]]:
    run = await find(caller.view, queries.RUN, run_id)
    return run, await caller.view.all(queries.ACTIONS_OF_RUN, run_id=run_id)


async def _find(caller: Caller, action_id: str) -> ActionRow:
    row = await caller.view.one(queries.ACTION, action_id=action_id)
    if row is None:
        raise missing_error("action", action_id)
    return row
