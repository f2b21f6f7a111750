"""Threads: create, retrieve, update, delete."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Op, Row
from projectdavid.protocol.openai.answers import Deleted, Thread
from projectdavid.protocol.openai.threads import ThreadCreate, ThreadUpdate
from projectdavid.runtime.ingest import INGEST
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import json_answer
from projectdavid.server.objects import deleting, updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.thread_stores import DAYS
from projectdavid.server.openai import resources, words
from projectdavid.server.openai.conversation import filled, spoken
from projectdavid.server.openai.lookup import ThreadId, find, see_id
from projectdavid.server.openai.routing import router

router = router("threads")


@dataclass(frozen=True, slots=True)
class NewThread:
    """A thread that is about to be written, with its messages and vector stores."""

    id: str
    ops: tuple[Op, ...]


@router.post("/threads", response_model=Thread)
async def create_thread(caller: Auth, body: ThreadCreate | None = None) -> Response:
    """Begin a conversation, with messages if you like."""
    new = await newborn(caller, body or ThreadCreate())
    await caller.write(new.ops)
    caller.platform.bus.publish(INGEST)
    return json_answer(words.thread(await find(caller, "thread", new.id)))


@router.get("/threads/{thread_id}", response_model=Thread)
async def retrieve_thread(thread_id: ThreadId, caller: Auth) -> Response:
    """One thread."""
    return json_answer(words.thread(await find(caller, "thread", thread_id)))


@router.post("/threads/{thread_id}", response_model=Thread)
async def update_thread(thread_id: ThreadId, body: ThreadUpdate, caller: Auth) -> Response:
    """Change a thread: what is left out stays."""

    async def change(row: Row) -> updates.Change:
        used = await resources.wanted(caller, body.tool_resources)
        given = body.model_fields_set
        params: dict[str, Any] = {
            "id": thread_id,
            "meta_data": to_json(body.metadata or {}) if "metadata" in given else row.meta_data,
            "tool_resources": to_json({**msgspec.json.decode(row.tool_resources), **used.value}),
            "participants": row.participants,
        }
        return updates.Change("thread_update", params, used.ops)

    row = await updates.update(caller, partial(find, caller, "thread", thread_id), change)
    return json_answer(words.thread(row))


@router.delete("/threads/{thread_id}", response_model=Deleted)
async def delete_thread(thread_id: ThreadId, caller: Auth) -> Response:
    """Delete a thread with all that was said in it; a run that is at work on it stops."""
    see_id("thread", thread_id)
    await deleting.delete_thread(caller, thread_id)
    return json_answer(words.deleted(thread_id, "thread.deleted"))


async def newborn(caller: Caller, body: ThreadCreate, at: str = "") -> NewThread:
    """What makes a thread; `at` is where the request has it: `thread.`.

    Raises:
        ApiError: 400 or 404, it names what is not the caller's.
    """
    thread_id = caller.ids.new("thread")
    used = await resources.wanted(caller, body.tool_resources, DAYS, at)
    said = await spoken(caller, thread_id, body.messages, f"{at}messages")
    searched = await filled(caller, thread_id, used.value, said.attachments, used.made)
    params: dict[str, Any] = {
        "id": thread_id,
        "now": int(caller.now),
        "meta_data": to_json(body.metadata or {}),
        "tool_resources": to_json(searched.resources),
        "participants": to_json([caller.user_id]),
    }
    return NewThread(thread_id, (*used.ops, Op("thread_insert", params), *said.ops, *searched.ops))
