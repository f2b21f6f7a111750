"""Runs: create, list, retrieve, update, cancel, and answer their calls; in one answer, or as a stream."""

from functools import partial
from typing import Annotated, Any

from fastapi import Header, Response
from pydantic import StringConstraints
from pydantic.json_schema import SkipJsonSchema

from projectdavid.engine.happenings import CancelRequested, OutputsSubmitted
from projectdavid.engine.run import Refused
from projectdavid.ports.store import Row
from projectdavid.protocol.openai.answers import Page, Run
from projectdavid.protocol.openai.runs import RunCreate, ThreadAndRunCreate, ToolOutputs
from projectdavid.protocol.openai.threads import MetadataUpdate
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.sse import FRAMES
from projectdavid.server.objects import updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.openai import words
from projectdavid.server.openai.births import create, create_with_thread
from projectdavid.server.openai.lookup import RunId, ThreadId, find, find_run
from projectdavid.server.openai.paging import After, Before, Limit, Order, page
from projectdavid.server.openai.routing import POLL, router
from projectdavid.server.openai.steps import RESULTS, Include
from projectdavid.server.openai.streaming import POSITION, Start, stream

router = router("runs")

LastEventId = Annotated[
    Annotated[str, StringConstraints(pattern=POSITION)] | SkipJsonSchema[None],
    Header(description="Where to go on with a stream: the id of its last event."),
]
STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": FRAMES, "description": "The run; with `stream`, its events, then `[DONE]`"}
}


@router.post("/threads/runs", response_model=Run, responses=STREAM)
async def create_thread_and_run(body: ThreadAndRunCreate, caller: Auth, last_event_id: LastEventId = None) -> Response:
    """Make a thread, and let an assistant answer it."""
    row = await create_with_thread(caller, body)
    if body.stream:
        return stream(caller, row, Start(last_event_id, thread=True))
    return await _answer(caller, row.id)


@router.post("/threads/{thread_id}/runs", response_model=Run, responses=STREAM)
async def create_run(
    thread_id: ThreadId,
    body: RunCreate,
    caller: Auth,
    include: Include = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Let an assistant answer a thread."""
    row = await create(caller, thread_id, body)
    if body.stream:
        return stream(caller, row, Start(last_event_id), full=RESULTS in (include or ()))
    return await _answer(caller, row.id)


@router.get("/threads/{thread_id}/runs", response_model=Page[Run])
async def list_runs(
    thread_id: ThreadId,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
) -> Response:
    """The runs of a thread."""
    await find(caller, "thread", thread_id)

    async def known(cursor: str) -> Any:
        row = await caller.view.one("run", id=cursor)
        return row if row is not None and row.thread_id == thread_id else None

    paging = limit, order, after, before
    rows, more = await page(caller.view, "thread_runs_page", paging, known, thread_id=thread_id)
    return listed([await _wire(caller, row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/runs/{run_id}", response_model=Run)
async def retrieve_run(thread_id: ThreadId, run_id: RunId, caller: Auth) -> Response:
    """One run."""
    await find_run(caller, thread_id, run_id)
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}", response_model=Run)
async def update_run(thread_id: ThreadId, run_id: RunId, body: MetadataUpdate, caller: Auth) -> Response:
    """Replace the metadata of a run."""

    async def change(row: Row) -> updates.Change:
        changed = to_json(body.metadata or {}) if "metadata" in body.model_fields_set else row.meta_data
        return updates.Change("run_meta_data", {"id": run_id, "meta_data": changed})

    await updates.update(caller, partial(find_run, caller, thread_id, run_id), change)
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}/cancel", response_model=Run)
async def cancel_run(thread_id: ThreadId, run_id: RunId, caller: Auth) -> Response:
    """End a run that is not over."""
    row = await find_run(caller, thread_id, run_id)
    if not caller.done:
        try:
            await caller.platform.driver.decide(row.n, CancelRequested(caller.platform.clock()), also=caller.also)
        except Refused:
            row = await find(caller, "run", run_id)
            raise ApiError(400, "", f"Cannot cancel run with status '{row.status}'.") from None
    return await _answer(caller, run_id)


@router.post("/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", response_model=Run, responses=STREAM)
async def submit_tool_outputs(
    thread_id: ThreadId,
    run_id: RunId,
    body: ToolOutputs,
    caller: Auth,
    last_event_id: LastEventId = None,
) -> Response:
    """Answer all calls for which a run waits; it goes on then."""
    row = await find_run(caller, thread_id, run_id)
    calls = await waiting(caller, row)
    if not caller.done:
        outputs = tuple((one.tool_call_id or "", one.output or "") for one in body.tool_outputs)
        _see_all(row, [call.call_id for call in calls], [call_id for call_id, _ in outputs])
        try:
            happened = OutputsSubmitted(outputs, caller.platform.clock())
            await caller.platform.driver.decide(row.n, happened, also=caller.also)
        except Refused:
            raise _not_accepted(await find(caller, "run", run_id)) from None
    if body.stream:
        return stream(caller, row, Start(last_event_id, call=_first(body)))
    return await _answer(caller, run_id)


@router.get("/threads/{thread_id}/runs/{run_id}/events", responses=STREAM, response_class=Response)
async def stream_run(
    thread_id: ThreadId,
    run_id: RunId,
    caller: Auth,
    include: Include = None,
    last_event_id: LastEventId = None,
) -> Response:
    """Follow a run, from its beginning or from behind `Last-Event-ID`; beyond the Assistants API."""
    row = await find_run(caller, thread_id, run_id)
    return stream(caller, row, Start(last_event_id, until=TERMINAL_STATUSES), full=RESULTS in (include or ()))


def _first(body: ToolOutputs) -> str | None:
    return body.tool_outputs[0].tool_call_id if body.tool_outputs else None


def _see_all(row: Row, expected: list[str], given: list[str]) -> None:
    """See that a run waits for exactly these outputs.

    Raises:
        ApiError: 400.
    """
    if row.status != "requires_action":
        raise _not_accepted(row)
    if sorted(expected) != sorted(given):
        raise ApiError(400, "", f"Expected tool outputs for call_ids {expected}, got {given}")


def _not_accepted(row: Row) -> ApiError:
    return ApiError(400, "", f'Runs in status "{row.status}" do not accept tool outputs.')


async def waiting(caller: Caller, row: Row) -> list[Row]:
    """The calls for which a run waits, in order."""
    if row.status != "requires_action":
        return []
    return [call for call in await caller.view.all("actions_of_run", run_id=row.id) if call.output is None]


async def _wire(caller: Caller, row: Row) -> dict[str, Any]:
    return words.run(row, await waiting(caller, row))


async def _answer(caller: Caller, run_id: str) -> Response:
    row = await find(caller, "run", run_id)
    return json_answer(await _wire(caller, row), headers=POLL)
