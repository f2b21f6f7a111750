"""What a call tells while it runs: durable before it goes on, and only while its worker holds the run."""

import asyncio

import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.tool import ToolCall, ToolContext, ToolOutput
from projectdavid.runtime.runs.driver import LeaseLost
from projectdavid.runtime.tool_calls.toolbox import FAULT
from tests.runtime.actor import Actor, acted, begun, done
from tests.runtime.stage import OWNER, Stage, calls, kinds, of_kind
from tests.runtime.test_recovery import start_again
from tests.runtime.test_tools import FullDisk

pytestmark = pytest.mark.anyio


async def test_what_a_call_tells_is_in_the_journal_between_its_start_and_its_output(stage: Stage, actor: Actor) -> None:
    seen: list[list[str]] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("code", {"content": "1 + 1"})
        await context.tell("output", {"stream": "result", "content": "2"})
        row = await stage.store.of(OWNER).one(queries.RUN, id=call.run_id)
        seen.append(kinds(await stage.journal(row.n))[-3:])
        return ToolOutput("2")

    actor.act = act
    _, events = await acted(stage)
    assert seen == [["tool_started", "code", "output"]]
    told = kinds(events)
    assert told[told.index("tool_started") : told.index("tool_output") + 1] == [
        "tool_started",
        "code",
        "output",
        "tool_output",
    ]
    (output,), (started,) = of_kind(events, "output"), of_kind(events, "tool_started")
    assert output == {"tool_call_id": started["tool_call_id"], "stream": "result", "content": "2"}


async def test_a_reader_is_told_while_the_call_runs(stage: Stage, actor: Actor) -> None:
    go_on = asyncio.Event()

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("output", {"stream": "stdout", "content": "one"})
        await go_on.wait()
        return ToolOutput("one")

    actor.act = act
    stage.play(calls(("act", "{}")), say("There."))
    n = await begun(stage)
    async with stage.working():
        assert (await stage.until(n, "output"))[-1].data["content"] == "one"
        go_on.set()
        await stage.events(n)


async def test_calls_side_by_side_tell_at_once(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        told = (context.tell("output", {"stream": "stdout", "content": str(number)}) for number in range(50))
        await asyncio.gather(*told)
        return ToolOutput("done")

    actor.act = act
    stage.play(calls(("act", "{}"), ("act", "{}")), say("There."))
    n = await begun(stage)
    async with stage.working():
        events = await stage.events(n)
    told = of_kind(events, "output")
    ids = dict.fromkeys(data["tool_call_id"] for data in told)
    assert len(ids) == 2
    for call_id in ids:
        said = [data["content"] for data in told if data["tool_call_id"] == call_id]
        assert said == [str(number) for number in range(50)]


async def test_a_worker_that_lost_the_run_tells_nothing(stage: Stage, actor: Actor) -> None:
    ends: list[BaseException | None] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await stage.driver.recover()  # as a new process does
        try:
            await context.tell("output", {"stream": "stdout", "content": "late"})
        except LeaseLost as error:
            ends.append(error)
            actor.act = done
            raise
        return ToolOutput("told")

    actor.act = act
    n, events = await acted(stage)
    assert len(ends) == 1
    assert of_kind(events, "output") == []
    assert await stage.status(n) is RunStatus.COMPLETED
    assert len(of_kind(events, "tool_started")) == 2


async def test_a_worker_whose_lease_ran_out_tells_nothing(stage: Stage, actor: Actor) -> None:
    go_on = asyncio.Event()

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        actor.act = done
        await go_on.wait()
        await context.tell("output", {"stream": "stdout", "content": "late"})
        return ToolOutput("told")

    actor.act = act
    stage.play(calls(("act", "{}")), say("There."))
    n = await begun(stage)
    async with stage.working():
        await stage.until(n, "tool_started")
        stage.clock.skip(31)
        go_on.set()
        events = await stage.events(n)
    assert of_kind(events, "output") == []
    assert [data["output"] for data in of_kind(events, "tool_output")] == ["done"]


async def test_a_call_that_is_over_tells_nothing(stage: Stage, actor: Actor) -> None:
    kept: list[ToolContext] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        kept.append(context)
        return ToolOutput("done")

    actor.act = act
    stage.play(calls(("act", "{}")), [say("I")[0], asyncio.Event()])
    n = await begun(stage)
    async with stage.working():
        before = await stage.until(n, "content")
        with pytest.raises(LeaseLost):
            await kept[0].tell("output", {"stream": "stdout", "content": "late"})
        assert len(await stage.journal(n)) == len(before)


async def test_what_only_a_decision_tells_a_call_cannot(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("status", {"status": "completed"})  # type: ignore[arg-type]
        return ToolOutput("told")

    actor.act = act
    _, events = await acted(stage)
    assert [data["output"] for data in of_kind(events, "tool_output")] == [FAULT]


async def test_after_a_crash_what_the_call_told_before_stays_in_front_of_a_second_start(
    stage: Stage, actor: Actor
) -> None:
    hang = asyncio.Event()

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("output", {"stream": "stdout", "content": "first"})
        await hang.wait()
        return ToolOutput("never")

    actor.act = act
    stage.play(calls(("act", "{}")), say("There."))
    n = await begun(stage)
    async with stage.working():
        await stage.until(n, "output")
    await start_again(stage)
    actor.act = done
    async with stage.working():
        events = await stage.events(n)
    told = kinds(events)
    assert told[told.index("tool_started") :][:4] == ["tool_started", "output", "tool_started", "tool_output"]


async def test_what_a_call_tells_waits_for_a_store_that_was_not_there(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("output", {"stream": "stdout", "content": "one"})
        return ToolOutput("one")

    actor.act = act
    stage.play(calls(("act", "{}")), say("There."))
    n = await begun(stage)
    stage.store = disk = FullDisk(stage.store, 2, queries.JOURNAL_TELL)
    async with stage.working(look=0.0):
        events = await stage.events(n)
    assert disk.refusals == 0
    assert [data["content"] for data in of_kind(events, "output")] == ["one"]


async def test_half_a_character_that_a_call_tells_does_no_harm(stage: Stage, actor: Actor) -> None:
    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        await context.tell("output", {"stream": "stdout", "content": "a\ud83d"})
        return ToolOutput("b\udcff", details={"input": "c\udcff"})

    actor.act = act
    _, events = await acted(stage)
    assert [data["content"] for data in of_kind(events, "output")] == ["a?"]
    assert [data["output"] for data in of_kind(events, "tool_output")] == ["b?"]


async def test_a_run_that_is_cancelled_is_told_nothing_more_by_its_call(stage: Stage, actor: Actor) -> None:
    ends: list[type[BaseException]] = []

    async def act(call: ToolCall, context: ToolContext) -> ToolOutput:
        try:
            while True:
                await context.tell("output", {"stream": "stdout", "content": "on and on"})
        except BaseException as error:
            ends.append(type(error))
            raise

    actor.act = act
    stage.play(calls(("act", "{}")))
    n = await begun(stage)
    async with stage.working():
        await stage.until(n, "output")
        await stage.cancel(n)
        events = await stage.events(n)
    assert ends == [asyncio.CancelledError]
    assert kinds(events)[-1] == "cancelled"
    assert await stage.status(n) is RunStatus.CANCELLED
