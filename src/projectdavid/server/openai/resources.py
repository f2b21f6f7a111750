"""`tool_resources` of the dialect: what they name has to be the caller's, and vector stores may be made on the way."""

from dataclasses import dataclass

from projectdavid.ports.store import Op
from projectdavid.protocol.openai.assistants import NewStore, NewToolResources, ToolResources
from projectdavid.protocol.vector_stores import StoreFileFields
from projectdavid.server.auth import Caller
from projectdavid.server.objects import attaching
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.store_rows import attach_op, store_op
from projectdavid.server.openai.words import Json


@dataclass(frozen=True, slots=True)
class Resources:
    """What is stored of them, and what is to be written with it."""

    value: Json
    ops: tuple[Op, ...] = ()
    made: tuple[str, ...] = ()
    """The vector stores among it that are made."""


async def wanted(
    caller: Caller, given: ToolResources | NewToolResources | None, days: int | None = None, at: str = ""
) -> Resources:
    """What a body says of them; stores that are made expire `days` after their last use.

    `at` is where the request has them: `thread.`.

    Raises:
        ApiError: 404, something is not the caller's.
    """
    if given is None:
        return Resources({})
    value: Json = {}
    if given.code_interpreter is not None:
        value["code_interpreter"] = {"file_ids": given.code_interpreter.file_ids}
    if (search := given.file_search) is not None:
        value["file_search"] = {"vector_store_ids": search.vector_store_ids or []}
    ops = [*await attaching.of_resources(caller, value, at)]
    made: list[str] = []
    for number, new in enumerate(getattr(given.file_search, "vector_stores", None) or ()):
        store_id = caller.ids.new("vs")
        ops += await _made(caller, store_id, new, days, f"{at}tool_resources.file_search.vector_stores.{number}")
        value["file_search"]["vector_store_ids"].append(store_id)
        made.append(store_id)
    return Resources(value, tuple(ops), tuple(made))


async def _made(caller: Caller, store_id: str, new: NewStore, days: int | None, param: str) -> list[Op]:
    """What makes a store with its files."""
    guard = await attaching.of_ids(caller.view, new.file_ids, "file", f"{param}.file_ids")
    now = int(caller.now)
    files = [
        StoreFileFields(file_id=file_id, chunking_strategy=new.chunking_strategy)
        for file_id in dict.fromkeys(new.file_ids)
    ]
    made = store_op(store_id, now, expires_days=days, meta_data=to_json(new.metadata or {}))
    return [made, *guard, *(attach_op(store_id, file, now) for file in files)]
