"""Assistants: create, list, retrieve, update, delete."""

from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import array_answer, json_answer
from projectdavid.api.http.errors import FORBIDDEN, WITH_BODY, ApiError
from projectdavid.api.http.etags import MATCHED, TAGGED, IfMatch, etag_header
from projectdavid.api.http.pages import After, ManyLimit, Order, page
from projectdavid.api.native import webhook_secrets
from projectdavid.api.native.serializers import router
from projectdavid.api.native.webhook_secrets import WebhookSecret
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import assistant_bodies, attachment_checks, deletions, tool_warnings, updates
from projectdavid.api.resources.field_table import with_shown_defaults
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.response_formats import check_response_format
from projectdavid.api.resources.stored_fields import supplied_fields
from projectdavid.egress import EgressGuard, TargetForbidden
from projectdavid.ports import queries
from projectdavid.ports.rows import AssistantRow, PositionRow
from projectdavid.ports.store import Op, StoreView
from projectdavid.protocol.assistants import Assistant, AssistantCreate, AssistantFields, AssistantUpdate
from projectdavid.protocol.base import Deleted

router = router("assistants")

NOT_STORED = ("id", "webhook_secret")


@router.post("/assistants", response_model=Assistant, responses=WITH_BODY | TAGGED | FORBIDDEN)
async def create_assistant(body: AssistantCreate, caller: Auth) -> Response:
    """Create an assistant. `webhook_secret` is returned only in this response."""
    caller.check_approver()
    _check_webhook_url(body, caller.platform.guard)
    await check_response_format(body.response_format)
    assistant_id = caller.ids.new("asst")
    values = assistant_bodies.new_assistant(caller, assistant_id) | _stored_values(body)
    secret = await webhook_secrets.choose_secret(caller, assistant_id, body.webhook_secret, url=body.webhook_url)
    guard = await _guard(caller, body)
    new = Op(queries.ASSISTANT_INSERT, {"id": assistant_id, "body": assistant_bodies.encode(values)})
    rows = await caller.write([new, *guard, *(secret.ops if secret else ())])
    # A repeated request returns the original response; the assistant can have been changed or deleted since.
    created = queries.ASSISTANT_INSERT.narrow(rows[0]) if rows else None
    tag = {} if created is None else etag_header(created)
    return _answer(values, tag, secret, caller)


@router.get("/assistants", response_model=list[Assistant])
async def list_assistants(
    caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """List the caller's assistants, newest first. `x-has-more` and `x-last-id` describe the next page."""
    return await _list(caller.view, limit, order, after)


@router.get("/assistants/{assistant_id}", response_model=Assistant, responses=TAGGED)
async def retrieve_assistant(assistant_id: str, caller: Auth) -> Response:
    """Retrieve an assistant."""
    row = await find(caller.view, queries.ASSISTANT, assistant_id)
    return Response(assistant_bodies.to_wire(row.body), headers=etag_header(row), media_type="application/json")


@router.put("/assistants/{assistant_id}", response_model=Assistant, responses=WITH_BODY | TAGGED | MATCHED | FORBIDDEN)
async def update_assistant(
    assistant_id: str, body: AssistantUpdate, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Change the given fields. A new `webhook_secret` is returned only in this response."""
    caller.check_approver()
    _check_webhook_url(body, caller.platform.guard)
    await check_response_format(body.response_format)
    secret: WebhookSecret | None = None

    async def change(row: AssistantRow) -> updates.ObjectUpdate:
        nonlocal secret
        guard = await _guard(caller, body)
        values = {**msgspec.json.decode(row.body), **_stored_values(body)}
        if "webhook_url" in body.model_fields_set:
            values.pop("webhook_disabled_at", None)
        secret = await webhook_secrets.choose_secret(
            caller, assistant_id, body.webhook_secret, url=values["webhook_url"]
        )
        also = (*guard, *(secret.ops if secret else ()))
        params: dict[str, Any] = {"id": assistant_id, "body": assistant_bodies.encode(values)}
        return updates.ObjectUpdate(queries.ASSISTANT_UPDATE, params, also)

    find_row = partial(find, caller.view, queries.ASSISTANT, assistant_id)
    row = await updates.update(caller, find_row, change, if_match=if_match)
    return _answer(msgspec.json.decode(row.body), etag_header(row), secret, caller)


@router.delete("/assistants/{assistant_id}", response_model=Deleted, responses=MATCHED)
async def delete_assistant(
    assistant_id: str,
    caller: Auth,
    permanent: bool = True,  # noqa: ARG001 - on the wire
    if_match: IfMatch = None,
) -> Response:
    """Delete an assistant permanently. Its open runs fail (`assistant_deleted`); its messages stay in the threads."""
    find_row = partial(find, caller.view, queries.ASSISTANT, assistant_id)
    write = partial(deletions.delete_assistant, caller, assistant_id)
    await updates.delete("assistant", find_row, write, if_match)
    return json_answer({"id": assistant_id, "object": "assistant.deleted", "deleted": True})


@router.get("/users/{user_id}/assistants", response_model=list[Assistant])
async def list_assistants_of_user(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """List the assistants of a user: one's own, or any user's for an admin."""
    await caller.check_access(user_id)
    return await _list(caller.platform.store.of(user_id), limit, order, after)


async def _guard(caller: Caller, body: AssistantFields) -> tuple[Op, ...]:
    """Build the checks that reject references to other owners' objects."""
    tools = await attachment_checks.of_tools(caller, {"tools": body.tools, "platform_tools": body.platform_tools})
    return (*tools, *await attachment_checks.of_resources(caller, body.tool_resources))


def _stored_values(body: AssistantFields) -> dict[str, Any]:
    return {name: value for name, value in supplied_fields(body).items() if name not in NOT_STORED}


def _check_webhook_url(body: AssistantFields, guard: EgressGuard) -> None:
    """Check that the guard would allow requests to a webhook URL, as far as the URL shows.

    Raises:
        ApiError: 422, with the rule that forbids it.
    """
    if body.webhook_url is None:
        return
    try:
        guard.check(body.webhook_url)
    except TargetForbidden as error:
        raise ApiError(422, "invalid_value", f"webhook_url: {error}", "webhook_url") from None


def _answer(values: dict[str, Any], tag: dict[str, str], secret: WebhookSecret | None, caller: Caller) -> Response:
    """Return the response: the assistant, with a new secret and tool warnings, which only this response contains."""
    tools = [*(values["tools"] or ()), *(values["platform_tools"] or ())]
    warnings = tool_warnings.of_tools(tools, caller.platform)
    told = ({"webhook_secret": secret.shown} if secret else {}) | ({"warnings": warnings} if warnings else {})
    headers = tag | (webhook_secrets.ONCE if secret else {})
    return json_answer({**with_shown_defaults(values), **told}, headers=headers)


async def _list(view: StoreView, limit: int, order: str, after: str | None) -> Response:
    async def locate(cursor: str) -> PositionRow | None:
        return await view.one(queries.ASSISTANT_POSITION, id=cursor)

    rows, more = await page(view, queries.ASSISTANTS_PAGE, limit, order, after, locate)
    return array_answer(
        [msgspec.Raw(assistant_bodies.to_wire(row.body)) for row in rows], [row.id for row in rows], more
    )
