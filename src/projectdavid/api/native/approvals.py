"""Approvals: list and retrieve what waits for people, decide, and create links to decide without a key."""

from typing import Annotated, get_args

from fastapi import Query, Response
from pydantic.json_schema import SkipJsonSchema

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import CONFLICT, FORBIDDEN, WITH_BODY
from projectdavid.api.http.pages import After, Limit, Order, Text, page
from projectdavid.api.native.serializers import router
from projectdavid.api.requests.authentication import Auth
from projectdavid.api.resources.approvals import build_decision, decide, serialize_approval
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow
from projectdavid.protocol.approvals import Approval, ApprovalDecision, ApprovalStatus
from projectdavid.protocol.base import Page

router = router("approvals")

STATUSES = get_args(ApprovalStatus)
OfRun = Annotated[Text, Query(description="Only those of this run.")]
Wanted = Annotated[
    list[ApprovalStatus] | SkipJsonSchema[None],
    Query(alias="status", description="Only approvals with this status; with one of them, if repeated."),
]


@router.get("/approvals", response_model=Page[Approval])
async def list_approvals(
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    run_id: OfRun = None,
    statuses: Wanted = None,
) -> Response:
    """List the approvals of the caller's runs, newest first."""
    if run_id is not None:
        await find(caller.view, queries.RUN, run_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.APPROVAL_POSITION, id=cursor)

    wanted = {"run_id": run_id, "statuses": to_json(statuses or STATUSES)}
    rows, more = await page(caller.view, queries.APPROVALS_PAGE, limit, order, after, locate, **wanted)
    return page_answer([serialize_approval(row) for row in rows], [row.id for row in rows], more)


@router.get("/approvals/{approval_id}", response_model=Approval)
async def retrieve_approval(approval_id: str, caller: Auth) -> Response:
    """Retrieve an approval."""
    return json_answer(serialize_approval(await find(caller.view, queries.APPROVAL, approval_id)))


@router.post("/approvals/{approval_id}", response_model=Approval, responses=WITH_BODY | CONFLICT | FORBIDDEN)
async def decide_approval(approval_id: str, body: ApprovalDecision, caller: Auth) -> Response:
    """Approve or deny a call. The run resumes when nothing else waits. The same decision again has no effect."""
    caller.check_approver()
    row = await find(caller.view, queries.APPROVAL, approval_id)
    if not caller.done:
        decision = await build_decision(caller.view, row, body, caller.key_prefix)
        await decide(caller.platform, caller.view, row, decision, caller.also)
    return json_answer(serialize_approval(await find(caller.view, queries.APPROVAL, approval_id)))
