"""Poison runs: one that brings its process down again and again fails, and no other run fails with it."""

import asyncio
from collections.abc import Callable

import pytest
from anyio.lowlevel import checkpoint

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.engine.deltas import TextDelta
from projectdavid.ports.tool import ToolCall, ToolContext, ToolOutput
from projectdavid.runtime.runs.crashes import GUILTY, SPACING, SPOKEN
from tests.runtime.actor import Actor, begun
from tests.runtime.stage import Stage, calls, kinds, of_kind, statuses
from tests.runtime.test_recovery import start_again
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


def silent() -> Scene:
    """A model that never begins."""
    return [asyncio.Event()]


def endless() -> Scene:
    """A model that begins to speak and never ends."""
    return [[TextDelta(("a",))], asyncio.Event()]


async def crash(stage: Stage, holds: Callable[[], bool], *, seconds: float = SPACING) -> None:
    """Let a process die once something holds, and the next one start after some time."""
    async with asyncio.timeout(EVENT_TIMEOUT), stage.crashing():
        while not holds():
            await checkpoint()
    stage.clock.skip(seconds)
    await start_again(stage)


async def crash_when_asked(stage: Stage, times: int = 1, *, seconds: float = SPACING) -> None:
    """Let a process die once it has asked the model so many times."""
    asked = len(stage.provider.asked) + times
    await crash(stage, lambda: len(stage.provider.asked) == asked, seconds=seconds)


async def end_of(stage: Stage, n: int) -> list[str]:
    """How a run ends, and the codes of its errors."""
    async with stage.working():
        events = await stage.events(n)
    return [statuses(events)[-1], *(error["code"] for error in of_kind(events, "error"))]


async def test_a_run_at_whose_work_three_processes_died_fails(stage: Stage) -> None:
    provider = stage.play(silent())
    n = await stage.run()
    for _ in range(3):
        await crash_when_asked(stage)
    assert await end_of(stage, n) == ["failed", "worker_crashed"]
    assert len(provider.asked) == 3
    assert kinds(await stage.events(n)) == ["queued", "in_progress", "error", "failed"]


async def test_a_run_whose_call_brings_the_process_down_fails(stage: Stage, actor: Actor) -> None:
    started = 0

    async def hang(call: ToolCall, context: ToolContext) -> ToolOutput:
        nonlocal started
        started += 1
        await asyncio.Event().wait()
        raise AssertionError

    actor.act = hang
    stage.play(calls(("act", "{}")), say("Never."))
    n = await begun(stage)
    for times in range(1, 4):
        await crash(stage, lambda times=times: started == times)
    assert await end_of(stage, n) == ["failed", "worker_crashed"]


async def test_crashes_within_a_moment_do_not_fail_a_run(stage: Stage) -> None:
    provider = stage.play(silent(), silent(), *(say("There.") for _ in range(4)))
    n = await stage.run()
    for _ in range(2):
        await crash_when_asked(stage, seconds=1.0)
    for count in range(3, 6):
        assert await end_of(stage, await stage.run(str(count))) == ["completed"]
        assert len(provider.asked) == count, "the suspect waits"
        stage.clock.skip(1.0)
        await start_again(stage)
    stage.clock.skip(SPACING)
    assert await end_of(stage, n) == ["completed"]


async def test_a_crash_after_the_reply_began_counts_less(stage: Stage) -> None:
    stage.play(endless())
    n = await stage.run()
    for number in range(GUILTY // SPOKEN):
        before = len(await stage.journal(n))
        async with stage.crashing():
            async for events in stage.watch(n, after=before):
                if of_kind(events, "content"):
                    break
        stage.clock.skip(SPACING)
        await start_again(stage)
        assert (await stage.row(n)).crash_score == (number + 1) * SPOKEN
    assert await end_of(stage, n) == ["failed", "worker_crashed"]


async def test_stops_do_not_count(stage: Stage) -> None:
    stage.play(*(silent() for _ in range(5)), say("There."))
    n = await stage.run()
    for times in range(1, 6):
        async with asyncio.timeout(EVENT_TIMEOUT), stage.working():
            while len(stage.provider.asked) < times:
                await checkpoint()
        stage.clock.skip(SPACING)
    assert await end_of(stage, n) == ["completed"]


async def test_progress_lets_the_count_start_again(stage: Stage, actor: Actor) -> None:
    stage.play(silent(), silent(), calls(("act", "{}")), silent(), silent(), say("There."))
    n = await begun(stage)
    for times in (1, 1, 2, 1):
        await crash_when_asked(stage, times)
    assert await end_of(stage, n) == ["completed"]


async def test_of_runs_that_crashed_together_one_is_tried_at_a_time_and_the_innocent_finish(stage: Stage) -> None:
    crowd = 5

    def scene(ask):
        if "poison" in str(ask.messages[-1].content) or len(stage.provider.asked) < 2 * crowd:
            return silent()
        return say("There.")

    stage.provider = ScriptedProvider(scene_for=scene)
    poison, *innocent = [await stage.run(said) for said in ("poison", *map(str, range(crowd - 1)))]
    for _ in range(2):
        await crash_when_asked(stage, crowd)
    await crash_when_asked(stage)
    assert await end_of(stage, poison) == ["failed", "worker_crashed"]
    assert [await end_of(stage, n) for n in innocent] == [["completed"]] * len(innocent)
