"""Finding objects, and saying that they are not there, as the dialect says it."""

from typing import Annotated

from fastapi import Path

from projectdavid.ports.store import Row
from projectdavid.protocol.openai.ids import BEGINNINGS, pattern_of
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError, missing
from projectdavid.server.objects import finding

AssistantId = Annotated[str, Path(json_schema_extra=pattern_of("assistant"))]
ThreadId = Annotated[str, Path(json_schema_extra=pattern_of("thread"))]
MessageId = Annotated[str, Path(json_schema_extra=pattern_of("message"))]
RunId = Annotated[str, Path(json_schema_extra=pattern_of("run"))]
StepId = Annotated[str, Path(json_schema_extra=pattern_of("step"))]
"""Ids in paths."""
SPOKEN = frozenset({"user", "assistant"})
"""The roles of the messages that this dialect shows."""


async def find(caller: Caller, kind: str, object_id: str, param: str | None = None) -> Row:
    """The row of one of the caller's objects; `param` is what the request calls its id.

    Raises:
        ApiError: 400, it is no such id; 404.
    """
    see_id(kind, object_id, param)
    return await finding.find(caller.view, kind, object_id, param)


def see_id(kind: str, object_id: str, param: str | None = None) -> None:
    """See that something may be an id of a kind.

    Raises:
        ApiError: 400.
    """
    prefix = BEGINNINGS.get(kind, "")
    if not object_id.startswith(prefix):
        name = param or f"{kind}_id"
        said = f"Invalid '{name}': '{object_id[:64]}'. Expected an ID that begins with '{prefix}'."
        raise ApiError(400, "invalid_value", said, name)


async def find_message(caller: Caller, thread_id: str, message_id: str) -> Row:
    """The row of a message of a thread.

    Raises:
        ApiError: 400 or 404.
    """
    see_id("message", message_id)
    await find(caller, "thread", thread_id)
    row = await find(caller, "message", message_id)
    if row.thread_id != thread_id or row.role not in SPOKEN:
        raise missing("message", message_id)
    return row


async def find_run(caller: Caller, thread_id: str, run_id: str) -> Row:
    """The row of a run of a thread.

    Raises:
        ApiError: 400 or 404.
    """
    see_id("run", run_id)
    await find(caller, "thread", thread_id)
    row = await find(caller, "run", run_id)
    if row.thread_id != thread_id:
        raise missing("run", run_id)
    return row
