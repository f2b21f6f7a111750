"""Processes that die, and workers that share a store: no turn is paid twice, and no event is told twice."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.run import RunStatus
from projectdavid.runtime.runs.driver import RunDriver
from tests.runtime.stage import Stage, calls, kinds, of_kind, statuses, text_of

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


async def start_again(stage: Stage) -> None:
    """A new process over the same file."""
    await stage.store.close()
    stage.store = SQLiteStore(stage.path)
    await stage.store.open()
    stage.driver = RunDriver(stage.store, stage.bus, stage.clock, stage.ids)
    await stage.driver.recover()


async def test_a_run_goes_on_after_its_process_died_in_a_model_call(stage: Stage, tmp_path: Path) -> None:
    provider = stage.play(
        calls(("add", "{}")),
        [[TextDelta(("It", " is"))], asyncio.Event()],
        say("It is three."),
    )
    n = await stage.run(functions=["add"])
    async with stage.crashing():
        first = await stage.events(n, until=WAITS)
        (call,) = of_kind(first, "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "3"))
        before = await stage.until(n, "content")
    assert provider.closed == 1
    await start_again(stage)
    async with stage.working():
        after = await stage.events(n, after=before[-1].position)
    assert len(provider.asked) == 3
    assert provider.asked[1].messages == provider.asked[2].messages
    assert before + after == await stage.events(n)
    assert [event.position for event in before + after] == list(range(1, len(before + after) + 1))
    half, whole = of_kind(before + after, "message_created")
    assert of_kind(after, "message_discarded") == [half]
    assert statuses(after) == ["completed"]
    (answer,) = await stage.answers(n)
    assert (answer.id, msgspec.json.decode(answer.content)) == (whole["message_id"], "It is three.")
    assert after[-1].data["usage"]["total_tokens"] == 30 + 13


async def test_a_run_that_waits_for_its_caller_waits_on_after_its_process_died(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}")), say("Three."))
    n = await stage.run(functions=["add"])
    async with stage.crashing():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
    await start_again(stage)
    async with stage.working():
        await stage.quiet()
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION
        await stage.answer(n, (call["tool_call_id"], "3"))
        await stage.events(n)
    assert len(provider.asked) == 2


async def test_runs_that_were_queued_are_worked_on_after_a_start(stage: Stage) -> None:
    runs = [await stage.run(f"Run {number}") for number in range(5)]
    await start_again(stage)
    async with stage.working():
        for n in runs:
            assert statuses(await stage.events(n))[-1] == "completed"


async def test_an_attempt_that_died_with_its_process_is_not_held_against_the_run(stage: Stage) -> None:
    provider = stage.play(*([[TextDelta(("a",))], asyncio.Event()] for _ in range(5)), say("Done."))
    n = await stage.run()
    position = 0
    for _ in range(5):
        async with stage.crashing():
            async for events in stage.watch(n, after=position):
                position = events[-1].position
                if of_kind(events, "content"):
                    break
        await start_again(stage)
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[-1] == "completed"
    assert len(of_kind(events, "message_discarded")) == 5
    assert len(provider.asked) == 6


async def test_two_workers_on_one_store_never_work_on_the_same_run(stage: Stage) -> None:
    def scene(ask):
        if ask.messages[-1].role == "tool":
            return say("Three.")
        return calls(("add", "{}"), text="Let me see.")

    stage.provider = ScriptedProvider(scene_for=scene)
    runs = [await stage.run(f"Run {number}", functions=["add"]) for number in range(30)]

    async def follow(n: int) -> list[str]:
        first = await stage.events(n, until=WAITS)
        (call,) = of_kind(first, "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "3"))
        return statuses(await stage.events(n))

    async with stage.working(*(stage.worker() for _ in range(3))):
        ways = await asyncio.gather(*map(follow, runs))
    once = ["queued", "in_progress", "requires_action", "queued", "in_progress", "completed"]
    assert ways == [once] * 30
    asked = sorted((ask.messages[0].content, len(ask.messages)) for ask in stage.provider.asked)
    assert asked == sorted((f"Run {number}", length) for number in range(30) for length in (1, 3))


async def test_a_worker_that_was_thought_dead_can_neither_tell_nor_end_what_another_has_taken_over(
    stage: Stage,
) -> None:
    gate = asyncio.Event()
    provider = stage.play(
        [[TextDelta(("Old",))], gate, [TextDelta((" news",)), FinishDelta("stop"), TokenUsage(1, 1)]], say("New.")
    )
    n = await stage.run()
    slow, quick = stage.worker(lease=1e9), stage.worker(look=0.001)
    async with stage.working(slow):
        await stage.until(n, "content")
        await stage.driver.recover()
        async with stage.working(quick):
            events = await stage.events(n)
        gate.set()
        await slow.drain(10)
    assert text_of(events) == "OldNew."
    assert kinds(events).count("message_discarded") == 1
    assert await stage.events(n) == events
    (answer,) = await stage.answers(n)
    assert msgspec.json.decode(answer.content) == "New."
    assert (provider.finished, provider.closed) == (1, 1)


async def test_a_worker_holds_its_runs_for_as_long_as_it_works_on_them(stage: Stage) -> None:
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("a",))], gate, [FinishDelta("stop"), TokenUsage(1, 1)]])
    n = await stage.run(seconds=1000)
    async with stage.working(stage.worker(lease=30.0), stage.worker(lease=30.0)):
        await stage.until(n, "content")
        for _ in range(12):
            stage.clock.skip(10)
            await stage.quiet()
        gate.set()
        assert statuses(await stage.events(n)) == ["queued", "in_progress", "completed"]
    assert len(provider.asked) == 1


async def test_a_run_whose_worker_hangs_is_taken_over_when_its_hold_runs_out(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("a",))], asyncio.Event()], say("Done."))
    n = await stage.run()
    async with stage.crashing():
        await stage.until(n, "content")
    await stage.store.open()
    async with stage.working(stage.worker(look=0.5)):
        stage.clock.skip(29)
        await stage.quiet()
        assert len(provider.asked) == 1
        stage.clock.skip(1)
        assert statuses(await stage.events(n))[-1] == "completed"
