"""Runs: create, list, retrieve, cancel, answer, follow."""

from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Header, Query, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.engine.happenings import CancelRequested, OutputsSubmitted
from projectdavid.engine.run import Status
from projectdavid.ports.store import Clash, Row
from projectdavid.protocol.base import POSITION_PATTERN, Deleted, Page
from projectdavid.protocol.runs import MetadataBody, Run, RunCreate, ToolOutputs
from projectdavid.runtime.quota import room
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import CONFLICT, WITH_BODY, ApiError
from projectdavid.server.http.etags import MATCHED, TAGGED, IfMatch, tagged
from projectdavid.server.http.paging import After, Limit, Order, Text, page
from projectdavid.server.http.sse import FRAMES, EventStream
from projectdavid.server.native.stream import events
from projectdavid.server.native.wire import action, router, run
from projectdavid.server.objects import attaching, deleting, updates
from projectdavid.server.objects.birth import newborn
from projectdavid.server.objects.fields import supplied, to_json
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.response_formats import check_response_format

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
"""What clients of the Project David wire send with every run, whether their user said so or not; no wish to obey."""

Position = Annotated[int, Query(ge=0, le=2**53, description="The position behind which to begin.")]
LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern=POSITION_PATTERN)] | SkipJsonSchema[None],
    Header(description="The same, as browsers and SDKs send it; it wins."),
]
OfThread = Annotated[Text, Query(description="Only the runs of this thread.")]
STREAM: dict[int | str, dict[str, Any]] = {200: {"content": FRAMES, "description": "Events, then `[DONE]`"}}


@router.post("/runs", response_model=Run, responses=WITH_BODY | CONFLICT | TAGGED)
async def create_run(body: RunCreate, caller: Auth) -> Response:
    """Let an assistant answer a thread.

    Starts at once, unless the body has a `status`, or the thread is busy and `on_busy` says to wait or to interrupt.
    """
    run_id = caller.ids.new("run")
    if not caller.done:  # else what it was made from may be gone by now
        await _create(caller, run_id, body)
    return await _answer(caller, run_id)


@router.get("/runs", response_model=Page[Run])
async def list_runs(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, thread_id: OfThread = None
) -> Response:
    """The caller's runs, newest first; of all threads, or of one."""
    if thread_id is not None:
        return await list_thread_runs(thread_id, caller, limit, order, after)
    return await _list(caller, "runs_page", limit, order, after)


@router.get("/threads/{thread_id}/runs", response_model=Page[Run])
async def list_thread_runs(
    thread_id: str, caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None
) -> Response:
    """The runs of a thread, newest first."""
    await find(caller.view, "thread", thread_id)
    return await _list(caller, "thread_runs_page", limit, order, after, thread_id=thread_id)


@router.get("/runs/{run_id}", response_model=Run, responses=TAGGED)
async def retrieve_run(run_id: str, caller: Auth) -> Response:
    """One run, with the calls that its model made."""
    return await _answer(caller, run_id)


@router.put("/runs/{run_id}/metadata", response_model=Run, responses=WITH_BODY | TAGGED | MATCHED)
async def update_run_meta_data(run_id: str, body: MetadataBody, caller: Auth, if_match: IfMatch = None) -> Response:
    """Merge into the metadata of a run."""

    async def change(row: Row) -> updates.Change:
        merged = {**msgspec.json.decode(row.meta_data), **body.metadata}
        return updates.Change("run_meta_data", {"id": run_id, "meta_data": to_json(merged)})

    await updates.update(caller, partial(find, caller.view, "run", run_id), change, if_match=if_match)
    return await _answer(caller, run_id)


@router.post("/runs/{run_id}/cancel", response_model=Run, responses=TAGGED)
async def cancel_run(run_id: str, caller: Auth) -> Response:
    """End a run. A model call that is open is closed; the run then ends as `cancelled`, and stays so."""
    row = await find(caller.view, "run", run_id)
    if not caller.done:
        await caller.platform.driver.decide(row.n, CancelRequested(caller.platform.clock()), also=caller.also)
    return await _answer(caller, run_id)


@router.post("/runs/{run_id}/submit_tool_outputs", response_model=Run, responses=WITH_BODY | TAGGED)
async def submit_tool_outputs(run_id: str, body: ToolOutputs, caller: Auth) -> Response:
    """Answer calls. The run goes on when all are answered."""
    row = await find(caller.view, "run", run_id)
    outputs = tuple((output.tool_call_id, output.output) for output in body.tool_outputs)
    if not caller.done:
        happened = OutputsSubmitted(outputs, caller.platform.clock())
        await caller.platform.driver.decide(row.n, happened, also=caller.also)
    return await _answer(caller, run_id)


@router.delete("/runs/{run_id}", response_model=Deleted, responses=MATCHED)
async def delete_run(run_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a run that is over, with its events; what was said stays in the thread."""
    find_row = partial(find, caller.view, "run", run_id)
    await find_row()
    try:
        await updates.delete("run", find_row, partial(deleting.delete_run, caller, run_id), if_match)
    except Clash:
        raise ApiError(409, "run_open", f"The run '{run_id}' is not over; cancel it first.") from None
    return json_answer({"id": run_id, "object": "thread.run.deleted", "deleted": True})


@router.get("/runs/{run_id}/events", responses=STREAM, response_class=Response)
async def stream_events(
    run_id: str, caller: Auth, after: Position = 0, last_event_id: LastEventId = None
) -> EventStream:
    """Follow a run: what is there, then what comes, until it is over. Every event's id is its position."""
    row = await find(caller.view, "run", run_id)
    return EventStream(events(caller, row, int(last_event_id or after)))


async def _create(caller: Caller, run_id: str, body: RunCreate) -> None:
    assistant = await find(caller.view, "assistant", body.assistant_id, "assistant_id")
    await find(caller.view, "thread", body.thread_id, "thread_id")
    await check_response_format(body.response_format)
    named = await attaching.of_tools(caller, {"tools": body.tools})
    guard = (*named, *await attaching.of_resources(caller, body.tool_resources))
    wishes = {name: value for name, value in supplied(body).items() if value is not None}
    status = Status.QUEUED
    if body.status is not None:
        status = Status.PENDING
        wishes = {name: value for name, value in wishes.items() if FILLERS.get(name) != value}
    new = newborn(caller, run_id, msgspec.json.decode(assistant.body), body.thread_id, wishes, status)
    await caller.platform.quota.check(caller.user_id, caller.allowed)
    try:
        await caller.platform.driver.create(new, also=(*caller.also, *guard, *room(caller.allowed, new)))
    except Clash as clash:
        if clash.kind != "run":
            raise
        active = await caller.view.one("run_open", thread_id=body.thread_id)
        name = f" '{active.id}'" if active else ""
        raise ApiError(
            409, "thread_busy", f"The thread has an open run{name}; wait for it or cancel it.", "thread_id"
        ) from None


async def _answer(caller: Caller, run_id: str) -> Response:
    row = await find(caller.view, "run", run_id)
    calls = await caller.view.all("actions_of_run", run_id=run_id)
    return json_answer(run(row, [action(call) for call in calls]), headers=tagged(row))


async def _list(caller: Caller, query: str, limit: int, order: str, after: str | None, **params: str) -> Response:
    async def known(cursor: str) -> Any:
        return await caller.view.one("run", id=cursor)

    rows, more = await page(caller.view, query, limit, order, after, known, **params)
    return listed([run(row) for row in rows], [row.id for row in rows], more)
