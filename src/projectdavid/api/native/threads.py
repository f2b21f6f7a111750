"""Threads: create, list, retrieve, update, delete."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import Body, Response

from projectdavid.api.http.answers import array_answer, json_answer, page_answer
from projectdavid.api.http.errors import WITH_BODY, missing_error
from projectdavid.api.http.etags import MATCHED, TAGGED, IfMatch, etag_header
from projectdavid.api.http.pages import After, Limit, ManyLimit, Order, page
from projectdavid.api.native.serializers import router, thread
from projectdavid.api.requests.authentication import Auth, Caller
from projectdavid.api.resources import attachment_checks, deletions, updates
from projectdavid.api.resources.lookup import find
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import PositionRow, ThreadRow
from projectdavid.ports.store import Op
from projectdavid.protocol.base import Deleted, LooseMetaData, Page
from projectdavid.protocol.threads import Thread, ThreadCreate, ThreadUpdate

router = router("threads")


@router.post("/threads", response_model=Thread, responses=WITH_BODY | TAGGED)
async def create_thread(caller: Auth, body: ThreadCreate | None = None) -> Response:
    """Create a thread."""
    body = body or ThreadCreate()
    guard = await attachment_checks.of_resources(caller, body.tool_resources)
    thread_id = caller.ids.new("thread")
    params: dict[str, Any] = {
        "id": thread_id,
        "now": int(caller.platform.clock()),
        "title": body.title,
        "meta_data": to_json(body.meta_data or {}),
        "tool_resources": to_json(body.tool_resources or {}),
        "participants": to_json(_participants(caller, body.participant_ids)),
    }
    await caller.write([Op(queries.THREAD_INSERT, params), *guard])
    return await _answer(caller, await find(caller.view, queries.THREAD, thread_id))


@router.get("/threads", response_model=Page[Thread])
async def list_threads(caller: Auth, limit: Limit = 20, order: Order = "desc", after: After = None) -> Response:
    """List the caller's threads, newest first."""
    rows, more = await _page(caller, limit, order, after)
    return page_answer([thread(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/user/{user_id}", response_model=list[str])
async def list_thread_ids(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """List the ids of a user's threads. `x-has-more` and `x-last-id` describe the next page."""
    rows, more = await _page(await _as(caller, user_id), limit, order, after)
    ids = [row.id for row in rows]
    return array_answer(ids, ids, more)


@router.get("/threads/user/{user_id}/records", response_model=list[Thread])
async def list_thread_records(
    user_id: str, caller: Auth, limit: ManyLimit = 1000, order: Order = "desc", after: After = None
) -> Response:
    """List a user's threads. `x-has-more` and `x-last-id` describe the next page."""
    rows, more = await _page(await _as(caller, user_id), limit, order, after)
    return array_answer([thread(row) for row in rows], [row.id for row in rows], more)


@router.get("/threads/{thread_id}", response_model=Thread, responses=TAGGED)
async def retrieve_thread(thread_id: str, caller: Auth) -> Response:
    """Retrieve a thread."""
    return await _answer(caller, await find(caller.view, queries.THREAD, thread_id))


@router.put("/threads/{thread_id}", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def update_thread(thread_id: str, body: ThreadUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Change the given fields; `meta_data` is merged into the existing pairs, and a null `title` is removed."""

    async def change(row: ThreadRow) -> updates.ObjectUpdate:
        guard = await attachment_checks.of_resources(caller, body.tool_resources)
        named = body.participant_ids
        params: dict[str, Any] = {
            "id": thread_id,
            "title": body.title if "title" in body.model_fields_set else row.title,
            "meta_data": to_json({**msgspec.json.decode(row.meta_data), **(body.meta_data or {})}),
            "tool_resources": row.tool_resources if body.tool_resources is None else to_json(body.tool_resources),
            "participants": row.participants if named is None else to_json(_participants(caller, named)),
        }
        return updates.ObjectUpdate(queries.THREAD_UPDATE, params, guard)

    find_row = partial(find, caller.view, queries.THREAD, thread_id)
    return await _answer(caller, await updates.update(caller, find_row, change, if_match=if_match))


@router.post("/threads/{thread_id}", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def update_thread_by_post(thread_id: str, body: ThreadUpdate, caller: Auth, if_match: IfMatch = None) -> Response:
    """Update a thread, for clients of the Project David wire up to version 1.33.30."""
    return await update_thread(thread_id, body, caller, if_match)


@router.put("/threads/{thread_id}/metadata", response_model=Thread, responses=WITH_BODY | TAGGED | MATCHED)
async def replace_thread_meta_data(
    thread_id: str, body: Annotated[LooseMetaData, Body()], caller: Auth, if_match: IfMatch = None
) -> Response:
    """Replace the metadata of a thread."""

    async def change(row: ThreadRow) -> updates.ObjectUpdate:
        params: dict[str, Any] = {
            "id": thread_id,
            "title": row.title,
            "meta_data": to_json(body),
            "tool_resources": row.tool_resources,
            "participants": row.participants,
        }
        return updates.ObjectUpdate(queries.THREAD_UPDATE, params)

    find_row = partial(find, caller.view, queries.THREAD, thread_id)
    return await _answer(caller, await updates.update(caller, find_row, change, if_match=if_match))


@router.delete("/threads/{thread_id}", response_model=Deleted, responses=MATCHED)
async def delete_thread(thread_id: str, caller: Auth, if_match: IfMatch = None) -> Response:
    """Delete a thread with its messages; an active run on it stops."""
    find_row = partial(find, caller.view, queries.THREAD, thread_id)
    await updates.delete("thread", find_row, partial(deletions.delete_thread, caller, thread_id), if_match)
    return json_answer({"id": thread_id, "object": "thread.deleted", "deleted": True})


async def _as(caller: Caller, user_id: str) -> Caller:
    """Return the caller with the view of a user whose data they can see."""
    await caller.check_access(user_id)
    return replace(caller, user_id=user_id, view=caller.platform.store.of(user_id))


async def _page(seen: Caller, limit: int, order: str, after: str | None) -> tuple[list[ThreadRow], bool]:
    async def locate(cursor: str) -> PositionRow | None:
        return await seen.view.one(queries.THREAD_POSITION, id=cursor)

    return await page(seen.view, queries.THREADS_PAGE, limit, order, after, locate)


def _participants(caller: Caller, ids: list[str] | None) -> list[str]:
    """Return the participants: so far only the owner."""
    for user_id in ids or []:
        if user_id != caller.user_id:
            raise missing_error("user", user_id, "participant_ids")
    return [caller.user_id]


async def _answer(caller: Caller, row: ThreadRow) -> Response:
    user = await caller.platform.store.one(queries.USER, id=caller.user_id)
    known = {} if user is None else msgspec.json.decode(user.body)
    participants = [{"id": caller.user_id, "email": known.get("email"), "full_name": known.get("full_name")}]
    return json_answer(thread(row, participants), headers=etag_header(row))
