"""`tool_resources` of the dialect: checks their owner, and creates vector stores in them."""

from dataclasses import dataclass

from projectdavid.api.openai.serializers import Json
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources import attachment_checks
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.vector_store_rows import attach_op, store_op
from projectdavid.ports.store import Op
from projectdavid.protocol.openai.assistants import OpenAINewStore, OpenAINewToolResources, OpenAIToolResources
from projectdavid.protocol.vector_stores import StoreFileFields


@dataclass(frozen=True, slots=True)
class StoredResources:
    """The stored form, and the operations to write with it."""

    value: Json
    ops: tuple[Op, ...] = ()
    made: tuple[str, ...] = ()
    """The vector stores to create."""


async def read_resources(
    caller: Caller, given: OpenAIToolResources | OpenAINewToolResources | None, days: int | None = None, at: str = ""
) -> StoredResources:
    """Read the resources of a body; new stores expire `days` after their last use.

    `at` is their path prefix in the request: `thread.`.

    Raises:
        ApiError: 404, a reference is not the caller's.
    """
    if given is None:
        return StoredResources({})
    value: Json = {}
    if given.code_interpreter is not None:
        value["code_interpreter"] = {"file_ids": given.code_interpreter.file_ids}
    if (search := given.file_search) is not None:
        value["file_search"] = {"vector_store_ids": search.vector_store_ids or []}
    ops = [*await attachment_checks.of_resources(caller, value, at)]
    made: list[str] = []
    for number, new in enumerate(getattr(given.file_search, "vector_stores", None) or ()):
        store_id = caller.ids.new("vs")
        ops += await _create_store(
            caller, store_id, new, days, f"{at}tool_resources.file_search.vector_stores.{number}"
        )
        value["file_search"]["vector_store_ids"].append(store_id)
        made.append(store_id)
    return StoredResources(value, tuple(ops), tuple(made))


async def _create_store(caller: Caller, store_id: str, new: OpenAINewStore, days: int | None, param: str) -> list[Op]:
    """Build the operations that create a store with its files."""
    guard = await attachment_checks.of_ids(caller.view, new.file_ids, "file", f"{param}.file_ids")
    now = int(caller.now)
    files = [
        StoreFileFields(file_id=file_id, chunking_strategy=new.chunking_strategy)
        for file_id in dict.fromkeys(new.file_ids)
    ]
    made = store_op(store_id, now, expires_days=days, meta_data=to_json(new.metadata or {}))
    return [made, *guard, *(attach_op(store_id, file, now) for file in files)]
