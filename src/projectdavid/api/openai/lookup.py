"""Lookup of objects, with the dialect's errors."""

from typing import Annotated

from fastapi import Path

from projectdavid.api.http.errors import ApiError, missing_error
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources import lookup
from projectdavid.ports import queries
from projectdavid.ports.rows import MessageRow, RunRow
from projectdavid.ports.store import R, RowQuery
from projectdavid.protocol.openai.ids import BEGINNINGS, pattern_of

AssistantId = Annotated[str, Path(json_schema_extra=pattern_of("assistant"))]
ThreadId = Annotated[str, Path(json_schema_extra=pattern_of("thread"))]
MessageId = Annotated[str, Path(json_schema_extra=pattern_of("message"))]
RunId = Annotated[str, Path(json_schema_extra=pattern_of("run"))]
StepId = Annotated[str, Path(json_schema_extra=pattern_of("step"))]
"""Ids in paths."""
SPOKEN = frozenset({"user", "assistant"})
"""Roles of the messages that this dialect shows."""


async def find(caller: Caller, query: RowQuery[R], object_id: str, param: str | None = None) -> R:
    """Return the row of an object of the caller; `param` is the request's name for its id.

    Raises:
        ApiError: 400, the id is malformed; 404.
    """
    check_id(query.name, object_id, param)
    return await lookup.find(caller.view, query, object_id, param)


def check_id(kind: str, object_id: str, param: str | None = None) -> None:
    """Check the form of an id.

    Raises:
        ApiError: 400.
    """
    prefix = BEGINNINGS.get(kind, "")
    if not object_id.startswith(prefix):
        name = param or f"{kind}_id"
        said = f"Invalid '{name}': '{object_id[:64]}'. Expected an ID that begins with '{prefix}'."
        raise ApiError(400, "invalid_value", said, name)


async def find_message(caller: Caller, thread_id: str, message_id: str) -> MessageRow:
    """Return the row of a message in a thread.

    Raises:
        ApiError: 400 or 404.
    """
    check_id("message", message_id)
    await find(caller, queries.THREAD, thread_id)
    row = await find(caller, queries.MESSAGE, message_id)
    if row.thread_id != thread_id or row.role not in SPOKEN:
        raise missing_error("message", message_id)
    return row


async def find_run(caller: Caller, thread_id: str, run_id: str) -> RunRow:
    """Return the row of a run in a thread.

    Raises:
        ApiError: 400 or 404.
    """
    check_id("run", run_id)
    await find(caller, queries.THREAD, thread_id)
    row = await find(caller, queries.RUN, run_id)
    if row.thread_id != thread_id:
        raise missing_error("run", run_id)
    return row
