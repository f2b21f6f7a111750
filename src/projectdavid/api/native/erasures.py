"""Erasures: progress reports on deleted users, for admins."""

from typing import Any

import msgspec
from fastapi import Response

from projectdavid.api.http.answers import json_answer
from projectdavid.api.http.errors import FORBIDDEN, missing_error
from projectdavid.api.native.serializers import iso, router
from projectdavid.api.requests.authentication import Auth
from projectdavid.ports import queries
from projectdavid.ports.rows import ErasureRow
from projectdavid.protocol.erasures import Erasure
from projectdavid.services.platform import Platform

router = router("users")

BACKUPS = (
    "Backups made before the deletion: the server does not know them. 'projectdavid restore' erases the user again."
)
DELIVERIES = "Delivered webhooks, and requests to models and web pages: their receivers can have stored them."


@router.get("/admin/erasures/{erasure_id}", response_model=Erasure, responses=FORBIDDEN)
async def retrieve_erasure(erasure_id: str, caller: Auth) -> Response:
    """Report the progress of a user's erasure: rows deleted and left by kind, and data out of the server's reach
    (admin).
    """
    caller.check_admin()
    return json_answer(await describe(caller.platform, erasure_id))


async def describe(platform: Platform, erasure_id: str) -> dict[str, Any]:
    """Return an erasure in wire format.

    Raises:
        ApiError: 404.
    """
    row = await platform.store.one(queries.ERASURE, id=erasure_id)
    if row is None:
        raise missing_error("erasure", erasure_id, "erasure_id")
    return await _wire(platform, row)


async def _wire(platform: Platform, row: ErasureRow) -> dict[str, Any]:
    left = dict(sorted((await platform.store.left(row.user or "")).items()))  # the order differs between stores
    deleted = msgspec.json.decode(row.deleted)
    (removals,) = await platform.store.all(queries.REMOVALS_LEFT, limit=1000)
    return {
        "id": row.id,
        "object": "erasure",
        "user_id": row.user,
        "status": "in_progress" if row.done_at is None else "completed",
        "requested_at": iso(row.requested_at),
        "completed_at": iso(row.done_at),
        "deleted": {kind: deleted.get(kind, 0) for kind in left},
        "left": left,
        "blobs_left": 0 if row.done_at else removals.blobs,
        "index_files_left": 0 if row.done_at else removals.files,
        "out_of_reach": [BACKUPS, DELIVERIES],
    }
