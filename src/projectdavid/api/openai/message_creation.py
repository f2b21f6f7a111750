"""New messages of a request: rows, attachments and the operations that write them."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectdavid.api.http.errors import ApiError
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources import attachment_checks
from projectdavid.api.resources.messages import message_op
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.thread_vector_stores import ThreadResources, named_files, with_store
from projectdavid.ports import queries
from projectdavid.ports.store import Op, UniqueClash
from projectdavid.protocol.messages import Attachment, AttachmentTool
from projectdavid.protocol.openai.threads import OpenAIMessageCreate

CODE_FILES = 20
"""Maximum number of files for code in `tool_resources`."""
SLICE = 100
"""Messages to prepare before yielding to the event loop."""


@dataclass(frozen=True, slots=True)
class NewMessages:
    """New messages: their ids, the operations that write them, and their attachments."""

    ids: tuple[str, ...] = ()
    ops: tuple[Op, ...] = ()
    attachments: tuple[Attachment, ...] = ()


async def build_messages(
    caller: Caller, thread_id: str, messages: Sequence[OpenAIMessageCreate], param: str = ""
) -> NewMessages:
    """Build the operations that write messages into a thread; `param` is the request's name for their list, if any.

    Raises:
        ApiError: 404, they refer to objects that are not the caller's.
    """
    ids: list[str] = []
    ops: list[Op] = []
    brought: list[Attachment] = []
    for number, body in enumerate(messages):
        if number % SLICE == SLICE - 1:
            await asyncio.sleep(0)
        at = param and f"{param}.{number}."
        attachments = [_attachment(one.file_id, [tool.type for tool in one.tools]) for one in body.attachments or ()]
        attached = await attachment_checks.of_message(caller, attachments, at)
        shown = await attachment_checks.of_content(caller, body.content, at)
        content = body.content if isinstance(body.content, str) else [block.model_dump() for block in body.content]
        ids.append(caller.ids.new("msg"))
        new = message_op(
            thread_id,
            id=ids[-1],
            now=int(caller.now),
            role=body.role,
            content=to_json(content),
            meta_data=to_json(body.metadata) if body.metadata else None,
            attachments=attached.json,
        )
        ops += [new, *attached.guard, *shown]
        brought += attachments
    return NewMessages(tuple(ids), tuple(ops), tuple(brought))


def _attachment(file_id: str, tools: Sequence[Any]) -> Attachment:
    return Attachment(file_id=file_id, tools=[AttachmentTool(type=tool) for tool in tools])


async def add_attachments(
    caller: Caller,
    thread_id: str,
    resources: Mapping[str, Any],
    attachments: Sequence[Attachment],
    made: Collection[str] = (),
) -> ThreadResources:
    """Add attachments to the resources of a thread, for the tools that they name.

    `made` are vector stores created in the same transaction.

    Raises:
        ApiError: 400, there are too many.
    """
    code = named_files("code_interpreter", attachments)
    if code:
        mine: Mapping[str, Any] = resources.get("code_interpreter") or {}
        files = list(dict.fromkeys([*(mine.get("file_ids") or ()), *code]))
        if len(files) > CODE_FILES:
            said = f"A thread has at most {CODE_FILES} files for code_interpreter; this would make it {len(files)}."
            raise ApiError(400, "array_above_max_length", said, "attachments")
        resources = {**resources, "code_interpreter": {**mine, "file_ids": files}}
    return await with_store(caller, thread_id, resources, attachments, made)


def idle(thread_id: str) -> Op:
    """Build the check that a thread has no open run.

    It fails as a clash with `open_run`.
    """
    return Op(queries.THREAD_IDLE, {"thread_id": thread_id}, missing=UniqueClash("open_run", thread_id))


async def active_run(caller: Caller, thread_id: str) -> str:
    """Return the id of a thread's open run for a message; empty if it has just ended."""
    row = await caller.view.one(queries.RUN_OPEN, thread_id=thread_id)
    return "" if row is None else f" {row.id}"
