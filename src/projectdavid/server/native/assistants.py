"""Assistants: create, list, retrieve, update, delete."""

from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.outbound import Forbidden, Guard
from projectdavid.ports.store import Op, Row, View
from projectdavid.protocol.assistants import Assistant, AssistantCreate, AssistantFields, AssistantUpdate
from projectdavid.protocol.base import Deleted
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import bare, json_answer
from projectdavid.server.http.errors import WITH_BODY, ApiError
from projectdavid.server.http.etags import MATCHED, TAGGED, IfMatch, tagged
from projectdavid.server.http.paging import After, ManyLimit, Order, page
from projectdavid.server.native import signing
from projectdavid.server.native.signing import Secret
from projectdavid.server.native.wire import router
from projectdavid.server.objects import assistant_bodies, attaching, deleting, shortcomings, updates
from projectdavid.server.objects.fields import supplied
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.response_formats import check_response_format

router = router("assistants")

NOT_STORED = ("id", "webhook_secret")


@router.post("/assistants", response_model=Assistant, responses=WITH_BODY | TAGGED)
async def create_assistant(body: AssistantCreate, caller: Auth) -> Response:
    """Make an assistant. `webhook_secret` is shown here, and never again."""
    _see_reachable(body, caller.platform.guard)
    await check_response_format(body.response_format)
    assistant_id = caller.ids.new("asst")
    values = assistant_bodies.new(caller, assistant_id) | _stored(body)
    secret = await signing.wanted(caller, assistant_id, body.webhook_secret, url=body.webhook_url)
    guard = await _guard(caller, body)
    new = Op("assistant_insert", {"id": assistant_id, "body": assistant_bodies.encode(values)})
    await caller.write([new, *guard, *(secret.ops if secret else ())])
    # A repeated request is answered with what was made, which can have been changed or deleted since.
    tag = {} if caller.done else tagged(await find(caller.view, "assistant", assistant_id))
    return _answer(values, tag, secret, caller)


@router.get("/assistants", response_model=list[Assistant])
async def list_assistants(
    caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """The caller's own assistants, newest first. `x-has-more` and `x-last-id` tell of the next page."""
    return await _list(caller.view, limit, order, after)


@router.get("/assistants/{assistant_id}", response_model=Assistant, responses=TAGGED)
async def retrieve_assistant(assistant_id: str, caller: Auth) -> Response:
    """One assistant."""
    row = await find(caller.view, "assistant", assistant_id)
    return Response(assistant_bodies.to_wire(row.body), headers=tagged(row), media_type="application/json")


@router.put("/assistants/{assistant_id}", response_model=Assistant, responses=WITH_BODY | TAGGED | MATCHED)
async def update_assistant(
    assistant_id: str, body: AssistantUpdate, caller: Auth, if_match: IfMatch = None
) -> Response:
    """Change the fields that are supplied, and nothing else. A new `webhook_secret` is shown here, and never again."""
    _see_reachable(body, caller.platform.guard)
    await check_response_format(body.response_format)
    secret: Secret | None = None

    async def change(row: Row) -> updates.Change:
        nonlocal secret
        guard = await _guard(caller, body)
        values = {**msgspec.json.decode(row.body), **_stored(body)}
        if "webhook_url" in body.model_fields_set:
            values.pop("webhook_disabled_at", None)
        secret = await signing.wanted(caller, assistant_id, body.webhook_secret, url=values["webhook_url"])
        also = (*guard, *(secret.ops if secret else ()))
        params: dict[str, Any] = {"id": assistant_id, "body": assistant_bodies.encode(values)}
        return updates.Change("assistant_update", params, also)

    find_row = partial(find, caller.view, "assistant", assistant_id)
    row = await updates.update(caller, find_row, change, if_match=if_match)
    return _answer(msgspec.json.decode(row.body), tagged(row), secret, caller)


@router.delete("/assistants/{assistant_id}", response_model=Deleted, responses=MATCHED)
async def delete_assistant(
    assistant_id: str,
    caller: Auth,
    permanent: bool = True,  # noqa: ARG001 - on the wire
    if_match: IfMatch = None,
) -> Response:
    """Delete an assistant for good. Its open runs fail (`assistant_deleted`); what was said stays in the threads."""
    find_row = partial(find, caller.view, "assistant", assistant_id)
    write = partial(deleting.delete_assistant, caller, assistant_id)
    await updates.delete("assistant", find_row, write, if_match)
    return json_answer({"id": assistant_id, "object": "assistant.deleted", "deleted": True})


@router.get("/users/{user_id}/assistants", response_model=list[Assistant])
async def list_assistants_of_user(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """The assistants of a user: one's own, or anybody's for an admin."""
    await caller.may_see(user_id)
    return await _list(caller.platform.store.of(user_id), limit, order, after)


async def _guard(caller: Caller, body: AssistantFields) -> tuple[Op, ...]:
    """What refuses an assistant that names what is not the caller's."""
    tools = await attaching.of_tools(caller, {"tools": body.tools, "platform_tools": body.platform_tools})
    return (*tools, *await attaching.of_resources(caller, body.tool_resources))


def _stored(body: AssistantFields) -> dict[str, Any]:
    return {name: value for name, value in supplied(body).items() if name not in NOT_STORED}


def _see_reachable(body: AssistantFields, guard: Guard) -> None:
    """Let only a webhook pass that the server would ask, as far as its URL tells.

    Raises:
        ApiError: 422, with the rule that refuses it.
    """
    if body.webhook_url is None:
        return
    try:
        guard.check(body.webhook_url)
    except Forbidden as error:
        raise ApiError(422, "invalid_value", f"webhook_url: {error}", "webhook_url") from None


def _answer(values: dict[str, Any], tag: dict[str, str], secret: Secret | None, caller: Caller) -> Response:
    """An assistant, and what only this answer says: its new secret, and what of its tools there is not."""
    tools = [*(values["tools"] or ()), *(values["platform_tools"] or ())]
    warnings = shortcomings.of_tools(tools, caller.platform)
    told = ({"webhook_secret": secret.shown} if secret else {}) | ({"warnings": warnings} if warnings else {})
    headers = tag | (signing.ONCE if secret else {})
    return json_answer({**assistant_bodies.with_defaults(values), **told}, headers=headers)


async def _list(view: View, limit: int, order: str, after: str | None) -> Response:
    async def known(cursor: str) -> Any:
        return await view.one("assistant", id=cursor)

    rows, more = await page(view, "assistants_page", limit, order, after, known)
    return bare([msgspec.Raw(assistant_bodies.to_wire(row.body)) for row in rows], [row.id for row in rows], more)
