"""Ownership checks of referenced files and vector stores, on validation and again in the transaction."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.tool_checks import check_tool_types, check_tools
from projectdavid.ports import queries
from projectdavid.ports.rows import FileRow, NamedStoreRow
from projectdavid.ports.store import Op, RowMissing, RowQuery, StoreView
from projectdavid.protocol.assistants import PlatformTool, Tool
from projectdavid.protocol.messages import Attachment, Block

Named = TypeVar("Named", bound=FileRow | NamedStoreRow)
IMAGES = "image/"
NAMED = (("code_interpreter", "file_ids", "file"), ("file_search", "vector_store_ids", "vector_store"))
"""Fields of `tool_resources` that reference objects, with their kind."""


@dataclass(frozen=True, slots=True)
class AttachedFiles:
    """Stored form of a message's files, and the guards for its transaction, which fails if a file was deleted."""

    json: str | None
    guard: tuple[Op, ...]


async def of_message(caller: Caller, attachments: Sequence[Attachment], at: str = "") -> AttachedFiles:
    """Return the files of a message with their current names; `at` is the message's path in the request: `messages.0.`.

    Raises:
        ApiError: 404, a file does not belong to the caller; 422, a tool is not registered.
    """
    if not attachments:
        return AttachedFiles(None, ())
    for number, one in enumerate(attachments):
        types = [tool.type for tool in one.tools or ()]
        check_tool_types(caller.platform.toolbox, f"{at}attachments.{number}.tools", types)
    ids = [one.file_id for one in attachments]
    rows = await _find_owned(
        caller.view, queries.FILES_NAMED, ids, "file", lambda number: f"{at}attachments.{number}.file_id"
    )
    return AttachedFiles(to_json([_deduplicate(one, rows[one.file_id]) for one in attachments]), _guard(ids, "file"))


async def of_content(caller: Caller, content: str | Sequence[Block], at: str = "") -> tuple[Op, ...]:
    """Return guards for content with image files; the transaction fails if one was deleted.

    `at` is the path in the request: `messages.0.`.

    Raises:
        ApiError: 404, a file does not belong to the caller; 422, it is not an image.
    """
    blocks = () if isinstance(content, str) else content
    named = {
        f"{at}content.{number}.image_file.file_id": one for number, one in enumerate(blocks) if one.type == "image_file"
    }
    ids = [one.image_file.file_id for one in named.values()]
    params = list(named)
    rows = await _find_owned(caller.view, queries.FILES_NAMED, ids, "file", lambda number: params[number])
    for param, block in named.items():
        if not rows[block.image_file.file_id].mime_type.startswith(IMAGES):
            raise ApiError(422, "invalid_value", f"{param}: expected an image", param)
    return _guard(ids, "file")


async def of_resources(caller: Caller, resources: Mapping[str, Any] | None, at: str = "") -> tuple[Op, ...]:
    """Return guards for `tool_resources`; the transaction fails if a referenced object was deleted.

    `at` is the path in the request: `thread.`.

    Raises:
        ApiError: 404, an object does not belong to the caller.
    """
    guard: list[Op] = []
    for tool, name, kind in NAMED:
        ids: list[str] = ((resources or {}).get(tool) or {}).get(name) or []
        guard += await of_ids(caller.view, ids, kind, f"{at}tool_resources.{tool}.{name}")
    return tuple(guard)


async def of_tools(caller: Caller, fields: Mapping[str, Sequence[Tool] | None]) -> tuple[Op, ...]:
    """Return guards for the vector stores of tools in the given field.

    Raises:
        ApiError: 404, a vector store does not belong to the caller; 422, a tool is not registered.
    """
    check_tools(caller.platform.toolbox, fields)
    guard: list[Op] = []
    for field, tools in fields.items():
        for number, tool in enumerate(tools or ()):
            ids = tool.vector_store_ids or [] if isinstance(tool, PlatformTool) else []
            guard += await of_ids(caller.view, ids, "vector_store", f"{field}.{number}.vector_store_ids")
    return tuple(guard)


async def of_ids(view: StoreView, ids: Sequence[str], kind: str, param: str, field: str = "") -> tuple[Op, ...]:
    """Return guards for a list of ids of a kind (`file` or `vector_store`) in the field `param`.

    `field` is the path inside each item if the items are objects: `.file_id`.

    Raises:
        ApiError: 404, an object does not belong to the owner.
    """
    if not ids:
        return ()
    query = queries.FILES_NAMED if kind == "file" else queries.STORES_NAMED
    await _find_owned(view, query, ids, kind, lambda number: f"{param}.{number}{field}")
    return _guard(ids, kind)


async def _find_owned(
    view: StoreView, query: RowQuery[Named], ids: Sequence[str], kind: str, param: Callable[[int], str]
) -> dict[str, Named]:
    rows = {row.id: row for row in await view.all(query, ids=to_json(ids))} if ids else {}
    for number, one in enumerate(ids):
        if one not in rows:
            raise missing_error(kind, one, param(number))
    return rows


def _guard(ids: Sequence[str], kind: str) -> tuple[Op, ...]:
    query = queries.FILES_THERE if kind == "file" else queries.STORES_THERE
    return (Op(query, {"ids": to_json(ids)}, missing=RowMissing(kind, ids[0])),) if ids else ()


def _deduplicate(attachment: Attachment, row: FileRow) -> dict[str, Any]:
    kept: dict[str, Any] = {
        "file_id": row.id,
        "type": attachment.type or ("image" if row.mime_type.startswith(IMAGES) else "file"),
        "filename": row.name,
        "mime_type": row.mime_type,
    }
    return kept | ({"tools": [tool.model_dump() for tool in attachment.tools]} if attachment.tools else {})
