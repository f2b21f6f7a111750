"""Messages: add, list, retrieve, update, delete."""

import asyncio
from functools import partial
from typing import Annotated

from fastapi import Query, Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.http.errors import ApiError
from projectdavid.api.http.pages import Text
from projectdavid.api.openai import serializers
from projectdavid.api.openai.lookup import MessageId, ThreadId, check_id, find, find_message
from projectdavid.api.openai.message_creation import NewMessages, active_run, add_attachments, build_messages, idle
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import deletions, updates
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.thread_vector_stores import replace_resources
from projectdavid.ports import queries
from projectdavid.ports.rows import MessageRow, PositionRow
from projectdavid.ports.store import Op, StaleRow, UniqueClash
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIMessage, OpenAIPage
from projectdavid.protocol.openai.ids import pattern_of
from projectdavid.protocol.openai.threads import OpenAIMessageCreate, OpenAIMetadataUpdate
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("messages")

OfRun = Annotated[Text, Query(json_schema_extra=pattern_of("run"), description="Only messages of this run.")]


@router.post("/threads/{thread_id}/messages", response_model=OpenAIMessage)
async def create_message(thread_id: ThreadId, body: OpenAIMessageCreate, caller: Auth) -> Response:
    """Add a message to a thread without an active run."""
    await find(caller, queries.THREAD, thread_id)
    said = await build_messages(caller, thread_id, [body])
    try:
        await _say(caller, thread_id, said)
    except UniqueClash as clash:
        if clash.kind != "open_run":
            raise
        run = await active_run(caller, thread_id)
        raise ApiError(400, "", f"Can't add messages to {thread_id} while a run{run} is active.") from None
    row = await find(caller, queries.MESSAGE, said.ids[0])
    await asyncio.sleep(0)  # with an image of 20 MB, reading and encoding it take 20 ms each
    return json_answer(serializers.message(row))


async def _say(caller: Caller, thread_id: str, said: NewMessages) -> None:
    while True:
        ops = await in_thread(caller, thread_id, said)
        try:
            await caller.write([idle(thread_id), *ops])
        except StaleRow:
            continue  # another message changed the thread's resources first
        if said.attachments:
            caller.platform.bus.publish(INGEST)
        return


async def in_thread(caller: Caller, thread_id: str, said: NewMessages) -> list[Op]:
    """Build the operations that add messages to an existing thread and its files; they fail as stale if it changed.

    Raises:
        ApiError: 400 or 404.
    """
    thread = await find(caller, queries.THREAD, thread_id)
    searched = await add_attachments(
        caller, thread_id, serializers.decode_json(thread.tool_resources), said.attachments
    )
    changed = replace_resources(thread, searched.resources) if said.attachments else []
    return [*said.ops, *searched.ops, *changed]


@router.get("/threads/{thread_id}/messages", response_model=OpenAIPage[OpenAIMessage])
async def list_messages(
    thread_id: ThreadId,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    run_id: OfRun = None,
) -> Response:
    """List the messages of a thread."""
    await find(caller, queries.THREAD, thread_id)
    if run_id is not None:
        check_id("run", run_id)

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.MESSAGE_POSITION, id=cursor, thread_id=thread_id)

    paging = limit, order, after, before
    rows, more = await page(caller.view, queries.SPOKEN_PAGE, paging, locate, thread_id=thread_id, run_id=run_id)
    return page_answer([serializers.message(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/messages/{message_id}", response_model=OpenAIMessage)
async def retrieve_message(thread_id: ThreadId, message_id: MessageId, caller: Auth) -> Response:
    """Retrieve a message."""
    return json_answer(serializers.message(await find_message(caller, thread_id, message_id)))


@router.post("/threads/{thread_id}/messages/{message_id}", response_model=OpenAIMessage)
async def update_message(
    thread_id: ThreadId, message_id: MessageId, body: OpenAIMetadataUpdate, caller: Auth
) -> Response:
    """Replace the metadata of a message."""

    async def change(row: MessageRow) -> updates.ObjectUpdate:
        changed = to_json(body.metadata or {}) if "metadata" in body.model_fields_set else row.meta_data
        return updates.ObjectUpdate(queries.MESSAGE_UPDATE, {"id": message_id, "meta_data": changed})

    row = await updates.update(caller, partial(find_message, caller, thread_id, message_id), change)
    return json_answer(serializers.message(row))


@router.delete("/threads/{thread_id}/messages/{message_id}", response_model=OpenAIDeleted)
async def delete_message(thread_id: ThreadId, message_id: MessageId, caller: Auth) -> Response:
    """Delete a message."""
    await find_message(caller, thread_id, message_id)
    await deletions.delete_message(caller, message_id)
    return json_answer(serializers.deleted_object(message_id, "thread.message.deleted"))
