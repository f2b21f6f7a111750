"""Cancelling: at every stage of a run it ends it, once and for all."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.inputs import RunStarted
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.ports.bus import Payload
from projectdavid.ports.model import ModelError
from projectdavid.runtime.runs.driver import RunDriver
from tests.runtime.stage import BOUND, Stage, calls, kinds, of_kind, statuses, text_of

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


class Deaf(LocalBus):
    """A bus that loses every word under some topics."""

    def __init__(self, *lost: str) -> None:
        super().__init__()
        self._lost = lost

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        if not topic.startswith(self._lost):
            super().publish(topic, payloads)


async def deafen(stage: Stage, *lost: str) -> None:
    """Let the bus lose words."""
    stage.bus = Deaf(*lost)
    stage.driver = RunDriver(stage.store, stage.bus, stage.clock, stage.ids)


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.QUEUED])
async def test_a_run_that_nobody_works_on_ends_at_once_and_is_never_begun(stage: Stage, status: RunStatus) -> None:
    n = await stage.run(status=status)
    await stage.cancel(n)
    async with stage.working():
        await stage.events(await stage.run("Somebody else"))
    assert kinds(await stage.events(n)) == [status, "cancelled"]
    assert len(stage.provider.asked) == 1
    with pytest.raises(InputRefused):
        await stage.driver.decide(n, RunStarted())


async def test_a_model_call_is_closed_and_what_it_said_is_kept(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("Once", " upon"))], asyncio.Event(), [TextDelta((" a time",))]])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        decided = await stage.cancel(n)
        assert decided.next.run.status is RunStatus.CANCELLING
        events = await stage.events(n)
        assert (provider.finished, provider.closed) == (0, 1)
    assert kinds(events)[-3:] == ["cancelling", "message_completed", "cancelled"]
    assert text_of(events) == "Once upon"
    (answer,) = await stage.answers(n)
    assert (msgspec.json.decode(answer.content), answer.status, answer.reason) == (
        "Once upon",
        "incomplete",
        "run_cancelled",
    )


async def test_a_model_that_has_said_nothing_yet_is_closed_too(stage: Stage) -> None:
    provider = stage.play([asyncio.Event()])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "in_progress")
        await stage.cancel(n)
        assert kinds(await stage.events(n)) == ["queued", "in_progress", "cancelling", "cancelled"]
    assert provider.closed == len(provider.asked)
    assert await stage.answers(n) == []


async def test_a_pause_before_the_next_attempt_is_cut_short(stage: Stage) -> None:
    provider = stage.play([ModelError("rate_limit_exceeded", "Slow.", True, 60.0)])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "retry")
        await stage.cancel(n)
        assert kinds(await stage.events(n))[-3:] == ["retry", "cancelling", "cancelled"]
    assert len(provider.asked) == 1


async def test_a_run_that_waits_for_its_caller_ends_at_once(stage: Stage) -> None:
    stage.play(calls(("add", "{}")))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        await stage.cancel(n)
        assert statuses(await stage.events(n))[-2:] == ["requires_action", "cancelled"]
        with pytest.raises(InputRefused):
            await stage.answer(n, (call["tool_call_id"], "1"))
    assert [action.output for action in await stage.actions(n)] == [None]


async def test_cancelling_again_while_it_ends_is_fine_and_afterwards_is_refused(stage: Stage) -> None:
    await deafen(stage, "abort")
    gate = asyncio.Event()
    stage.play([[TextDelta(("a",))], gate, [TextDelta(("b",))]])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        for result in await asyncio.gather(stage.cancel(n), stage.cancel(n), stage.cancel(n)):
            assert result.next.run.status is RunStatus.CANCELLING
        gate.set()
        assert statuses(await stage.events(n)) == ["queued", "in_progress", "cancelling", "cancelled"]
        with pytest.raises(InputRefused) as refused:
            await stage.cancel(n)
    assert refused.value.code == "invalid_state"


async def test_a_run_that_is_over_stays_what_it_is(stage: Stage) -> None:
    n = await stage.run()
    async with stage.working():
        await stage.events(n)
    before = await stage.row(n)
    with pytest.raises(InputRefused):
        await stage.cancel(n)
    assert await stage.row(n) == before


async def test_a_run_whose_worker_is_gone_ends_as_soon_as_another_looks(stage: Stage) -> None:
    stage.play([[TextDelta(("a",))], asyncio.Event()])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
    await stage.driver.recover()
    await stage.cancel(n)
    assert await stage.status(n) is RunStatus.CANCELLING
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[-3:] == ["cancelling", "message_discarded", "cancelled"]
    assert await stage.answers(n) == []


async def test_a_reply_that_came_in_spite_of_a_cancel_does_not_complete_the_run(stage: Stage) -> None:
    await deafen(stage, "abort")
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("Done.",))], gate, [FinishDelta("stop"), TokenUsage(10, 1)]])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        await stage.cancel(n)
        gate.set()
        events = await stage.events(n)
    assert provider.finished == 1
    assert kinds(events)[-3:] == ["cancelling", "message_completed", "cancelled"]
    (answer,) = await stage.answers(n)
    assert (answer.status, answer.reason) == ("incomplete", "run_cancelled")


async def test_calls_that_came_in_spite_of_a_cancel_are_asked_of_nobody(stage: Stage) -> None:
    await deafen(stage, "abort")
    gate = asyncio.Event()
    stage.play([*calls(("add", "{}"))[:-1], gate, [FinishDelta("tool_calls"), TokenUsage(10, 1)]])
    n = await stage.run(functions=["add"])
    async with stage.working():
        await stage.until(n, "call_arguments")
        await stage.cancel(n)
        gate.set()
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["cancelling", "cancelled"]
    assert await stage.actions(n) == []


async def test_words_that_came_in_spite_of_a_cancel_are_neither_told_nor_kept(stage: Stage) -> None:
    await deafen(stage, "abort")
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("Once",))], gate, [TextDelta((" upon",))], asyncio.Event()])
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        await stage.cancel(n)
        gate.set()
        events = await stage.events(n)
        assert provider.closed == 1
    assert text_of(events) == "Once"
    (answer,) = await stage.answers(n)
    assert msgspec.json.decode(answer.content) == "Once"


async def test_a_failure_that_came_in_spite_of_a_cancel_is_not_tried_again(stage: Stage) -> None:
    await deafen(stage, "abort")
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("Once",))], gate, ModelError("server_error", "No.", True, 0.0)], say("Again."))
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        await stage.cancel(n)
        gate.set()
        assert kinds(await stage.events(n))[-3:] == ["cancelling", "message_completed", "cancelled"]
    assert len(provider.asked) == 1


async def test_a_lost_word_costs_time_and_never_truth(stage: Stage) -> None:
    await deafen(stage, "work", "journal", "abort")
    stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working(look=0.001), asyncio.timeout(BOUND):
        while await stage.status(n) is not RunStatus.REQUIRES_ACTION:
            await hear_nothing(stage)
        (call,) = await stage.actions(n)
        await stage.answer(n, (call.call_id, "1"))
        while await stage.status(n) is not RunStatus.COMPLETED:
            await hear_nothing(stage)
    events = await stage.events(n)
    assert statuses(events) == ["queued", "in_progress", "requires_action", "queued", "in_progress", "completed"]


async def hear_nothing(stage: Stage) -> None:
    """Listen in vain for a moment."""
    with stage.bus.subscribe("journal") as ear:
        assert not await ear.wait(0.001)
