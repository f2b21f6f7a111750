"""Threads: create, list, retrieve, update, delete."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Body, Response

from projectdavid.ports.store import Op, Row
from projectdavid.protocol.base import Deleted, LooseMetaData, Page
from projectdavid.protocol.threads import Thread, ThreadCreate, ThreadUpdate
from projectdavid.server.auth import Auth, Caller
from projectdavid.server.http.answers import bare, json_answer, listed
from projectdavid.server.http.errors import WITH_BODY, missing
from projectdavid.server.http.etags import MATCHED, TAGGED, IfMatch, tagged
from projectdavid.server.http.paging import After, Limit, ManyLimit, Order, page
from projectdavid.server.native.wire import router, thread
from projectdavid.server.objects import attaching, deleting, updates
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.finding import find

router = router("threads")


@router.post("/threads", response_model=Thread, responses=WITH_BODY | TAGGED)
async def create_thread(caller: Auth, body: ThreadCreate | None = None) -> Response:
    """Begin a conversation."""
    body = body or ThreadCreate()
    guard = await attaching.of_resources(caller, body.tool_resources)
    thread_id = caller.ids.new("thread")
    params: dict[str, Any] = {
        "id": thread_id,
        "now": int(caller.platform.clock()),
        "meta_data": to_json(body.meta_data or {}),
        "tool_resources": to_json(body.tool_resources or {}),
        "participants": to_json(_participants(caller, body.participant_ids)),
    }
    await caller.write([Op("thread_insert", params), *guard])
    return await _answer(caller, await find(caller.view, "thread", thread_id))


@router.get("/threads", response_model=Page[Thread])
async def list_threads(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """The caller's threads, newest first."""
    rows, more = await _page(caller, limit, order, after)
    return listed([thread(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/user/{user_id}", response_model=list[str])
async def list_thread_ids(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """The ids of a user's threads. `x-has-more` and `x-last-id` tell of the next page."""
    rows, more = await _page(await _as(caller, user_id), limit, order, after)
    ids = [row.id for row in rows]
    return bare(ids, ids, more)


@router.get("/threads/user/{user_id}/records", response_model=list[Thread])
async def list_thread_records(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """A user's threads. `x-has-more` and `x-last-id` tell of the next page."""
    rows, more = await _page(await _as(caller, user_id), limit, order, after)
    return bare([thread(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}", response_model=Thread, responses=TAGGED)
async def retrieve_thread(thread_id: str, caller: Auth) -> Response:
    """One thread."""
    return await _answer(caller, await find(caller.view, "thread", thread_id))


@router.put("/threads/{thread_id}", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def update_thread(thread_id: str, body: ThreadUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Change the fields that are supplied; `meta_data` is merged into what is there."""

    async def change(row: Row) -> updates.Change:
        guard = await attaching.of_resources(caller, body.tool_resources)
        named = body.participant_ids
        params: dict[str, Any] = {
            "id": thread_id,
            "meta_data": to_json({**msgspec.json.decode(row.meta_data), **(body.meta_data or {})}),
            "tool_resources": row.tool_resources if body.tool_resources is None else to_json(body.tool_resources),
            "participants": row.participants if named is None else to_json(_participants(caller, named)),
        }
        return updates.Change("thread_update", params, guard)

    find_row = partial(find, caller.view, "thread", thread_id)
    return await _answer(caller, await updates.update(caller, find_row, change, if_match=if_match))


@router.post("/threads/{thread_id}", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def update_thread_by_post(thread_id: str, body: ThreadUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """The same, as clients up to 1.33.30 of the Project David wire ask for it."""
    return await update_thread(thread_id, body, caller, if_match)


@router.put("/threads/{thread_id}/metadata", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def replace_thread_meta_data(
    thread_id: str, body: Annotated[LooseMetaData, Body()], caller: Auth, if_match: IfMatch = None
) -> Response:
    """Replace the metadata of a thread."""

    async def change(row: Row) -> updates.Change:
        params: dict[str, Any] = {
            "id": thread_id,
            "meta_data": to_json(body),
            "tool_resources": row.tool_resources,
            "participants": row.participants,
        }
        return updates.Change("thread_update", params)

    find_row = partial(find, caller.view, "thread", thread_id)
    return await _answer(caller, await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/threads/{thread_id}", response_model=Deleted, responses=MATCHED)
async def delete_thread(thread_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a thread with all that was said in it; a run that is at work on it stops."""
    find_row = partial(find, caller.view, "thread", thread_id)
    await updates.delete("thread", find_row, partial(deleting.delete_thread, caller, thread_id), if_match)
    return json_answer({"id": thread_id, "object": "thread.deleted", "deleted": True})


async def _as(caller: Caller, user_id: str) -> Caller:
    """A caller with the view of a user whom they may see."""
    await caller.may_see(user_id)
    return replace(caller, user_id=user_id, view=caller.platform.store.of(user_id))


async def _page(seen: Caller, limit: int, order: str, after: str | None) -> tuple[list[Row], bool]:
    async def known(cursor: str) -> Any:
        return await seen.view.one("thread", id=cursor)

    return await page(seen.view, "threads_page", limit, order, after, known)


def _participants(caller: Caller, ids: list[str] | None) -> list[str]:
    """Those who take part: so far only the owner can."""
    for user_id in ids or []:
        if user_id != caller.user_id:
            raise missing("user", user_id, "participant_ids")
    return [caller.user_id]


async def _answer(caller: Caller, row: Row) -> Response:
    user = await caller.platform.store.one("user", id=caller.user_id)
    known = {} if user is None else msgspec.json.decode(user.body)
    participants = [{"id": caller.user_id, "email": known.get("email"), "full_name": known.get("full_name")}]
    return json_answer(thread(row, participants), headers=tagged(row))
