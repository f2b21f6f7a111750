"""Calls that the platform runs: written down before and after, and never twice where that would matter."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.calls import UNKNOWN
from projectdavid.engine.run import RunStatus, ToolEffect
from projectdavid.ports import queries
from projectdavid.ports.store import AnyRow, Op, R, RowQuery, Statement, Store, StoreUnavailable, StoreView, Value
from projectdavid.ports.tool import (
    ToolCall,
    ToolContext,
    ToolDescription,
    ToolError,
    ToolFunction,
    ToolOutput,
    render_function_step,
)
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.tool_calls.toolbox import FAULT, MAX_OUTPUT
from tests.runtime.stage import Stage, calls, kinds, of_kind, statuses
from tests.runtime.test_recovery import start_again

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


class Machine:
    """A tool with one function per effect; it waits for `open`, and remembers what it was asked."""

    description = ToolDescription("computer", render_function_step)

    def __init__(self, answer: Callable[[ToolCall], str] = lambda call: f"{call.name} is done") -> None:
        self.answer = answer
        self.asked: list[ToolCall] = []
        self.stopped = 0
        self.begun, self.all_begun = asyncio.Event(), asyncio.Event()
        self.open = asyncio.Event()
        self.open.set()

    def functions(self, entry: Mapping[str, Any]) -> Sequence[ToolFunction]:
        return [ToolFunction(f"{effect}_it", "Do it.", {"type": "object"}, effect) for effect in ToolEffect]

    async def run(self, call: ToolCall, context: ToolContext) -> ToolOutput:
        self.asked.append(call)
        self.begun.set()
        if len(self.asked) == 3:
            self.all_begun.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.stopped += 1
            raise
        return ToolOutput(self.answer(call))


@pytest.fixture
def machine(stage: Stage) -> Machine:
    stage.tools["computer"] = machine = Machine()
    return machine


async def begun(stage: Stage, *functions: str) -> int:
    """A run whose assistant has the tool."""
    return await stage.run(functions=functions, platform_functions=stage.toolbox().functions([{"type": "computer"}]))


async def ledger(stage: Stage, n: int) -> list[tuple[str, str | None, str | None]]:
    return [(call.name, call.output, call.outcome) for call in await stage.actions(n)]


async def test_the_platform_runs_a_call_and_the_model_is_told_its_output(stage: Stage, machine: Machine) -> None:
    provider = stage.play(calls(("read_it", '{"page": 1}')), say("There."))
    n = await begun(stage)
    async with stage.working():
        events = await stage.events(n)
    assert statuses(events) == ["queued", "in_progress", "completed"]
    told = kinds(events)
    assert told.index("call_arguments") < told.index("tool_started") < told.index("tool_output") < told.index("content")
    (started,) = of_kind(events, "tool_started")
    (output,) = of_kind(events, "tool_output")
    (call,) = await stage.actions(n)
    assert (started["tool"], started["name"], started["tool_call_id"]) == ("computer", "read_it", call.call_id)
    assert (output["tool_call_id"], output["output"], output["error"]) == (call.call_id, "read_it is done", False)
    assert (call.tool, call.effect, call.output) == ("computer", "read", "read_it is done")
    assert call.created_at <= call.started_at <= call.finished_at
    assert [message.role for message in provider.asked[1].messages] == ["user", "assistant", "tool"]
    assert provider.asked[0].tools[0]["name"] == "read_it"


async def test_a_tool_is_told_for_whom_it_runs_and_the_key_of_its_call(stage: Stage, machine: Machine) -> None:
    stage.play(calls(("unsafe_it", '{"page": 1}')), say("There."))
    n = await begun(stage)
    async with stage.working():
        await stage.events(n)
    row, (call,), (action,) = await stage.row(n), machine.asked, await stage.actions(n)
    assert call == ToolCall(
        name="unsafe_it",
        arguments={"page": 1},
        idempotency_key=action.call_id,
        owner=row.owner,
        run_id=row.id,
        thread_id=row.thread_id,
        assistant_id=row.assistant_id,
    )


async def test_calls_of_one_turn_run_side_by_side(stage: Stage, machine: Machine) -> None:
    machine.open.clear()
    stage.play(calls(("read_it", "{}"), ("unsafe_it", "{}"), ("idempotent_it", "{}")), say("All done."))
    n = await begun(stage)
    async with stage.working():
        await machine.all_begun.wait()
        machine.open.set()
        events = await stage.events(n)
    assert len(of_kind(events, "tool_output")) == 3
    assert await stage.status(n) is RunStatus.COMPLETED


async def test_the_caller_is_asked_when_the_platforms_own_calls_are_done(stage: Stage, machine: Machine) -> None:
    stage.play(calls(("add", "{}"), ("read_it", "{}")), say("Both."))
    n = await begun(stage, "add")
    async with stage.working():
        events = await stage.events(n, until=WAITS)
        assert kinds(events)[-4:] == ["tool_started", "tool_output", "tool_call_manifest", "requires_action"]
        (manifest,) = of_kind(events, "tool_call_manifest")
        await stage.answer(n, (manifest["tool_call_id"], "3"))
        await stage.events(n, events[-1].position)
    assert await ledger(stage, n) == [("add", "3", None), ("read_it", "read_it is done", None)]


@pytest.mark.parametrize("effect", ["read", "idempotent"])
async def test_after_a_crash_a_call_that_may_be_repeated_is_with_its_key(
    stage: Stage, machine: Machine, effect: str
) -> None:
    machine.open.clear()
    stage.play(calls((f"{effect}_it", "{}")), say("There."))
    n = await begun(stage)
    async with stage.working():
        await machine.begun.wait()
    await start_again(stage)
    machine.open.set()
    async with stage.working():
        events = await stage.events(n)
    first, second = machine.asked
    assert first == second
    assert [data["error"] for data in of_kind(events, "tool_output")] == [False]
    assert len(of_kind(events, "tool_started")) == 2


async def test_after_a_crash_an_unsafe_call_is_not_repeated_and_its_outcome_is_unknown(
    stage: Stage, machine: Machine
) -> None:
    machine.open.clear()
    provider = stage.play(calls(("unsafe_it", "{}")), say("I do not know."))
    n = await begun(stage)
    async with stage.working():
        await machine.begun.wait()
    await start_again(stage)
    async with stage.working():
        events = await stage.events(n)
    assert len(machine.asked) == 1
    assert await ledger(stage, n) == [("unsafe_it", UNKNOWN, "unknown")]
    (output,) = of_kind(events, "tool_output")
    assert (output["outcome"], output["error"]) == ("unknown", True)
    assert provider.asked[1].messages[-1].content == UNKNOWN


async def test_after_a_crash_a_finished_call_is_not_repeated(stage: Stage, machine: Machine) -> None:
    stage.play(calls(("read_it", "{}")), say("There."), say("There."))
    n = await begun(stage)
    async with stage.working():
        await stage.until(n, "tool_output")
    await start_again(stage)
    async with stage.working():
        await stage.events(n)
    assert len(machine.asked) == 1


async def test_cancelling_stops_a_tool_that_runs(stage: Stage, machine: Machine) -> None:
    machine.open.clear()
    stage.play(calls(("unsafe_it", "{}")))
    n = await begun(stage)
    async with stage.working():
        await machine.begun.wait()
        await stage.cancel(n)
        events = await stage.events(n)
    assert machine.stopped == 1
    assert statuses(events)[-2:] == ["cancelling", "cancelled"]
    assert await ledger(stage, n) == [("unsafe_it", None, None)]


async def test_a_run_whose_time_is_up_stops_its_tools(stage: Stage, machine: Machine) -> None:
    machine.open.clear()
    stage.play(calls(("unsafe_it", "{}")))
    n = await begun(stage)
    async with stage.working():
        await machine.begun.wait()
        stage.clock.skip(601)
        events = await stage.events(n)
    assert machine.stopped == 1
    assert statuses(events)[-1] == "expired"


@pytest.mark.parametrize(
    ("fails", "told"),
    [
        (ToolError("there is no such page"), "Error: there is no such page"),
        (ZeroDivisionError("secret"), FAULT),
    ],
)
async def test_the_failure_of_a_tool_is_told_to_the_model(
    stage: Stage, machine: Machine, fails: Exception, told: str
) -> None:
    def fail(call: ToolCall) -> str:
        raise fails

    machine.answer = fail
    provider = stage.play(calls(("read_it", "{}")), say("A pity."))
    n = await begun(stage)
    async with stage.working():
        events = await stage.events(n)
    assert [(data["output"], data["error"]) for data in of_kind(events, "tool_output")] == [(told, True)]
    assert provider.asked[1].messages[-1].content == told


async def test_an_output_without_end_is_cut_and_says_so(stage: Stage, machine: Machine) -> None:
    machine.answer = lambda call: "x" * (MAX_OUTPUT + 1)
    stage.play(calls(("read_it", "{}")), say("Long."))
    n = await begun(stage)
    async with stage.working():
        await stage.events(n)
    ((_, output, _),) = await ledger(stage, n)
    assert output is not None
    assert len(output) == MAX_OUTPUT
    assert output.endswith(f"[cut: the output has {MAX_OUTPUT + 1} characters]")


async def test_a_tool_that_is_gone_after_a_restart_is_answered_for(stage: Stage, machine: Machine) -> None:
    machine.open.clear()
    stage.play(calls(("read_it", "{}")), say("A pity."))
    n = await begun(stage)
    async with stage.working():
        await machine.begun.wait()
    await start_again(stage)
    stage.tools.clear()
    async with stage.working():
        await stage.events(n)
    assert await ledger(stage, n) == [("read_it", "Error: this server no longer has the tool 'computer'.", None)]


async def test_a_function_of_the_callers_own_stands_before_one_of_a_tool(stage: Stage, machine: Machine) -> None:
    own = {"type": "function", "function": {"name": "read_it"}}
    offered = stage.toolbox().functions([{"type": "computer"}, own])
    assert [function.definition["name"] for function in offered] == ["idempotent_it", "unsafe_it"]


class FullDisk:
    """A store that refuses the first writes of a kind."""

    def __init__(self, store: Store, refusals: int, query: Statement = queries.CALL_OUTPUT) -> None:
        self._store = store
        self._query = query
        self.refusals = refusals

    @property
    def exclusive(self) -> bool:
        return self._store.exclusive

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        return await self._store.one(query, **params)

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        return await self._store.all(query, **params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        return await self._store.up_to(query, max_bytes, **params)

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        if self.refusals and any(op.query is self._query for op in ops):
            self.refusals -= 1
            raise StoreUnavailable("the disk is full")
        return await self._store.write(ops)

    def of(self, owner: str) -> StoreView:
        return self._store.of(owner)

    async def open(self) -> None: ...

    async def close(self) -> None: ...


async def test_what_a_tool_did_is_not_forgotten_because_the_disk_was_full(stage: Stage, machine: Machine) -> None:
    stage.play(calls(("unsafe_it", "{}")), say("There."))
    n = await begun(stage)
    disk = FullDisk(stage.store, 2)
    stage.driver = RunDriver(disk, stage.bus, stage.clock, stage.ids)
    async with stage.working(look=0.0):
        await stage.events(n)
    assert disk.refusals == 0
    assert len(machine.asked) == 1
    assert await ledger(stage, n) == [("unsafe_it", "unsafe_it is done", None)]
