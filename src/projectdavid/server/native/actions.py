"""Actions: the function calls for which a run waits."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response

from projectdavid.engine.happenings import OutputsSubmitted
from projectdavid.engine.run import Refused
from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.runs import Action, ActionUpdate, PendingAction
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import WITH_BODY, missing, refused
from projectdavid.server.native.wire import action, action_status, arguments, router
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find

router = router("actions")

Wanted = Annotated[
    Literal["pending", "processing", "completed", "failed", "cancelled", "expired"], Query(description="Which.")
]
WAITING = ("pending", "processing")


@router.get("/actions/pending/{run_id}", response_model=list[PendingAction])
async def list_pending_actions(run_id: str, caller: Auth) -> Response:
    """The calls that a run waits for."""
    run, calls = await _calls(caller, run_id)
    waiting = [call for call in calls if call.tool is None and action_status(call) in WAITING]
    pending = [_pending(call, run) for call in waiting]
    return json_answer(pending)


@router.get("/runs/{run_id}/actions/status", response_model=list[Action])
async def list_actions_by_status(run_id: str, caller: Auth, status: Wanted = "pending") -> Response:
    """The calls of a run that stand at a status."""
    _, calls = await _calls(caller, run_id)
    return json_answer([action(call) for call in calls if action_status(call) == status])


@router.get("/actions/{action_id}", response_model=Action)
async def retrieve_action(action_id: str, caller: Auth) -> Response:
    """One call."""
    return json_answer(action(await _find(caller, action_id)))


@router.put("/actions/{action_id}", response_model=Action, responses=WITH_BODY)
async def update_action(action_id: str, body: ActionUpdate, caller: Auth) -> Response:
    """Mark a call as being worked on; `result` answers it, as an output that is submitted does."""
    row = await _find(caller, action_id)
    if row.output is None and body.result is not None:
        output = body.result if isinstance(body.result, str) else to_json(body.result)
        happened = OutputsSubmitted(((row.call_id, output),), caller.platform.clock())
        try:
            await caller.platform.driver.decide(row.run, happened)
        except Refused as error:
            raise refused(error, "result") from None
    elif row.output is None:
        params: dict[str, Any] = {"action_id": action_id, "mark": _mark(body.status)}
        await caller.view.write([Op("call_mark", params, missing=Missing("action", action_id))])
    return json_answer(action(await _find(caller, action_id)))


def _mark(status: str) -> str:
    """A call that has no output is waiting, whatever its caller says; but somebody may be at it."""
    return "processing" if status in ("processing", "retrying") else "pending"


def _pending(call: Row, run: Row) -> dict[str, Any]:
    return {
        "action_id": call.action_id,
        "tool_call_id": call.call_id,
        "action_status": action_status(call),
        "function_arguments": arguments(call.arguments),
        "tool_name": call.name,
        "run_id": run.id,
        "run_status": run.status,
    }


async def _calls(caller: Caller, run_id: str) -> tuple[Row, list[Row]]:
    run = await find(caller.view, "run", run_id)
    return run, await caller.view.all("actions_of_run", run_id=run_id)


async def _find(caller: Caller, action_id: str) -> Row:
    row = await caller.view.one("action", action_id=action_id)
    if row is None:
        raise missing("action", action_id)
    return row
