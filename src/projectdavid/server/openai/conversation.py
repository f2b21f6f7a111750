"""What is said in threads: the messages of a request with all that they bring, and what is written for them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from projectdavid.ports.store import Clash, Op
from projectdavid.protocol.messages import Attachment, AttachmentTool
from projectdavid.protocol.openai.threads import MessageCreate
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError
from projectdavid.server.objects import attaching
from projectdavid.server.objects.fields import to_json
from projectdavid.server.objects.messages import message_op
from projectdavid.server.objects.thread_stores import Searched, named, with_store

CODE_FILES = 20
"""Files that `tool_resources` may name for code."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Messages that are about to be written: their ids, what writes them, and the files that they bring."""

    ids: tuple[str, ...] = ()
    ops: tuple[Op, ...] = ()
    attachments: tuple[Attachment, ...] = ()


async def spoken(caller: Caller, thread_id: str, messages: Sequence[MessageCreate], param: str = "") -> Spoken:
    """What writes messages into a thread; `param` is what the request calls their list, if they are in one.

    Raises:
        ApiError: 404, they name what is not the caller's.
    """
    ids: list[str] = []
    ops: list[Op] = []
    brought: list[Attachment] = []
    for number, body in enumerate(messages):
        at = param and f"{param}.{number}."
        attachments = [_attachment(one.file_id, [tool.type for tool in one.tools]) for one in body.attachments or ()]
        attached = await attaching.of_message(caller, attachments, at)
        shown = await attaching.of_content(caller, body.content, at)
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
    return Spoken(tuple(ids), tuple(ops), tuple(brought))


def _attachment(file_id: str, tools: Sequence[Any]) -> Attachment:
    return Attachment(file_id=file_id, tools=[AttachmentTool(type=tool) for tool in tools])


async def filled(
    caller: Caller,
    thread_id: str,
    resources: Mapping[str, Any],
    attachments: Sequence[Attachment],
    made: Collection[str] = (),
) -> Searched:
    """The resources of a thread with the files that are brought to it, for the tools that are to have them.

    `made` are vector stores that are made in the same transaction.

    Raises:
        ApiError: 400, there are too many.
    """
    code = named("code_interpreter", attachments)
    if code:
        mine: Mapping[str, Any] = resources.get("code_interpreter") or {}
        files = list(dict.fromkeys([*(mine.get("file_ids") or ()), *code]))
        if len(files) > CODE_FILES:
            said = f"A thread has at most {CODE_FILES} files for code_interpreter; this would make it {len(files)}."
            raise ApiError(400, "array_above_max_length", said, "attachments")
        resources = {**resources, "code_interpreter": {**mine, "file_ids": files}}
    return await with_store(caller, thread_id, resources, attachments, made)


def idle(thread_id: str) -> Op:
    """See that no run is open in a thread.

    Refused as a clash with `open_run`.
    """
    return Op("thread_idle", {"thread_id": thread_id}, missing=Clash("open_run", thread_id))


async def active_run(caller: Caller, thread_id: str) -> str:
    """What the open run of a thread is called; nothing if it ended in this very moment."""
    row = await caller.view.one("run_open", thread_id=thread_id)
    return "" if row is None else f" {row.id}"
