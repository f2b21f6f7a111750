"""Messages: add, list, retrieve, update, delete; and the outputs of tools, which answer calls."""

from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.engine.happenings import OutputsSubmitted
from projectdavid.engine.run import Refused
from projectdavid.ports.store import Op, Row, Stale
from projectdavid.protocol.base import Deleted, Page
from projectdavid.protocol.messages import FormattedMessage, Message, MessageCreate, MessageUpdate, ToolMessageCreate
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import WITH_BODY, ApiError, missing, refused
from projectdavid.server.http.etags import MATCHED, TAGGED, IfMatch, tagged
from projectdavid.server.http.paging import PAGE_BYTES, After, Limit, Order, page
from projectdavid.server.native.wire import message, router
from projectdavid.server.objects import attaching, deleting, thread_stores, updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find
from projectdavid.server.objects.messages import message_op

router = router("messages")

ALL = 1000
AnyMessage = MessageCreate | ToolMessageCreate


@router.post("/messages", response_model=Message, responses=WITH_BODY | TAGGED)
async def create_message(body: MessageCreate, caller: Auth) -> Response:
    """Add a message to a thread."""
    if body.role == "tool":
        return await _answer(caller, body)
    await _action(caller, body)
    await _must_know(caller, body)
    message_id, shown = caller.ids.new("msg"), await attaching.of_content(caller, body.content)
    while True:
        attached = await attaching.of_message(caller, body.attachments or ())
        searched = await thread_stores.for_search(caller, body.thread_id, body.attachments or ())
        try:
            await caller.write([_new(message_id, body, caller, attached.json), *attached.guard, *shown, *searched])
        except Stale:
            continue  # another message made the thread's store meanwhile
        break
    if searched:
        caller.platform.bus.publish(INGEST)
    return _tagged(await find(caller.view, "message", message_id))


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
    """Answer a call: `tool_id` is the action's id. The run goes on when all its calls are answered."""
    return await _answer(caller, body)


async def _answer(caller: Caller, body: AnyMessage) -> Response:
    if body.tool_id is None:
        raise ApiError(422, "missing_field", "tool_id: name the action that this output answers.", "tool_id")
    row = await _action(caller, body)
    thread = await find(caller.view, "thread", body.thread_id, "thread_id")
    run = None if row is None else await caller.view.one("run", id=row.run_id)
    if row is None or run is None or run.thread != thread.n:
        raise missing("action", body.tool_id, "tool_id")
    await _must_know(caller, body, run.assistant_id)
    await attaching.of_content(caller, body.content)
    if (await attaching.of_message(caller, body.attachments or ())).json:
        raise ApiError(400, "no_attachments", "attachments: the output of a call has none", "attachments")
    if caller.done:
        said = await caller.view.one("message_answering", thread_id=thread.id, action_id=row.action_id)
        if said is None:
            raise missing("message", body.tool_id, "tool_id")
        return _tagged(said)
    happened = OutputsSubmitted(((row.call_id, _text(body)),), caller.platform.clock())
    try:
        decided = await caller.platform.driver.decide(row.run, happened, also=caller.also)
    except Refused as error:
        raise refused(error, "tool_id") from None
    return _tagged(await find(caller.view, "message", decided.messages[0]))


@router.get("/messages/{message_id}", response_model=Message, responses=TAGGED)
async def retrieve_message(message_id: str, caller: Auth) -> Response:
    """One message."""
    return _tagged(await find(caller.view, "message", message_id))


@router.put("/messages/{message_id}", response_model=Message, responses=WITH_BODY | TAGGED | MATCHED)
async def update_message(message_id: str, body: MessageUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Replace the metadata of a message."""

    async def change(_: Row) -> updates.Change:
        return updates.Change("message_update", {"id": message_id, "meta_data": to_json(body.meta_data)})

    find_row = partial(find, caller.view, "message", message_id)
    return _tagged(await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/messages/{message_id}", response_model=Deleted, responses=MATCHED)
async def delete_message(message_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a message."""
    find_row = partial(find, caller.view, "message", message_id)
    await updates.delete("message", find_row, partial(deleting.delete_message, caller, message_id), if_match)
    return json_answer({"id": message_id, "object": "thread.message.deleted", "deleted": True})


@router.get("/threads/{thread_id}/messages", response_model=Page[Message])
async def list_messages(
    thread_id: str, caller: Auth, limit: Limit = 20, order: Order = "asc", after: After = None
) -> Response:
    """What was said in a thread, in order."""
    await find(caller.view, "thread", thread_id)

    async def known(cursor: str) -> Any:
        row = await caller.view.one("message", id=cursor)
        return row if row is not None and row.thread_id == thread_id else None

    rows, more = await page(caller.view, "messages_page", limit, order, after, known, thread_id=thread_id)
    return listed([message(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/formatted_messages", response_model=list[FormattedMessage])
async def list_formatted_messages(thread_id: str, caller: Auth) -> Response:
    """The newest messages of a thread as a model would see them, calls and outputs among them: 1000, or 4 MiB."""
    await find(caller.view, "thread", thread_id)
    rows, _ = await caller.view.up_to("formatted_page", PAGE_BYTES, thread_id=thread_id, limit=ALL)
    return json_answer([_formatted(row) for row in reversed(rows)])


async def _action(caller: Caller, body: AnyMessage) -> Row | None:
    """The call that a message names, if it names one."""
    if body.tool_id is None:
        return None
    row = await caller.view.one("action", action_id=body.tool_id)
    if row is None:
        raise missing("action", body.tool_id, "tool_id")
    return row


async def _must_know(caller: Caller, body: AnyMessage, assistant_id: str | None = None) -> None:
    """Refuse what else a message names that is not the caller's; `assistant_id` may be gone by now."""
    if body.sender_id is not None and body.sender_id != caller.user_id:
        raise missing("user", body.sender_id, "sender_id")
    if body.assistant_id is not None and body.assistant_id != assistant_id:
        await find(caller.view, "assistant", body.assistant_id, "assistant_id")


def _content(body: AnyMessage) -> Any:
    return body.content if isinstance(body.content, str) else [block.model_dump() for block in body.content]


def _text(body: AnyMessage) -> str:
    if isinstance(body.content, str):
        return body.content
    return "\n".join(block.text for block in body.content if block.type == "text")


def _tagged(row: Row) -> Response:
    return json_answer(message(row), headers=tagged(row))


def _formatted(row: Row) -> dict[str, Any]:
    result: dict[str, Any] = {"role": row.role, "content": msgspec.json.decode(row.content)}
    if row.calls:
        result["tool_calls"] = [
            {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": c["arguments"]}}
            for c in msgspec.json.decode(row.calls)
        ]
    if row.call_id:
        result["tool_call_id"] = row.call_id
    return result
