"""The vector store of a thread: files that are attached to messages for `file_search` are read into it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from projectdavid.ports.store import Op, Row, Stale
from projectdavid.protocol.messages import Attachment
from projectdavid.protocol.vector_stores import StoreFileFields
from projectdavid.server.auth import Caller
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.store_rows import attach_op, store_op

DAYS = 7
"""For which the store of a thread is kept after its last use."""


@dataclass(frozen=True, slots=True)
class Searched:
    """The resources of a thread that has a store for its files, and what is to be written for that."""

    resources: dict[str, Any]
    ops: tuple[Op, ...]


async def for_search(caller: Caller, thread_id: str, attachments: Sequence[Attachment]) -> list[Op]:
    """What puts the files that `file_search` is to have into the thread's store, which is made where there is none.

    Refused as stale where the thread has got one meanwhile.
    """
    thread = await caller.view.one("thread", id=thread_id) if named("file_search", attachments) else None
    if thread is None:
        return []
    before: dict[str, Any] = msgspec.json.decode(thread.tool_resources)
    searched = await with_store(caller, thread_id, before, attachments)
    return [*searched.ops, *renamed(thread, searched.resources)]


def named(tool: str, attachments: Sequence[Attachment]) -> list[str]:
    """The files that a tool is to have, each once."""
    wanted = (one.file_id for one in attachments if any(entry.type == tool for entry in one.tools or ()))
    return list(dict.fromkeys(wanted))


async def with_store(
    caller: Caller,
    thread_id: str,
    resources: Mapping[str, Any],
    attachments: Sequence[Attachment],
    made: Collection[str] = (),
) -> Searched:
    """What puts files into the store that the resources of a thread name, or into a new one.

    `made` are stores that are made in the same transaction.
    """
    ids = named("file_search", attachments)
    if not ids:
        return Searched(dict(resources), ())
    search: dict[str, Any] = resources.get("file_search") or {}
    known: list[str] = search.get("vector_store_ids") or []
    store_id, ops = await _usable(caller, known, made), list[Op]()
    if store_id is None:
        store_id = caller.ids.new("vs")
        ops = [_new(store_id, thread_id, int(caller.now))]
        resources = {**resources, "file_search": {**search, "vector_store_ids": [*known, store_id]}}
    ops += [attach_op(store_id, StoreFileFields(file_id=one), int(caller.now)) for one in ids]
    return Searched(dict(resources), tuple(ops))


async def _usable(caller: Caller, ids: Sequence[str], made: Collection[str]) -> str | None:
    """The first store that takes files."""
    rows = await caller.view.all("stores_named", ids=to_json(ids))
    usable = {*made, *(row.id for row in rows if row.expired_at is None and row.vectors is None)}
    return next((store_id for store_id in ids if store_id in usable), None)


def _new(store_id: str, thread_id: str, now: int) -> Op:
    about = to_json({"thread_id": thread_id})
    return store_op(store_id, now, name=f"Files of {thread_id}", expires_days=DAYS, meta_data=about)


def renamed(thread: Row, resources: Mapping[str, Any]) -> list[Op]:
    """Lets a thread have other resources, if they are others; refused as stale where they changed meanwhile."""
    text = to_json(resources)
    if text == thread.tool_resources:
        return []
    params: dict[str, Any] = {"id": thread.id, "tool_resources": text, "before": thread.tool_resources}
    return [Op("thread_resources", params, missing=Stale())]
