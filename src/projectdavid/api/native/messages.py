"""Messages: add, list, retrieve, update, delete; and outputs of calls as messages."""

import asyncio
from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer, json_bytes_answer, page_answer
from projectdavid.api.http.errors import WITH_BODY, ApiError, missing_error, refused_error
from projectdavid.api.http.etags import MATCHED, TAGGED, IfMatch, etag_header
from projectdavid.api.http.pages import PAGE_BYTES, After, Limit, Order, page
from projectdavid.api.native.serializers import message, router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks, deletions, thread_vector_stores, updates
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.messages import message_op
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.engine.inputs import OutputsSubmitted
from projectdavid.engine.run import InputRefused
from projectdavid.ports import queries
from projectdavid.ports.rows import ActionRow, FormattedMessageRow, MessageRow, PositionRow
from projectdavid.ports.store import Op, StaleRow
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.messages import FormattedMessage, Message, MessageCreate, MessageUpdate, ToolMessageCreate
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("messages")

ALL = 1000
AnyMessage = MessageCreate | ToolMessageCreate


@router.post("/messages", response_model=Message, responses=WITH_BODY | TAGGED)
async def create_message(body: MessageCreate, caller: Auth) -> Response:
    """Add a message to a thread."""
    if body.role == "tool":
        return await _answer(caller, body)
    await _action(caller, body)
    await _check_references(caller, body)
    message_id, shown = caller.ids.new("msg"), await attachment_checks.of_content(caller, body.content)
    while True:
        attached = await attachment_checks.of_message(caller, body.attachments or ())
        searched = await thread_vector_stores.for_search(caller, body.thread_id, body.attachments or ())
        try:
            await caller.write([_new(message_id, body, caller, attached.json), *attached.guard, *shown, *searched])
        except StaleRow:
            continue  # another message created the thread's store first
        break
    if searched:
        caller.platform.bus.publish(INGEST)
    row = await find(caller.view, queries.MESSAGE, message_id)
    await asyncio.sleep(0)  # with an image of 20 MB, reading and encoding it take 20 ms each
    return _message_response(row)


def _new(message_id: str, body: MessageCreate, caller: Caller, attached: str | None) -> Op:
    return message_op(
        body.thread_id,
        id=message_id,
        now=int(caller.platform.clock()),
        role=body.role,
        content=to_json(_content(body)),
        assistant_id=body.assistant_id,
        meta_data=to_json(body.meta_data) if body.meta_data else None,
        attachments=attached,
    )


@router.post("/messages/assistant", response_model=Message, responses=WITH_BODY | TAGGED)
async def create_assistant_message(body: MessageCreate, caller: Auth) -> Response:
    """Add a message of an assistant to a thread."""
    return await create_message(body.model_copy(update={"role": "assistant"}), caller)


@router.post("/messages/tools", response_model=Message, responses=WITH_BODY | TAGGED)
async def create_tool_message(body: ToolMessageCreate, caller: Auth) -> Response:
    """Answer a call: `tool_id` is the action's id. The run resumes when all its calls are answered."""
    return await _answer(caller, body)


async def _answer(caller: Caller, body: AnyMessage) -> Response:
    if body.tool_id is None:
        raise ApiError(
            422, "missing_field", "tool_id: expected the id of the action that this output answers", "tool_id"
        )
    row = await _action(caller, body)
    thread = await find(caller.view, queries.THREAD, body.thread_id, "thread_id")
    run = None if row is None else await caller.view.one(queries.RUN, id=row.run_id)
    if row is None or run is None or run.thread != thread.n:
        raise missing_error("action", body.tool_id, "tool_id")
    await _check_references(caller, body, run.assistant_id)
    await attachment_checks.of_content(caller, body.content)
    if (await attachment_checks.of_message(caller, body.attachments or ())).json:
        raise ApiError(400, "no_attachments", "attachments: not allowed for the output of a call", "attachments")
    if caller.done:
        said = await caller.view.one(queries.MESSAGE_ANSWERING, thread_id=thread.id, action_id=row.action_id)
        if said is None:
            raise missing_error("message", body.tool_id, "tool_id")
        return _message_response(said)
    happened = OutputsSubmitted(((row.call_id, _text(body)),), caller.platform.clock())
    try:
        decided = await caller.platform.driver.decide(row.run, happened, also=caller.also)
    except InputRefused as error:
        raise refused_error(error, "tool_id") from None
    return _message_response(await find(caller.view, queries.MESSAGE, decided.messages[0]))


