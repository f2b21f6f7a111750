"""Builds a run, with the messages and the thread of its request, in one transaction."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.api.http.errors import ApiError
from projectdavid.api.openai import resources, threads
from projectdavid.api.openai.lookup import find
from projectdavid.api.openai.message_creation import active_run, build_messages
from projectdavid.api.openai.messages import in_thread
from projectdavid.api.openai.resources import StoredResources
from projectdavid.api.openai.tool_checks import check_tools
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.field_table import DIALECT_RUN
from projectdavid.api.resources.response_formats import check_response_format, stored_format
from projectdavid.api.resources.run_factory import build_run
from projectdavid.api.resources.stored_fields import compact
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, UniqueClash
from projectdavid.protocol.openai.runs import (
    Choice,
    OpenAIFunctionChoice,
    OpenAIRunCreate,
    OpenAIRunFields,
    OpenAIThreadAndRunCreate,
    OpenAIToolChoice,
)
from projectdavid.protocol.openai.threads import OpenAIMessageCreate, OpenAIThreadCreate
from projectdavid.runtime.knowledge.ingest import INGEST
from projectdavid.runtime.quota import room
from projectdavid.runtime.runs.driver import NewRun

NO_INPUT = "Run creation requires a Thread with a user message or an assistant with instructions."
"""Message of the service."""


async def create(caller: Caller, thread_id: str, body: OpenAIRunCreate) -> RunRow:
    """Create the run of a request in a thread.

    Raises:
        ApiError: 400 or 404.
    """
    run_id = caller.ids.new("run")
    if caller.done:  # otherwise, the objects that it was created from can be gone
        return await find(caller, queries.RUN, run_id)
    await find(caller, queries.THREAD, thread_id)
    used = await resources.read_resources(caller, body.tool_resources)
    new = await _new(caller, run_id, thread_id, body, used)
    await _check_input(caller, new, thread_id, body.additional_messages or ())
    said = await build_messages(caller, thread_id, body.additional_messages or (), "additional_messages")
    while True:
        try:
            return await _create(caller, new, [*used.ops, *await in_thread(caller, thread_id, said)])
        except StaleRow:
            continue  # a message changed the thread's resources first
        except UniqueClash as clash:
            if clash.kind != "run":
                raise
            active = await active_run(caller, thread_id)
            said_so = f"Thread {thread_id} already has an active run{active}."
            raise ApiError(400, "", said_so) from None


async def create_with_thread(caller: Caller, body: OpenAIThreadAndRunCreate) -> RunRow:
    """Create the run of a request, with its thread.

    Raises:
        ApiError: 400 or 404.
    """
    run_id = caller.ids.new("run")
    if caller.done:
        return await find(caller, queries.RUN, run_id)
    used = await resources.read_resources(caller, body.tool_resources)
    thread = await threads.build_thread(caller, body.thread or OpenAIThreadCreate(), "thread.")
    new = await _new(caller, run_id, thread.id, body, used)
    await _check_input(caller, new, thread.id, body.thread.messages if body.thread else ())
    return await _create(caller, new, [*used.ops, *thread.ops])


async def _new(caller: Caller, run_id: str, thread_id: str, body: OpenAIRunFields, used: StoredResources) -> NewRun:
    """Build a run at the current time, with the time limit of Assistants API runs."""
    if body.tools is not None:
        caller.check_approver("tools")
    check_tools(caller.platform.toolbox, body.tools)
    assistant = await find(caller, queries.ASSISTANT, body.assistant_id, "assistant_id")
    made_from, wishes = msgspec.json.decode(assistant.body), _wishes(body)
    if body.tool_resources is not None:
        wishes["tool_resources"] = {**(made_from["tool_resources"] or {}), **used.value}
        wishes["run_resources"] = used.value
    await check_response_format(wishes.get("response_format"))
    new = build_run(caller, run_id, made_from, thread_id, wishes)
    _check_choice(body.tool_choice, new)
    platform = caller.platform
    ends = platform.clock() + platform.settings.openai_run_seconds
    return replace(new, expires_at=min(new.expires_at, float(int(ends))))


async def _check_input(caller: Caller, new: NewRun, thread_id: str, said: Sequence[OpenAIMessageCreate]) -> None:
    """Check that the model has something to answer: instructions, or a user message.

    Raises:
        ApiError: 400.
    """
    if new.config.instructions or new.config.additional_instructions or any(one.role == "user" for one in said):
        return
    if await caller.view.one(queries.THREAD_ASKED, thread_id=thread_id) is None:
        raise ApiError(400, "invalid_thread", NO_INPUT)


async def _create(caller: Caller, new: NewRun, also: Sequence[Op]) -> RunRow:
    platform = caller.platform
    await platform.quota.check(caller.user_id, caller.allowed)
    await platform.driver.create(new, also=(*caller.also, *also, *room(caller.allowed, new, also)))
    if also:
        platform.bus.publish(INGEST)
    return await find(caller, queries.RUN, new.id)


def _wishes(body: OpenAIRunFields) -> dict[str, Any]:
    """Convert a body to the stored form of runs."""
    given = body.model_dump(by_alias=True)
    wishes = {name: given[name] for name in DIALECT_RUN if given.get(name) is not None}
    if body.tools is not None:
        wishes["tools"] = [compact(tool) for tool in given["tools"]]
    if body.metadata:
        wishes["meta_data"] = body.metadata
    if body.response_format is not None:
        wishes["response_format"] = stored_format(given["response_format"])
    if body.tool_choice is not None:
        wishes["tool_choice"] = _stored_choice(body.tool_choice)
    return wishes


def _stored_choice(choice: Choice) -> str | dict[str, Any]:
    """Convert a tool choice for models, which see platform tools as functions."""
    if isinstance(choice, OpenAIToolChoice):
        return {"type": "function", "function": {"name": choice.type}}
    return choice.model_dump() if isinstance(choice, OpenAIFunctionChoice) else choice


def _check_choice(choice: Choice | None, new: NewRun) -> None:
    """Check that a run has the tool that it must use.

    Raises:
        ApiError: 400.
    """
    if choice is None or isinstance(choice, str):
        return
    name = choice.type if isinstance(choice, OpenAIToolChoice) else choice.function.name
    if name not in new.config.offers:
        said = f"Invalid value for 'tool_choice': '{name}' is not a tool of this run."
        raise ApiError(400, "invalid_value", said, "tool_choice")
