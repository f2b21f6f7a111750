"""Runs: create, list, retrieve, update, cancel, and submit outputs; in one response, or as a stream."""

from functools import partial
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.sse import FRAMES
from projectdavid.api.openai import serializers
from projectdavid.api.openai.event_stream import POSITION, StreamStart, stream
from projectdavid.api.openai.lookup import RunId, ThreadId, find, find_run
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import POLL, router
from projectdavid.api.openai.run_creation import create, create_with_thread
from projectdavid.api.openai.steps import RESULTS, Include
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import updates
from projectdavid.api.resources.approvals import build_answers, split_waiting
from projectdavid.api.resources.run_statuses import ANY_STATUS
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.inputs import CancelRequested
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.rows import ActionRow, PositionRow, RunRow
from projectdavid.protocol.openai.answers import OpenAIPage, OpenAIRun
from projectdavid.protocol.openai.runs import OpenAIRunCreate, OpenAIThreadAndRunCreate, OpenAIToolOutputs
from projectdavid.protocol.openai.threads import OpenAIMetadataUpdate
from projectdavid.protocol.runs import TERMINAL_STATUSES

router = router("runs")

LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern=POSITION)] | SkipJsonSchema[None],
    Header(description="Where to resume a stream: the id of its last event."),
]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": FRAMES, "description": "The run; with `stream`, its events, then `[DONE]`"}
}


@router.post("/threads/runs", response_model=OpenAIRun, responses=STREAM)
async def create_thread_and_run(
    body: OpenAIThreadAndRunCreate, caller: Auth, last_event_id: LastEventId = None
) -> Response:
    """Create a thread and a run on it."""
    row = await create_with_thread(caller, body)
    if body.stream:
        return stream(caller, row, StreamStart(last_event_id, thread=True))
    return await _answer(caller, row.id)


@router.post("/threads/{thread_id}/runs", response_model=OpenAIRun, responses=STREAM)
async def create_run(
    thread_id: ThreadId,
    body: OpenAIRunCreate,
    caller: Auth,
    include: Include = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Create a run on a thread."""
    row = await create(caller, thread_id, body)
    if body.stream:
        return stream(caller, row, StreamStart(last_event_id), full=RESULTS in (include or ()))
    return await _answer(caller, row.id)


@router.get("/threads/{thread_id}/runs", response_model=OpenAIPage[OpenAIRun])
async def list_runs(
    thread_id: ThreadId,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
) -> Response:
    """List the runs of a thread."""
    await find(caller, queries.THREAD, thread_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.THREAD_RUN_POSITION, id=cursor, thread_id=thread_id)

    paging = limit, order, after, before
    wanted = {"thread_id": thread_id, "statuses": ANY_STATUS}
    rows, more = await page(caller.view, queries.THREAD_RUNS_PAGE, paging, locate, **wanted)
    return page_answer([await _wire(caller, row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/runs/{run_id}", response_model=OpenAIRun)
async def retrieve_run(thread_id: ThreadId, run_id: RunId, caller: Auth) -> Response:
    """Retrieve a run."""
    await find_run(caller, thread_id, run_id)
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}", response_model=OpenAIRun)
async def update_run(thread_id: ThreadId, run_id: RunId, body: OpenAIMetadataUpdate, caller: Auth) -> Response:
    """Replace the metadata of a run."""

    async def change(row: RunRow) -> updates.ObjectUpdate:
        changed = to_json(body.metadata or {}) if "metadata" in body.model_fields_set else row.meta_data
        return updates.ObjectUpdate(queries.RUN_META_DATA, {"id": run_id, "meta_data": changed})

    await updates.update(caller, partial(find_run, caller, thread_id, run_id), change)
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", response_model=OpenAIRun)
async def cancel_run(thread_id: ThreadId, run_id: RunId, caller: Auth) -> Response:
    """Cancel an open run."""
    row = await find_run(caller, thread_id, run_id)
    if not caller.done:
        try:
            await caller.platform.driver.decide(row.n, CancelRequested(caller.platform.clock()), also=caller.also)
        except InputRefused:
            row = await find(caller, queries.RUN, run_id)
            raise ApiError(400, "", f"Cannot cancel run with status '{row.status}'.") from None
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", response_model=OpenAIRun, responses=STREAM)
async def submit_tool_outputs(
    thread_id: ThreadId,
    run_id: RunId,
    body: OpenAIToolOutputs,
    caller: Auth,
    last_event_id: LastEventId = None,
) -> Response:
    """Submit the outputs of all calls that a run waits for, and decisions about approvals; the run resumes."""
    row = await find_run(caller, thread_id, run_id)
    asked, _ = await waiting(caller, row)
    if not caller.done:
        outputs = tuple((one.tool_call_id or "", one.output or "") for one in body.tool_outputs)
        if outputs or not body.tool_approvals:
            _check_outputs(row, [call.call_id for call in asked], [call_id for call_id, _ in outputs])
        try:
            happened = build_answers(caller, outputs, body.tool_approvals)
            await caller.platform.driver.decide(row.n, happened, also=caller.also)
        except InputRefused as error:
            if error.code != "invalid_state":
                raise
            raise _not_accepted(await find(caller, queries.RUN, run_id)) from None
    if body.stream:
        return stream(caller, row, StreamStart(last_event_id, call=_first(body)))
    return await _answer(caller, run_id)


@router.get("/threads/{thread_id}/runs/{run_id}/events", responses=STREAM, response_class=Response)
async def stream_run(
    thread_id: ThreadId,
    run_id: RunId,
    caller: Auth,
    include: Include = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Stream a run, from its beginning or after `Last-Event-ID`; beyond the Assistants API."""
    row = await find_run(caller, thread_id, run_id)
    return stream(caller, row, StreamStart(last_event_id, until=TERMINAL_STATUSES), full=RESULTS in (include or ()))


def _first(body: OpenAIToolOutputs) -> str | None:
    """Return the first call that the request answers, after whose answer the stream starts."""
    return next((one.tool_call_id for one in (*body.tool_outputs, *body.tool_approvals)), None)


def _check_outputs(row: RunRow, expected: list[str], given: list[str]) -> None:
    """Check that a run waits for exactly these outputs.

    Raises:
        ApiError: 400.
    """
    if row.status != "requires_action":
        raise _not_accepted(row)
    if sorted(expected) != sorted(given) or not given:
        raise ApiError(400, "", f"Expected tool outputs for call_ids {expected}, got {given}")


def _not_accepted(row: RunRow) -> ApiError:
    return ApiError(400, "", f'Runs in status "{row.status}" do not accept tool outputs.')


async def waiting(caller: Caller, row: RunRow) -> tuple[list[ActionRow], list[ActionRow]]:
    """Return the calls whose outputs a run waits for, and those that wait for approval, in order."""
    if row.status != "requires_action":
        return [], []
    return split_waiting(row, await caller.view.all(queries.ACTIONS_OF_RUN, run_id=row.id))


async def _wire(caller: Caller, row: RunRow) -> dict[str, Any]:
    asked, gated = await waiting(caller, row)
    return serializers.run(row, asked, gated)


async def _answer(caller: Caller, run_id: str) -> Response:
    row = await find(caller, queries.RUN, run_id)
    return json_answer(await _wire(caller, row), headers=POLL)
