"""Files and vector stores that something else names: each has to be the caller's, when looked at and when written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectdavid.ports.store import Missing, Op, Row, View
from projectdavid.protocol.assistants import PlatformTool, Tool
from projectdavid.protocol.messages import Attachment, Block
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.objects.fields import to_json

IMAGES = "image/"
KINDS = {"file": "files", "vector_store": "stores"}
"""What can be named, and what its queries are called by."""
NAMED = (("code_interpreter", "file_ids", "file"), ("file_search", "vector_store_ids", "vector_store"))
"""What `tool_resources` may name, and of which kind that is."""


@dataclass(frozen=True, slots=True)
class Attached:
    """What is stored of the files of a message, and what is to be written with it: refused if one is gone by then."""

    json: str | None
    guard: tuple[Op, ...]


async def of_message(caller: Caller, attachments: Sequence[Attachment], at: str = "") -> Attached:
    """The files of a message, with their names as they are now; `at` is where the request has it: `messages.0.`.

    Raises:
        ApiError: 404, one is not the caller's.
    """
    if not attachments:
        return Attached(None, ())
    ids = [one.file_id for one in attachments]
    rows = await _owned(caller.view, ids, "file", lambda number: f"{at}attachments.{number}.file_id")
    return Attached(to_json([_kept(one, rows[one.file_id]) for one in attachments]), _guard(ids, "file"))


async def of_content(caller: Caller, content: str | Sequence[Block], at: str = "") -> tuple[Op, ...]:
    """What is to be written together with what shows images that are files: refused if one is gone by then.

    `at` is where the request has it: `messages.0.`.

    Raises:
        ApiError: 404, one is not the caller's; 422, it is no image.
    """
    blocks = () if isinstance(content, str) else content
    named = {
        f"{at}content.{number}.image_file.file_id": one for number, one in enumerate(blocks) if one.type == "image_file"
    }
    ids = [one.image_file.file_id for one in named.values()]
    params = list(named)
    rows = await _owned(caller.view, ids, "file", lambda number: params[number])
    for param, block in named.items():
        if not rows[block.image_file.file_id].mime_type.startswith(IMAGES):
            raise ApiError(422, "invalid_value", f"{param}: expected an image", param)
    return _guard(ids, "file")


async def of_resources(caller: Caller, resources: Mapping[str, Any] | None, at: str = "") -> tuple[Op, ...]:
    """What is to be written together with what has these `tool_resources`: refused if what they name is gone by then.

    `at` is where the request has them: `thread.`.

    Raises:
        ApiError: 404, something is not the caller's.
    """
    guard: list[Op] = []
    for tool, name, kind in NAMED:
        ids: list[str] = ((resources or {}).get(tool) or {}).get(name) or []
        guard += await of_ids(caller.view, ids, kind, f"{at}tool_resources.{tool}.{name}")
    return tuple(guard)


async def of_tools(caller: Caller, fields: Mapping[str, Sequence[Tool] | None]) -> tuple[Op, ...]:
    """The same of tools, by the name of the field that has them.

    Raises:
        ApiError: 404, a vector store is not the caller's.
    """
    guard: list[Op] = []
    for field, tools in fields.items():
        for number, tool in enumerate(tools or ()):
            ids = tool.vector_store_ids or [] if isinstance(tool, PlatformTool) else []
            guard += await of_ids(caller.view, ids, "vector_store", f"{field}.{number}.vector_store_ids")
    return tuple(guard)


async def of_ids(view: View, ids: Sequence[str], kind: str, param: str, field: str = "") -> tuple[Op, ...]:
    """The same of a list of ids of a kind, `file` or `vector_store`, which the request calls `param`.

    `field` is where they are in what is listed, if it is no list of ids: `.file_id`.

    Raises:
        ApiError: 404, one is not the owner's.
    """
    await _owned(view, ids, kind, lambda number: f"{param}.{number}{field}")
    return _guard(ids, kind)


async def _owned(view: View, ids: Sequence[str], kind: str, param: Callable[[int], str]) -> dict[str, Row]:
    rows = {row.id: row for row in await view.all(f"{KINDS[kind]}_named", ids=to_json(ids))} if ids else {}
    for number, one in enumerate(ids):
        if one not in rows:
            raise missing(kind, one, param(number))
    return rows


def _guard(ids: Sequence[str], kind: str) -> tuple[Op, ...]:
    there = f"{KINDS[kind]}_there"
    return (Op(there, {"ids": to_json(ids)}, missing=Missing(kind, ids[0])),) if ids else ()


def _kept(attachment: Attachment, row: Row) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "file_id": row.id,
        "type": attachment.type or ("image" if row.mime_type.startswith(IMAGES) else "file"),
        "filename": row.name,
        "mime_type": row.mime_type,
    }
    return kept | ({"tools": [tool.model_dump() for tool in attachment.tools]} if attachment.tools else {})
