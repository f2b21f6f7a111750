"""Waiting with an end: a caller who does not answer in time."""

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.runtime.runs.records import EXPIRY_OUTPUT
from tests.runtime.stage import START, Stage, calls, kinds, of_kind, statuses

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})
TWO = calls(("add", "{}"), ("find", "{}"))


async def waiting(stage: Stage, **config: object) -> tuple[int, list[str]]:
    """A run that waits for two outputs, and the ids of the calls."""
    n = await stage.run(functions=["add", "find"], **config)
    events = await stage.events(n, until=WAITS)
    return n, [call["tool_call_id"] for call in of_kind(events, "tool_call_manifest")]


async def test_a_run_whose_caller_does_not_answer_in_time_expires_with_a_code(stage: Stage) -> None:
    stage.play(TWO)
    async with stage.working():
        n, (add, _) = await waiting(stage, action_timeout=30.0)
        await stage.answer(n, (add, "3"))
        stage.clock.skip(29.9)
        assert await stage.sweeper().expire() == 0
        stage.clock.skip(0.1)
        assert await stage.sweeper().expire() == 1
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["error", "expired"]
    run = await stage.state(n)
    assert (run.status, run.failure.code, run.ended_at) == (RunStatus.EXPIRED, "action_expired", START + 30)
    assert "find" in run.failure.message
    assert "add" not in run.failure.message
    assert run.action_expires_at is None
    assert await stage.sweeper().expire() == 0


async def test_the_model_is_told_that_nobody_answered_where_the_run_says_so(stage: Stage) -> None:
    provider = stage.play(TWO, say("Then without."))
    async with stage.working():
        n, (add, find) = await waiting(stage, action_timeout=30.0, on_expiry="answer")
        await stage.answer(n, (add, "3"))
        stage.clock.skip(30)
        assert await stage.sweeper().expire() == 1
        events = await stage.events(n)
    assert statuses(events)[-3:] == ["queued", "in_progress", "completed"]
    last = {message.call_id: message.content for message in provider.asked[1].messages if message.role == "tool"}
    assert last == {add: "3", find: EXPIRY_OUTPUT}
    told = {output["tool_call_id"]: output["error"] for output in of_kind(events, "tool_output")}
    assert told == {add: False, find: True}
    with pytest.raises(InputRefused):
        await stage.answer(n, (find, "too late"))
    assert [action.output for action in await stage.actions(n)] == ["3", EXPIRY_OUTPUT]


async def test_what_the_model_is_told_can_be_said(stage: Stage) -> None:
    provider = stage.play(TWO, say("Then without."))
    async with stage.working():
        n, _ = await waiting(stage, action_timeout=30.0, on_expiry="answer", expiry_output="Ask again tomorrow.")
        stage.clock.skip(30)
        await stage.sweeper().expire()
        await stage.events(n)
    assert [str(message.content) for message in provider.asked[1].messages[-2:]] == ["Ask again tomorrow."] * 2
    tools = [row for row in await stage.messages(n) if row.role == "tool"]
    assert [msgspec.json.decode(row.content) for row in tools] == ["Ask again tomorrow."] * 2


async def test_every_wait_has_its_own_end(stage: Stage) -> None:
    stage.play(TWO, TWO)
    async with stage.working():
        n, ids = await waiting(stage, action_timeout=30.0)
        assert (await stage.row(n)).action_expires_at == START + 30
        stage.clock.skip(20)
        asked = (await stage.events(n, until=WAITS))[-1].position
        await stage.answer(n, *((one, "1") for one in ids))
        assert (await stage.row(n)).action_expires_at is None
        await stage.events(n, after=asked, until=WAITS)
        assert (await stage.row(n)).action_expires_at == START + 50


async def test_the_time_of_the_run_itself_comes_first(stage: Stage) -> None:
    stage.play(TWO)
    async with stage.working():
        n, _ = await waiting(stage, action_timeout=30.0, on_expiry="answer", seconds=20.0)
        assert (await stage.row(n)).action_expires_at is None
        stage.clock.skip(30)
        assert await stage.sweeper().expire() == 1
    run = await stage.state(n)
    assert (run.status, run.failure) == (RunStatus.EXPIRED, None)


async def test_without_such_a_limit_a_run_waits_until_its_own_end(stage: Stage) -> None:
    stage.play(TWO)
    async with stage.working():
        n, _ = await waiting(stage, on_expiry="answer")
        stage.clock.skip(500)
        assert await stage.sweeper().expire() == 0
    assert await stage.status(n) is RunStatus.REQUIRES_ACTION


async def test_a_wait_ends_although_the_run_was_left_by_a_process_that_died(stage: Stage) -> None:
    stage.play(TWO, say("Then without."))
    async with stage.working():
        n, _ = await waiting(stage, action_timeout=30.0, on_expiry="answer")
    stage.clock.skip(30)
    await stage.driver.recover()
    assert await stage.sweeper().expire() == 1
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
