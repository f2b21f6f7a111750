"""Vector store of a thread, which indexes files attached to its messages for `file_search`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import attach_op, store_op
from projectdavid.ports import queries
from projectdavid.ports.rows import ThreadRow
from projectdavid.ports.store import Op, StaleRow
from projectdavid.protocol.messages import Attachment
from projectdavid.protocol.vector_stores import StoreFileFields

DAYS = 7
"""Lifetime of a thread's vector store after its last use."""


@dataclass(frozen=True, slots=True)
class ThreadResources:
    """Resources of a thread with a vector store, and the operations that create it."""

    resources: dict[str, Any]
    ops: tuple[Op, ...]


async def for_search(caller: Caller, thread_id: str, attachments: Sequence[Attachment]) -> list[Op]:
    """Return operations that add files for `file_search` to the thread's vector store, creating it if needed.

    The transaction fails as stale if the thread got a vector store concurrently.
    """
    thread = await caller.view.one(queries.THREAD, id=thread_id) if named_files("file_search", attachments) else None
    if thread is None:
        return []
    before: dict[str, Any] = msgspec.json.decode(thread.tool_resources)
    searched = await with_store(caller, thread_id, before, attachments)
    return [*searched.ops, *replace_resources(thread, searched.resources)]


def named_files(tool: str, attachments: Sequence[Attachment]) -> list[str]:
    """Return the files attached for a tool, without duplicates."""
    wanted = (one.file_id for one in attachments if any(entry.type == tool for entry in one.tools or ()))
    return list(dict.fromkeys(wanted))


async def with_store(
    caller: Caller,
    thread_id: str,
    resources: Mapping[str, Any],
    attachments: Sequence[Attachment],
    made: Collection[str] = (),
) -> ThreadResources:
    """Return operations that add files to the vector store in a thread's resources, or to a new one.

    A new one replaces expired stores, which are empty; the dialect allows one vector store per thread. `made` are
    vector stores created in the same transaction.
    """
    ids = named_files("file_search", attachments)
    if not ids:
        return ThreadResources(dict(resources), ())
    search: dict[str, Any] = resources.get("file_search") or {}
    known: list[str] = search.get("vector_store_ids") or []
    rows = {row.id: row for row in await caller.view.all(queries.STORES_NAMED, ids=to_json(known))}
    open_ids = [one for one in known if one in made or (one in rows and rows[one].expired_at is None)]
    store_id = next((one for one in open_ids if one in made or rows[one].vectors is None), None)
    ops: list[Op] = []
    if store_id is None:
        store_id = caller.ids.new("vs")
        ops = [_new(store_id, thread_id, int(caller.now))]
        resources = {**resources, "file_search": {**search, "vector_store_ids": [*open_ids, store_id]}}
    ops += [attach_op(store_id, StoreFileFields(file_id=one), int(caller.now)) for one in ids]
    return ThreadResources(dict(resources), tuple(ops))


def _new(store_id: str, thread_id: str, now: int) -> Op:
    about = to_json({"thread_id": thread_id})
    return store_op(store_id, now, name=f"Files of {thread_id}", expires_days=DAYS, meta_data=about)


def replace_resources(thread: ThreadRow, resources: Mapping[str, Any]) -> list[Op]:
    """Return the operation that replaces changed resources of a thread; stale if they changed concurrently."""
    text = to_json(resources)
    if text == thread.tool_resources:
        return []
    params: dict[str, Any] = {"id": thread.id, "tool_resources": text, "before": thread.tool_resources}
    return [Op(queries.THREAD_RESOURCES, params, missing=StaleRow())]
