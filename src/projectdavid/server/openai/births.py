"""What makes a run, with the messages and the thread that its request brings, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.ports.store import Clash, Op, Row, Stale
from projectdavid.protocol.openai.runs import (
    Choice,
    FunctionChoice,
    RunCreate,
    RunFields,
    ThreadAndRunCreate,
    ToolChoice,
)
from projectdavid.protocol.openai.threads import ThreadCreate
from projectdavid.runtime.driver import NewRun
from projectdavid.runtime.ingest import INGEST
from projectdavid.runtime.quota import room
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError
from projectdavid.server.objects.birth import newborn
from projectdavid.server.objects.fields import compact
from projectdavid.server.objects.response_formats import check_response_format
from projectdavid.server.openai import resources, threads
from projectdavid.server.openai.assistants import stored_format
from projectdavid.server.openai.conversation import active_run, spoken
from projectdavid.server.openai.lookup import find
from projectdavid.server.openai.messages import in_thread

PLAIN = (
    "model",
    "instructions",
    "additional_instructions",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "reasoning_effort",
    "parallel_tool_calls",
    "truncation_strategy",
)
"""The fields that mean the same in the native API."""


async def create(caller: Caller, thread_id: str, body: RunCreate) -> Row:
    """The run that a request makes in a thread.

    Raises:
        ApiError: 400 or 404.
    """
    run_id = caller.ids.new("run")
    if caller.done:  # what it was made from may be gone by now
        return await find(caller, "run", run_id)
    await find(caller, "thread", thread_id)
    new = await _new(caller, run_id, thread_id, body, {})
    said = await spoken(caller, thread_id, body.additional_messages or (), "additional_messages")
    while True:
        try:
            return await _created(caller, new, await in_thread(caller, thread_id, said))
        except Stale:
            continue  # a message changed the thread's resources meanwhile
        except Clash as clash:
            if clash.kind != "run":
                raise
            active = await active_run(caller, thread_id)
            said_so = f"Thread {thread_id} already has an active run{active}."
            raise ApiError(400, "", said_so) from None


async def create_with_thread(caller: Caller, body: ThreadAndRunCreate) -> Row:
    """The run that a request makes, with its thread.

    Raises:
        ApiError: 400 or 404.
    """
    run_id = caller.ids.new("run")
    if caller.done:
        return await find(caller, "run", run_id)
    used = await resources.wanted(caller, body.tool_resources)
    thread = await threads.newborn(caller, body.thread or ThreadCreate(), "thread.")
    wishes = {"tool_resources": used.value} if body.tool_resources is not None else {}
    new = await _new(caller, run_id, thread.id, body, wishes)
    return await _created(caller, new, [*used.ops, *thread.ops])


async def _new(caller: Caller, run_id: str, thread_id: str, body: RunFields, more: Mapping[str, Any]) -> NewRun:
    """A run, as of now; it may take as long as runs of the Assistants API may."""
    assistant = await find(caller, "assistant", body.assistant_id, "assistant_id")
    wishes = _wishes(body)
    await check_response_format(wishes.get("response_format"))
    new = newborn(caller, run_id, msgspec.json.decode(assistant.body), thread_id, {**wishes, **more})
    _see_offered(body.tool_choice, new)
    platform = caller.platform
    ends = platform.clock() + platform.settings.openai_run_seconds
    return replace(new, expires_at=min(new.expires_at, float(int(ends))))


async def _created(caller: Caller, new: NewRun, also: Sequence[Op]) -> Row:
    platform = caller.platform
    await platform.quota.check(caller.user_id, caller.allowed)
    await platform.driver.create(new, also=(*caller.also, *also, *room(caller.allowed, new, also)))
    if also:
        platform.bus.publish(INGEST)
    return await find(caller, "run", new.id)


def _wishes(body: RunFields) -> dict[str, Any]:
    """What a body says, in the words in which runs are stored."""
    given = body.model_dump(by_alias=True)
    wishes = {name: given[name] for name in PLAIN if given.get(name) is not None}
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
    """A choice as models are told of it: a tool of the platform is a function to them."""
    if isinstance(choice, ToolChoice):
        return {"type": "function", "function": {"name": choice.type}}
    return choice.model_dump() if isinstance(choice, FunctionChoice) else choice


def _see_offered(choice: Choice | None, new: NewRun) -> None:
    """See that a run has what it is made to use.

    Raises:
        ApiError: 400.
    """
    if choice is None or isinstance(choice, str):
        return
    name = choice.type if isinstance(choice, ToolChoice) else choice.function.name
    if name not in new.config.offers:
        said = f"Invalid value for 'tool_choice': '{name}' is none of the tools of this run."
        raise ApiError(400, "invalid_value", said, "tool_choice")
