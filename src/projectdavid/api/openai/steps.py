"""Run steps: list and retrieve."""

from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import missing_error
from projectdavid.api.openai.lookup import RunId, StepId, ThreadId, check_id, find_run
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import router
from projectdavid.api.openai.step_serializers import serialize_steps
from projectdavid.api.requests.authentication import Auth
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow
from projectdavid.protocol.openai.answers import OpenAIPage, OpenAIRunStep

router = router("runs")

RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
Include = Annotated[
    list[Literal["step_details.tool_calls[*].file_search.results[*].content"]] | SkipJsonSchema[None],
    Query(alias="include[]", description="What to include: the text of `file_search` results."),
]


@router.get("/threads/{thread_id}/runs/{run_id}/steps", response_model=OpenAIPage[OpenAIRunStep])
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
    """List the steps of a run."""
    run = await find_run(caller, thread_id, run_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.STEP_POSITION, id=cursor, run_id=run_id)

    paging = limit, order, after, before
    rows, more = await page(caller.view, queries.STEPS_PAGE, paging, locate, run_id=run_id)
    shown = await serialize_steps(caller.view, run, rows, full=RESULTS in (include or ()))
    return page_answer(shown, [row.id for row in rows], more)


@router.get("/threads/{thread_id}/runs/{run_id}/steps/{step_id}", response_model=OpenAIRunStep)
async def retrieve_run_step(
    thread_id: ThreadId, run_id: RunId, step_id: StepId, caller: Auth, include: Include = None
) -> Response:
    """Retrieve a step."""
    run = await find_run(caller, thread_id, run_id)
    check_id("step", step_id)
    row = await caller.view.one(queries.STEP, id=step_id, run_id=run_id)
    if row is None:
        raise missing_error("run_step", step_id)
    (step,) = await serialize_steps(caller.view, run, [row], full=RESULTS in (include or ()))
    return json_answer(step)
