"""Erasures: how far the deletion of a user is, for admins."""

from typing import Any

import msgspec
from fastapi import Response

from projectdavid.ports.store import Row
from projectdavid.protocol.erasures import Erasure
from projectdavid.server.auth import Auth
from projectdavid.server.http.answers import json_answer
from projectdavid.server.http.errors import FORBIDDEN, missing
from projectdavid.server.native.wire import iso, router
from projectdavid.server.platform import Platform

router = router("users")

BACKUPS = (
    "Backups made before the deletion: the server does not know them. 'projectdavid restore' erases the user again."
)
DELIVERIES = "Webhooks that were delivered, and requests to models and web pages: their receivers may have kept them."


@router.get("/admin/erasures/{erasure_id}", response_model=Erasure, responses=FORBIDDEN)
async def retrieve_erasure(erasure_id: str, caller: Auth) -> Response:
    """How far the erasure of a user is: rows deleted and left by kind, and what the server cannot reach (admin)."""
    caller.must_be_admin()
    return json_answer(await describe(caller.platform, erasure_id))


async def describe(platform: Platform, erasure_id: str) -> dict[str, Any]:
    """Return an erasure as it goes over the wire.

    Raises:
        ApiError: 404.
    """
    row = await platform.store.one("erasure", id=erasure_id)
    if row is None:
        raise missing("erasure", erasure_id, "erasure_id")
    return await _wire(platform, row)


async def _wire(platform: Platform, row: Row) -> dict[str, Any]:
    left = await platform.store.left(row.user or "")
    deleted = msgspec.json.decode(row.deleted)
    (removals,) = await platform.store.all("removals_left", limit=1000)
    return {
        "id": row.id,
        "object": "erasure",
        "user_id": row.user,
        "status": "in_progress" if row.done_at is None else "completed",
        "requested_at": iso(row.requested_at),
        "completed_at": iso(row.done_at),
        "deleted": {kind: deleted.get(kind, 0) for kind in left},
        "left": dict(left),
        "blobs_left": 0 if row.done_at else removals.blobs,
        "index_files_left": 0 if row.done_at else removals.files,
        "out_of_reach": [BACKUPS, DELIVERIES],
    }
