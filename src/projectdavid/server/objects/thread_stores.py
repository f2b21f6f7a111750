"""The vector store of a thread: files that are attached to messages for `file_search` are read into it."""

from collections.abc import Sequence
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


async def for_search(caller: Caller, thread_id: str, attachments: Sequence[Attachment]) -> list[Op]:
    """What puts the files that `file_search` is to have into the thread's store, which is made where there is none.

    Refused as stale where the thread has got one meanwhile.
    """
    ids = [one.file_id for one in attachments if any(tool.type == "file_search" for tool in one.tools or ())]
    thread = await caller.view.one("thread", id=thread_id) if ids else None
    if thread is None:
        return []
    store_id = await _store_of(caller, thread)
    ops: list[Op] = []
    if store_id is None:
        store_id = caller.ids.new("vs")
        ops = [_new(store_id, thread, int(caller.now)), _named(store_id, thread)]
    return [*ops, *(attach_op(store_id, StoreFileFields(file_id=one), int(caller.now)) for one in dict.fromkeys(ids))]


async def _store_of(caller: Caller, thread: Row) -> str | None:
    """The first store of a thread that takes files."""
    resources: dict[str, Any] = msgspec.json.decode(thread.tool_resources)
    ids = (resources.get("file_search") or {}).get("vector_store_ids") or []
    rows = await caller.view.all("stores_named", ids=to_json(ids))
    usable = {row.id for row in rows if row.expired_at is None and row.vectors is None}
    return next((store_id for store_id in ids if store_id in usable), None)


def _new(store_id: str, thread: Row, now: int) -> Op:
    about = to_json({"thread_id": thread.id})
    return store_op(store_id, now, name=f"Files of {thread.id}", expires_days=DAYS, meta_data=about)


def _named(store_id: str, thread: Row) -> Op:
    """Lets the thread name its store."""
    resources: dict[str, Any] = msgspec.json.decode(thread.tool_resources)
    search: dict[str, Any] = resources.get("file_search") or {}
    ids = [*(search.get("vector_store_ids") or []), store_id]
    named = {**resources, "file_search": {**search, "vector_store_ids": ids}}
    params: dict[str, Any] = {"id": thread.id, "tool_resources": to_json(named), "before": thread.tool_resources}
    return Op("thread_resources", params, missing=Stale())
