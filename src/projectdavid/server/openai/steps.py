"""Run steps: list and retrieve."""

from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.protocol.openai.answers import Page, RunStep
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import missing
from projectdavid.server.openai.lookup import RunId, StepId, ThreadId, find_run, see_id
from projectdavid.server.openai.paging import After, Before, Limit, Order, page
from projectdavid.server.openai.routing import router
from projectdavid.server.openai.step_words import described

router = router("runs")

RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
Include = Annotated[
    list[Literal["step_details.tool_calls[*].file_search.results[*].content"]] | SkipJsonSchema[None],
    Query(alias="include[]", description="What else to tell: the text of what `file_search` found."),
]


@router.get("/threads/{thread_id}/runs/{run_id}/steps", response_model=Page[RunStep])
async def list_run_steps(
    thread_id: ThreadId,
    run_id: RunId,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    include: Include = None,
) -> Response:
    """The steps of a run."""
    run = await find_run(caller, thread_id, run_id)

    async def known(cursor: str) -> Any:
        return await caller.view.one("step", id=cursor, run_id=run_id)

    rows, more = await page(caller.view, "steps_page", (limit, order, after, before), known, run_id=run_id)
    shown = await described(caller.view, run, rows, full=RESULTS in (include or ()))
    return listed(shown, [row.id for row in rows], more)


@router.get("/threads/{thread_id}/runs/{run_id}/steps/{step_id}", response_model=RunStep)
async def retrieve_run_step(
    thread_id: ThreadId, run_id: RunId, step_id: StepId, caller: Auth, include: Include = None
) -> Response:
    """One step."""
    run = await find_run(caller, thread_id, run_id)
    see_id("step", step_id)
    row = await caller.view.one("step", id=step_id, run_id=run_id)
    if row is None:
        raise missing("run_step", step_id)
    (step,) = await described(caller.view, run, [row], full=RESULTS in (include or ()))
    return json_answer(step)
