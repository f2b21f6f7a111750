"""Runs: create, list, retrieve, cancel, answer calls, stream."""

from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Header, Query, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import CONFLICT, FORBIDDEN, WITH_BODY, ApiError
from projectdavid.api.http.etags import MATCHED, TAGGED, IfMatch, etag_header
from projectdavid.api.http.pages import After, Limit, Order, Text, page
from projectdavid.api.http.sse import FRAMES, EventStream
from projectdavid.api.native.event_stream import events
from projectdavid.api.native.serializers import action, router, run
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks, deletions, updates
from projectdavid.api.resources.approvals import build_answers
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.response_formats import check_response_format
from projectdavid.api.resources.run_factory import build_run
from projectdavid.api.resources.run_reader import wait_for_end
from projectdavid.api.resources.run_statuses import statuses_to_query
from projectdavid.api.resources.stored_fields import supplied_fields, to_json
from projectdavid.engine.inputs import CancelRequested
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, RunRow
from projectdavid.ports.store import UniqueClash
from projectdavid.protocol.base import POSITION_PATTERN, Deleted, Page
from projectdavid.protocol.runs import MetadataBody, Run, RunCreate, ToolOutputs
from projectdavid.protocol.statuses import StatusName
from projectdavid.runtime.quota import room
from projectdavid.runtime.runs.driver import NEW

router = router("runs")

FILLERS: dict[str, Any] = {
    "instructions": "",
    "model": "gpt-4",
    "max_completion_tokens": 1000,
    "max_prompt_tokens": 500,
    "tool_choice": "none",
    "parallel_tool_calls": False,
    "response_format": "text",
    "tool_resources": {},
    "temperature": 1.0,
    "top_p": 1.0,
}
"""Values that clients of the Project David wire send with every run, whether the user chose them or not; ignored."""

CANCEL_SECONDS = 2.0
"""Seconds to wait for the end of a cancelled run; clients of the wire do not know `cancelling`."""

Position = Annotated[int, Query(ge=0, le=2**53, description="The position after which to start.")]
LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern=POSITION_PATTERN)] | SkipJsonSchema[None],
    Header(description="The same, as sent by browsers and SDKs; it takes precedence."),
]
OfThread = Annotated[Text, Query(description="Only the runs of this thread.")]
Statuses = Annotated[
    list[StatusName] | SkipJsonSchema[None],
    Query(alias="status", description="Only runs with this status; with one of them, if repeated."),
]
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": FRAMES, "description": "Events, then `[DONE]`"}}


@router.post("/runs", response_model=Run, responses=WITH_BODY | CONFLICT | TAGGED)
async def create_run(body: RunCreate, caller: Auth) -> Response:
    """Create a run of an assistant on a thread.

    It starts at once, unless the body has a `status`, or the thread is busy and `on_busy` is `queue` or `interrupt`.
    """
    run_id = caller.ids.new("run")
    if not caller.done:  # without it, the objects that it was created from can be gone
        await _create(caller, run_id, body)
    return await _answer(caller, run_id)


@router.get("/runs", response_model=Page[Run])
async def list_runs(
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    thread_id: OfThread = None,
    statuses: Statuses = None,
) -> Response:
    """List the caller's runs, newest first; of all threads, or of one; with any status, or with the given ones."""
    if thread_id is not None:
        return await list_thread_runs(thread_id, caller, limit, order, after, statuses)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.RUN_POSITION, id=cursor)

    wanted = statuses_to_query(statuses)
    return _list_response(*await page(caller.view, queries.RUNS_PAGE, limit, order, after, locate, statuses=wanted))


@router.get("/threads/{thread_id}/runs", response_model=Page[Run])
async def list_thread_runs(
    thread_id: str,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    statuses: Statuses = None,
) -> Response:
    """List the runs of a thread, newest first; with any status, or with the given ones."""
    await find(caller.view, queries.THREAD, thread_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.THREAD_RUN_POSITION, id=cursor, thread_id=thread_id)

    wanted = {"thread_id": thread_id, "statuses": statuses_to_query(statuses)}
    return _list_response(*await page(caller.view, queries.THREAD_RUNS_PAGE, limit, order, after, locate, **wanted))


@router.get("/runs/{run_id}", response_model=Run, responses=TAGGED)
async def retrieve_run(run_id: str, caller: Auth) -> Response:
    """Retrieve a run, with its calls."""
    return await _answer(caller, run_id)


