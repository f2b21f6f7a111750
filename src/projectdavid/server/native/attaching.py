"""Files that something else refers to: each has to be the caller's, when it is looked at and when that is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectdavid.ports.store import Missing, Op, Row
from projectdavid.protocol.messages import Attachment
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import missing
from projectdavid.server.native.wire import to_json

IMAGES = "image/"


@dataclass(frozen=True, slots=True)
class Attached:
    """What is stored of the files of a message, and what is to be written with it: refused if one is gone by then."""

    json: str | None
    guard: tuple[Op, ...]


async def of_message(caller: Caller, attachments: Sequence[Attachment]) -> Attached:
    """The files of a message, with their names as they are now.

    Raises:
        ApiError: 404, one is not the caller's.
    """
    if not attachments:
        return Attached(None, ())
    ids = [one.file_id for one in attachments]
    rows = await _owned(caller, ids, lambda number: f"attachments.{number}.file_id")
    return Attached(to_json([_kept(one, rows[one.file_id]) for one in attachments]), _guard(ids))


async def of_resources(caller: Caller, resources: Mapping[str, Any] | None) -> tuple[Op, ...]:
    """What is to be written together with what has these `tool_resources`: refused if a file of them is gone by then.

    Raises:
        ApiError: 404, one is not the caller's.
    """
    ids: list[str] = ((resources or {}).get("code_interpreter") or {}).get("file_ids", [])
    await _owned(caller, ids, lambda number: f"tool_resources.code_interpreter.file_ids.{number}")
    return _guard(ids)


async def _owned(caller: Caller, ids: Sequence[str], param: Callable[[int], str]) -> dict[str, Row]:
    rows = {row.id: row for row in await caller.view.all("files_named", ids=to_json(ids))} if ids else {}
    for number, file_id in enumerate(ids):
        if file_id not in rows:
            raise missing("file", file_id, param(number))
    return rows


def _guard(ids: Sequence[str]) -> tuple[Op, ...]:
    return (Op("files_there", {"ids": to_json(ids)}, missing=Missing("file", ids[0])),) if ids else ()


def _kept(attachment: Attachment, row: Row) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "file_id": row.id,
        "type": attachment.type or ("image" if row.mime_type.startswith(IMAGES) else "file"),
        "filename": row.name,
        "mime_type": row.mime_type,
    }
    return kept | ({"tools": [tool.model_dump() for tool in attachment.tools]} if attachment.tools else {})
