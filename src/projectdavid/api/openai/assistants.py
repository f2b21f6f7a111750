"""Assistants: create, list, retrieve, update, delete."""

from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.openai import resources, serializers
from projectdavid.api.openai.lookup import AssistantId, check_id, find
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import router
from projectdavid.api.openai.serializers import Json
from projectdavid.api.openai.tool_checks import check_tools
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import assistant_bodies, deletions, updates
from projectdavid.api.resources.field_table import DIALECT_ASSISTANT
from projectdavid.api.resources.response_formats import check_response_format, stored_format
from projectdavid.api.resources.stored_fields import compact
from projectdavid.ports import queries
from projectdavid.ports.rows import AssistantRow, PositionRow
from projectdavid.ports.store import Op
from projectdavid.protocol.model_options import SHOWN_DEFAULTS
from projectdavid.protocol.openai.answers import OpenAIAssistant, OpenAIDeleted, OpenAIPage
from projectdavid.protocol.openai.assistants import OpenAIAssistantCreate, OpenAIAssistantUpdate
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("assistants")


@router.post("/assistants", response_model=OpenAIAssistant)
async def create_assistant(body: OpenAIAssistantCreate, caller: Auth) -> Response:
    """Create an assistant."""
    assistant_id = caller.ids.new("asst")
    given = await _stored_values(caller, body)
    used = await resources.read_resources(caller, body.tool_resources)
    values = assistant_bodies.new_assistant(caller, assistant_id) | given | {"tool_resources": used.value}
    new = Op(queries.ASSISTANT_INSERT, {"id": assistant_id, "body": assistant_bodies.encode(values)})
    await caller.write([*used.ops, new])
    if used.ops:
        caller.platform.bus.publish(INGEST)
    return json_answer(serializers.assistant(values))


@router.get("/assistants", response_model=OpenAIPage[OpenAIAssistant])
async def list_assistants(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, before: Before = None
) -> Response:
    """List the caller's assistants."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.ASSISTANT_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.ASSISTANTS_PAGE, (limit, order, after, before), locate)
    return page_answer(
        [serializers.assistant(msgspec.json.decode(row.body)) for row in rows], [row.id for row in rows], more
    )


@router.get("/assistants/{assistant_id}", response_model=OpenAIAssistant)
async def retrieve_assistant(assistant_id: AssistantId, caller: Auth) -> Response:
    """Retrieve an assistant."""
    row = await find(caller, queries.ASSISTANT, assistant_id)
    return json_answer(serializers.assistant(msgspec.json.decode(row.body)))


@router.post("/assistants/{assistant_id}", response_model=OpenAIAssistant)
async def update_assistant(assistant_id: AssistantId, body: OpenAIAssistantUpdate, caller: Auth) -> Response:
    """Change an assistant; omitted fields keep their values."""
    given = await _stored_values(caller, body)

    async def change(row: AssistantRow) -> updates.ObjectUpdate:
        used = await resources.read_resources(caller, body.tool_resources)
        values = msgspec.json.decode(row.body) | given
        if body.tool_resources is not None:
            values["tool_resources"] = {**(values["tool_resources"] or {}), **used.value}
        if body.tools is not None:
            values["platform_tools"] = None
        params: dict[str, Any] = {"id": assistant_id, "body": assistant_bodies.encode(values)}
        return updates.ObjectUpdate(queries.ASSISTANT_UPDATE, params, used.ops)

    row = await updates.update(caller, partial(find, caller, queries.ASSISTANT, assistant_id), change)
    return json_answer(serializers.assistant(msgspec.json.decode(row.body)))


@router.delete("/assistants/{assistant_id}", response_model=OpenAIDeleted)
async def delete_assistant(assistant_id: AssistantId, caller: Auth) -> Response:
    """Delete an assistant. Its open runs fail (`assistant_deleted`); its messages stay in the threads."""
    check_id("assistant", assistant_id)
    await deletions.delete_assistant(caller, assistant_id)
    return json_answer(serializers.deleted_object(assistant_id, "assistant.deleted"))


def _is_stored(name: str, value: Any) -> bool:
    """False for null in a field that has a default, and for an empty model: both leave the stored value."""
    return bool(value) if name == "model" else value is not None or name not in SHOWN_DEFAULTS


async def _stored_values(caller: Caller, body: OpenAIAssistantCreate | OpenAIAssistantUpdate) -> Json:
    """Convert a body to the stored form of assistants.

    Raises:
        ApiError: 400, a tool is not registered, or the response format is invalid.
        ApiError: 403, the key cannot change what needs approval.
    """
    caller.check_approver()
    check_tools(caller.platform.toolbox, body.tools)
    given = body.model_dump(include=body.model_fields_set, by_alias=True)
    values = {name: given[name] for name in DIALECT_ASSISTANT if name in given and _is_stored(name, given[name])}
    if given.get("tools") is not None:
        values["tools"] = [compact(tool) for tool in given["tools"]]
    if "metadata" in given:
        values["meta_data"] = given["metadata"] or {}
    if given.get("response_format") is not None:
        values["response_format"] = form = stored_format(given["response_format"])
        await check_response_format(form)
    return values
