"""Threads: create, retrieve, update, delete."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer, page_answer
from projectdavid.api.openai import resources, serializers
from projectdavid.api.openai.lookup import ThreadId, check_id, find
from projectdavid.api.openai.message_creation import add_attachments, build_messages
from projectdavid.api.openai.pages import After, Before, Limit, Order, page
from projectdavid.api.openai.routes import router
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import deletions, updates
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.thread_vector_stores import DAYS
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, ThreadRow
from projectdavid.ports.store import Op
from projectdavid.protocol.openai.answers import OpenAIDeleted, OpenAIPage, OpenAIThread
from projectdavid.protocol.openai.threads import OpenAIThreadCreate, OpenAIThreadUpdate
from projectdavid.runtime.knowledge.ingest import INGEST

router = router("threads")


@dataclass(frozen=True, slots=True)
class NewThread:
    """A new thread, with its messages and vector stores."""

    id: str
    ops: tuple[Op, ...]


@router.post("/threads", response_model=OpenAIThread)
async def create_thread(caller: Auth, body: OpenAIThreadCreate | None = None) -> Response:
    """Create a thread, optionally with messages."""
    new = await build_thread(caller, body or OpenAIThreadCreate())
    await caller.write(new.ops)
    caller.platform.bus.publish(INGEST)
    return json_answer(serializers.thread(await find(caller, queries.THREAD, new.id)))


@router.get("/threads", response_model=OpenAIPage[OpenAIThread])
async def list_threads(
    caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None, before: Before = None
) -> Response:
    """List the caller's threads, an operation of Azure that OpenAI did not have."""

    async def locate(cursor: str) -> PositionRow | None:
        return await caller.view.one(queries.THREAD_POSITION, id=cursor)

    rows, more = await page(caller.view, queries.THREADS_PAGE, (limit, order, after, before), locate)
    return page_answer([serializers.thread(row, read=True) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}", response_model=OpenAIThread)
async def retrieve_thread(thread_id: ThreadId, caller: Auth) -> Response:
    """Retrieve a thread."""
    return json_answer(serializers.thread(await find(caller, queries.THREAD, thread_id), read=True))


@router.post("/threads/{thread_id}", response_model=OpenAIThread)
async def update_thread(thread_id: ThreadId, body: OpenAIThreadUpdate, caller: Auth) -> Response:
    """Change a thread; omitted fields keep their values."""

    async def change(row: ThreadRow) -> updates.ObjectUpdate:
        used = await resources.read_resources(caller, body.tool_resources)
        given = body.model_fields_set
        params: dict[str, Any] = {
            "id": thread_id,
            "title": row.title,
            "meta_data": to_json(body.metadata or {}) if "metadata" in given else row.meta_data,
            "tool_resources": to_json({**msgspec.json.decode(row.tool_resources), **used.value}),
            "participants": row.participants,
        }
        return updates.ObjectUpdate(queries.THREAD_UPDATE, params, used.ops)

    row = await updates.update(caller, partial(find, caller, queries.THREAD, thread_id), change)
    return json_answer(serializers.thread(row))


@router.delete("/threads/{thread_id}", response_model=OpenAIDeleted)
async def delete_thread(thread_id: ThreadId, caller: Auth) -> Response:
    """Delete a thread with its messages; an active run on it stops."""
    check_id("thread", thread_id)
    await deletions.delete_thread(caller, thread_id)
    return json_answer(serializers.deleted_object(thread_id, "thread.deleted"))


async def build_thread(caller: Caller, body: OpenAIThreadCreate, at: str = "") -> NewThread:
    """Build the operations that create a thread; `at` is its path prefix in the request: `thread.`.

    Raises:
        ApiError: 400 or 404, it refers to objects that are not the caller's.
    """
    thread_id = caller.ids.new("thread")
    used = await resources.read_resources(caller, body.tool_resources, DAYS, at)
    said = await build_messages(caller, thread_id, body.messages, f"{at}messages")
    searched = await add_attachments(caller, thread_id, used.value, said.attachments, used.made)
    params: dict[str, Any] = {
        "id": thread_id,
        "now": int(caller.now),
        "title": None,
        "meta_data": to_json(body.metadata or {}),
        "tool_resources": to_json(searched.resources),
        "participants": to_json([caller.user_id]),
    }
    return NewThread(thread_id, (*used.ops, Op(queries.THREAD_INSERT, params), *said.ops, *searched.ops))
