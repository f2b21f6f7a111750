"""Messages: add, list, retrieve, update, delete."""

from functools import partial
from typing import Annotated, Any

from fastapi import Query, Response

from projectdavid.ports.store import Clash, Op, Row, Stale
from projectdavid.protocol.openai.answers import Deleted, Message, Page
from projectdavid.protocol.openai.ids import pattern_of
from projectdavid.protocol.openai.threads import MessageCreate, MetadataUpdate
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer, listed
from projectdavid.server.http.errors import ApiError
from projectdavid.server.http.paging import Text
from projectdavid.server.objects import deleting, updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.thread_stores import renamed
from projectdavid.server.openai import words
from projectdavid.server.openai.conversation import Spoken, active_run, filled, idle, spoken
from projectdavid.server.openai.lookup import SPOKEN, MessageId, ThreadId, find, find_message, see_id
from projectdavid.server.openai.paging import After, Before, Limit, Order, page
from projectdavid.server.openai.routing import router

router = router("messages")

OfRun = Annotated[Text, Query(json_schema_extra=pattern_of("run"), description="Only those that this run wrote.")]


@router.post("/threads/{thread_id}/messages", response_model=Message)
async def create_message(thread_id: ThreadId, body: MessageCreate, caller: Auth) -> Response:
    """Add a message to a thread, while no run is at work on it."""
    await find(caller, "thread", thread_id)
    said = await spoken(caller, thread_id, [body])
    try:
        await _say(caller, thread_id, said)
    except Clash as clash:
        if clash.kind != "open_run":
            raise
        run = await active_run(caller, thread_id)
        raise ApiError(400, "", f"Can't add messages to {thread_id} while a run{run} is active.") from None
    return json_answer(words.message(await find(caller, "message", said.ids[0])))


async def _say(caller: Caller, thread_id: str, said: Spoken) -> None:
    while True:
        ops = await in_thread(caller, thread_id, said)
        try:
            await caller.write([idle(thread_id), *ops])
        except Stale:
            continue  # another message changed the thread's resources meanwhile
        if said.attachments:
            caller.platform.bus.publish(INGEST)
        return


async def in_thread(caller: Caller, thread_id: str, said: Spoken) -> list[Op]:
    """What writes messages into a thread that there is, which gets their files; refused as stale if it changed.

    Raises:
        ApiError: 400 or 404.
    """
    thread = await find(caller, "thread", thread_id)
    searched = await filled(caller, thread_id, words.decoded(thread.tool_resources), said.attachments)
    changed = renamed(thread, searched.resources) if said.attachments else []
    return [*said.ops, *searched.ops, *changed]


@router.get("/threads/{thread_id}/messages", response_model=Page[Message])
async def list_messages(
    thread_id: ThreadId,
    caller: Auth,
    limit: Limit = 20,
    order: Order = "desc",
    after: After = None,
    before: Before = None,
    run_id: OfRun = None,
) -> Response:
    """What was said in a thread."""
    await find(caller, "thread", thread_id)
    if run_id is not None:
        see_id("run", run_id)

    async def known(cursor: str) -> Any:
        row = await caller.view.one("message", id=cursor)
        return row if row is not None and row.thread_id == thread_id and row.role in SPOKEN else None

    paging = limit, order, after, before
    rows, more = await page(caller.view, "spoken_page", paging, known, thread_id=thread_id, run_id=run_id)
    return listed([words.message(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}/messages/{message_id}", response_model=Message)
async def retrieve_message(thread_id: ThreadId, message_id: MessageId, caller: Auth) -> Response:
    """One message."""
    return json_answer(words.message(await find_message(caller, thread_id, message_id)))


@router.post("/threads/{thread_id}/messages/{message_id}", response_model=Message)
async def update_message(thread_id: ThreadId, message_id: MessageId, body: MetadataUpdate, caller: Auth) -> Response:
    """Replace the metadata of a message."""

    async def change(row: Row) -> updates.Change:
        changed = to_json(body.metadata or {}) if "metadata" in body.model_fields_set else row.meta_data
        return updates.Change("message_update", {"id": message_id, "meta_data": changed})

    row = await updates.update(caller, partial(find_message, caller, thread_id, message_id), change)
    return json_answer(words.message(row))


@router.delete("/threads/{thread_id}/messages/{message_id}", response_model=Deleted)
async def delete_message(thread_id: ThreadId, message_id: MessageId, caller: Auth) -> Response:
    """Delete a message."""
    await find_message(caller, thread_id, message_id)
    await deleting.delete_message(caller, message_id)
    return json_answer(words.deleted(message_id, "thread.message.deleted"))
