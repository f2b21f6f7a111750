"""Assistants: create, list, retrieve, update, delete."""

from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Op, Row
from projectdavid.protocol.openai.answers import Assistant, Deleted, Page
from projectdavid.protocol.openai.assistants import AssistantCreate, AssistantFields, AssistantUpdate
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.objects import assistant_bodies, deleting, updates
from projectdavid.server.objects.fields import compact
from projectdavid.server.objects.response_formats import check_response_format
from projectdavid.server.openai import resources, words
from projectdavid.server.openai.lookup import AssistantId, find, see_id
from projectdavid.server.openai.paging import After, Before, Limit, Order, page
from projectdavid.server.openai.routing import router
from projectdavid.server.openai.words import Json

router = router("assistants")

PLAIN = ("name", "description", "instructions", "model", "reasoning_effort")
"""The fields that are stored as they come, nulls included."""


@router.post("/assistants", response_model=Assistant)
async def create_assistant(body: AssistantCreate, caller: Auth) -> Response:
    """Make an assistant."""
    assistant_id = caller.ids.new("asst")
    given = await _given(body)
    used = await resources.wanted(caller, body.tool_resources)
    values = assistant_bodies.new(caller, assistant_id) | given | {"tool_resources": used.value}
    new = Op("assistant_insert", {"id": assistant_id, "body": assistant_bodies.encode(values)})
    await caller.write([*used.ops, new])
    if used.ops:
        caller.platform.bus.publish(INGEST)
    return json_answer(words.assistant(values))


@router.get("/assistants", response_model=Page[Assistant])
async def list_assistants(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, before: Before = None
) -> Response:
    """The caller's assistants."""

    async def known(cursor: str) -> Any:
        return await caller.view.one("assistant", id=cursor)

    rows, more = await page(caller.view, "assistants_page", (limit, order, after, before), known)
    return listed([words.assistant(msgspec.json.decode(row.body)) for row in rows], [row.id for row in rows], more)


@router.get("/assistants/{assistant_id}", response_model=Assistant)
async def retrieve_assistant(assistant_id: AssistantId, caller: Auth) -> Response:
    """One assistant."""
    row = await find(caller, "assistant", assistant_id)
    return json_answer(words.assistant(msgspec.json.decode(row.body)))


@router.post("/assistants/{assistant_id}", response_model=Assistant)
async def update_assistant(assistant_id: AssistantId, body: AssistantUpdate, caller: Auth) -> Response:
    """Change an assistant: what is left out stays."""
    given = await _given(body)

    async def change(row: Row) -> updates.Change:
        used = await resources.wanted(caller, body.tool_resources)
        values = msgspec.json.decode(row.body) | given
        if body.tool_resources is not None:
            values["tool_resources"] = {**(values["tool_resources"] or {}), **used.value}
        if body.tools is not None:
            values["platform_tools"] = None
        params: dict[str, Any] = {"id": assistant_id, "body": assistant_bodies.encode(values)}
        return updates.Change("assistant_update", params, used.ops)

    row = await updates.update(caller, partial(find, caller, "assistant", assistant_id), change)
    return json_answer(words.assistant(msgspec.json.decode(row.body)))


@router.delete("/assistants/{assistant_id}", response_model=Deleted)
async def delete_assistant(assistant_id: AssistantId, caller: Auth) -> Response:
    """Delete an assistant. Its open runs fail (`assistant_deleted`); what was said stays in the threads."""
    see_id("assistant", assistant_id)
    await deleting.delete_assistant(caller, assistant_id)
    return json_answer(words.deleted(assistant_id, "assistant.deleted"))


async def _given(body: AssistantFields) -> Json:
    """What a body says, as assistants are stored.

    Raises:
        ApiError: 400, its response format cannot be used.
    """
    given = body.model_dump(include=body.model_fields_set, by_alias=True)
    values = {name: given[name] for name in PLAIN if name in given and (name != "model" or given[name])}
    for name in ("temperature", "top_p"):
        if given.get(name) is not None:
            values[name] = given[name]
    if given.get("tools") is not None:
        values["tools"] = [compact(tool) for tool in given["tools"]]
    if "metadata" in given:
        values["meta_data"] = given["metadata"] or {}
    if given.get("response_format") is not None:
        values["response_format"] = form = stored_format(given["response_format"])
        await check_response_format(form)
    return values


def stored_format(given: str | Json) -> str | Json:
    """A response format as it is stored, without what it leaves out."""
    if isinstance(given, str):
        return given
    if "json_schema" in given:
        schema = {name: value for name, value in given["json_schema"].items() if value is not None}
        return {**given, "json_schema": schema}
    return given