@router.get("/messages/{message_id}", response_model=Message, responses=TAGGED)
async def retrieve_message(message_id: str, caller: Auth) -> Response:
    """Retrieve a message."""
    return _message_response(await find(caller.view, queries.MESSAGE, message_id))


@router.put("/messages/{message_id}", response_model=Message, responses=WITH_BODY | TAGGED | MATCHED)
async def update_message(message_id: str, body: MessageUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Replace the metadata of a message."""

    async def change(_: MessageRow) -> updates.ObjectUpdate:
        return updates.ObjectUpdate(queries.MESSAGE_UPDATE, {"id": message_id, "meta_data": to_json(body.meta_data)})

    find_row = partial(find, caller.view, queries.MESSAGE, message_id)
    return _message_response(await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/messages/{message_id}", response_model=Deleted, responses=MATCHED)
async def delete_message(message_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a message."""
    find_row = partial(find, caller.view, queries.MESSAGE, message_id)
    await updates.delete("message", find_row, partial(deletions.delete_message, caller, message_id), if_match)
    return json_answer({"id": message_id, "object": "thread.message.deleted", "deleted": True})


@router.get("/threads/{thread_id}/messages", response_model=Page[Message])
async def list_messages(
    thread_id: str, caller: Auth, limit: Limit = 20, order: Order = "asc", after: After = None
) -> Response:
    """List the messages of a thread, in order."""
    await find(caller.view, queries.THREAD, thread_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.MESSAGE_POSITION, id=cursor, thread_id=thread_id)

    rows, more = await page(caller.view, queries.MESSAGES_PAGE, limit, order, after, locate, thread_id=thread_id)
    return page_answer([message(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/formatted_messages", response_model=list[FormattedMessage])
async def list_formatted_messages(thread_id: str, caller: Auth) -> Response:
    """Return the newest messages of a thread as a model receives them, including calls and outputs: at most 1000, or 4
    MiB.
    """
    await find(caller.view, queries.THREAD, thread_id)
    rows, _ = await caller.view.up_to(queries.FORMATTED_PAGE, PAGE_BYTES, thread_id=thread_id, limit=ALL)
    return json_answer([_openai_format(row) for row in reversed(rows)])


async def _action(caller: Caller, body: AnyMessage) -> ActionRow | None:
    """Return the call that a message answers, if any."""
    if body.tool_id is None:
        return None
    row = await caller.view.one(queries.ACTION, action_id=body.tool_id)
    if row is None:
        raise missing_error("action", body.tool_id, "tool_id")
    return row


async def _check_references(caller: Caller, body: AnyMessage, assistant_id: str | None = None) -> None:
    """Check that the message's other references belong to the caller; `assistant_id` can be deleted by now."""
    if body.sender_id is not None and body.sender_id != caller.user_id:
        raise missing_error("user", body.sender_id, "sender_id")
    if body.assistant_id is not None and body.assistant_id != assistant_id:
        await find(caller.view, queries.ASSISTANT, body.assistant_id, "assistant_id")


def _content(body: AnyMessage) -> Any:
    return body.content if isinstance(body.content, str) else [block.model_dump() for block in body.content]


def _text(body: AnyMessage) -> str:
    if isinstance(body.content, str):
        return body.content
    return "\n".join(block.text for block in body.content if block.type == "text")


def _message_response(row: MessageRow) -> Response:
    return json_answer(message(row), headers=etag_header(row))


def _openai_format(row: FormattedMessageRow) -> dict[str, Any]:
    result: dict[str, Any] = {"role": row.role, "content": json_bytes_answer(row.content)}
    if row.calls:
        result["tool_calls"] = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in msgspec.json.decode(row.calls)
        ]
    if row.call_id:
        result["tool_call_id"] = row.call_id
    return result