@router.put("/runs/{run_id}/metadata", response_model=Run, responses=WITH_BODY | TAGGED | MATCHED)
async def update_run_meta_data(run_id: str, body: MetadataBody, caller: Auth, if_match: IfMatch = None) -> Response:
    """Merge pairs into the metadata of a run."""

    async def change(row: RunRow) -> updates.ObjectUpdate:
        merged = {**msgspec.json.decode(row.meta_data), **body.metadata}
        return updates.ObjectUpdate(queries.RUN_META_DATA, {"id": run_id, "meta_data": to_json(merged)})

    await updates.update(caller, partial(find, caller.view, queries.RUN, run_id), change, if_match=if_match)
    return await _answer(caller, run_id)


@router.post("/runs/{run_id}/cancel", response_model=Run, responses=TAGGED)
async def cancel_run(run_id: str, caller: Auth) -> Response:
    """Cancel a run. An open model call is closed; the run then ends as `cancelled`, permanently.

    The response waits up to two seconds for that, then shows the current state (`cancelling`).
    """
    row = await find(caller.view, queries.RUN, run_id)
    if not caller.done:
        await caller.platform.driver.decide(row.n, CancelRequested(caller.platform.clock()), also=caller.also)
    await wait_for_end(caller.platform, row.n, CANCEL_SECONDS)
    return await _answer(caller, run_id)


@router.post(
    "/runs/{run_id}/submit_tool_outputs", response_model=Run, responses=WITH_BODY | TAGGED | CONFLICT | FORBIDDEN
)
async def submit_tool_outputs(run_id: str, body: ToolOutputs, caller: Auth) -> Response:
    """Submit outputs of calls, and decisions about approvals. The run resumes when it waits for nothing else."""
    row = await find(caller.view, queries.RUN, run_id)
    outputs = tuple((output.tool_call_id, output.output) for output in body.tool_outputs)
    if not caller.done:
        happened = build_answers(caller, outputs, body.tool_approvals)
        await caller.platform.driver.decide(row.n, happened, also=caller.also)
    return await _answer(caller, run_id)


@router.delete("/runs/{run_id}", response_model=Deleted, responses=MATCHED)
async def delete_run(run_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a run that has ended, with its events; its messages stay in the thread."""
    find_row = partial(find, caller.view, queries.RUN, run_id)
    await find_row()
    try:
        await updates.delete("run", find_row, partial(deletions.delete_run, caller, run_id), if_match)
    except UniqueClash:
        raise ApiError(409, "run_open", f"The run '{run_id}' has not ended; cancel it first.") from None
    return json_answer({"id": run_id, "object": "thread.run.deleted", "deleted": True})


@router.get("/runs/{run_id}/events", responses=STREAM, response_class=Response)
async def stream_events(
    run_id: str, caller: Auth, after: Position = 0, last_event_id: LastEventId = None
) -> EventStream:
    """Stream a run: past events, then new ones, until it ends. The id of each event is its position."""
    row = await find(caller.view, queries.RUN, run_id)
    frames = events(caller, row, int(last_event_id or after))
    platform = caller.platform
    return EventStream(frames, platform.settings.stream_keep_alive, count=platform.streams)


async def _create(caller: Caller, run_id: str, body: RunCreate) -> None:
    assistant = await find(caller.view, queries.ASSISTANT, body.assistant_id, "assistant_id")
    await find(caller.view, queries.THREAD, body.thread_id, "thread_id")
    if body.tools is not None:
        caller.check_approver("tools")
    await check_response_format(body.response_format)
    named = await attachment_checks.of_tools(caller, {"tools": body.tools})
    guard = (*named, *await attachment_checks.of_resources(caller, body.tool_resources))
    wishes = {name: value for name, value in supplied_fields(body).items() if value is not None}
    status = RunStatus.QUEUED
    if body.status is not None:
        status = RunStatus.PENDING
        wishes = {name: value for name, value in wishes.items() if FILLERS.get(name) != value}
    new = build_run(caller, run_id, msgspec.json.decode(assistant.body), body.thread_id, wishes, status)
    await caller.platform.quota.check(caller.user_id, caller.allowed)
    try:
        await caller.platform.driver.create(new, also=(*caller.also, *guard, *room(caller.allowed, new)))
    except UniqueClash as clash:
        if clash.kind != "run":
            raise
        active = await caller.view.one(queries.RUN_OPEN, thread_id=body.thread_id)
        name = f" '{active.id}'" if active else ""
        raise ApiError(
            409, "thread_busy", f"The thread has an open run{name}; wait for it or cancel it.", "thread_id"
        ) from None


async def _answer(caller: Caller, run_id: str) -> Response:
    row = await find(caller.view, queries.RUN, run_id)
    calls = [] if row.version == NEW else await caller.view.all(queries.ACTIONS_OF_RUN, run_id=run_id)
    return json_answer(run(row, [action(call) for call in calls]), headers=etag_header(row))


def _list_response(rows: list[RunRow], more: bool) -> Response:
    return page_answer([run(row) for row in rows], [row.id for row in rows], more)
