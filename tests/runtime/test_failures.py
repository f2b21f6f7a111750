"""Providers that fail, and the store too: what is tried again, what is told, and what is kept."""

import logging

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.run import RunStatus
from projectdavid.ports.model import ModelError
from tests.runtime.stage import Stage, calls, kinds, of_kind, statuses, text_of

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


def broken(code: str = "server_error", *, retryable: bool = True, retry_after: float | None = 0.0) -> ModelError:
    """A model call that fails; it may be tried again at once."""
    return ModelError(code, f"The provider says {code}.", retryable, retry_after)


@pytest.mark.parametrize("code", ["rate_limit_exceeded", "timeout", "connection_error", "server_error"])
async def test_a_failure_that_may_pass_is_tried_again_and_told(stage: Stage, code: str) -> None:
    provider = stage.play([broken(code)], say("Hello."))
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert statuses(events) == ["queued", "in_progress", "completed"]
    (retry,) = of_kind(events, "retry")
    assert retry == {"attempt": 2, "delay_s": 0, "error": {"code": code, "message": f"The provider says {code}."}}
    assert text_of(events) == "Hello."
    assert len(provider.asked) == 2
    assert (await stage.state(n)).failure is None


@pytest.mark.parametrize(
    "code", ["authentication_error", "model_not_found", "context_length_exceeded", "invalid_request"]
)
async def test_a_failure_that_will_not_pass_fails_the_run_at_once(stage: Stage, code: str) -> None:
    provider = stage.play([broken(code, retryable=False)])
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events) == ["queued", "in_progress", "error", "failed"]
    message = f"The provider says {code}."
    assert of_kind(events, "error") == [{"code": code, "message": message, "content": message}]
    assert len(provider.asked) == 1
    failure = (await stage.state(n)).failure
    assert (failure.code, failure.message) == (code, message)


async def test_a_failure_that_does_not_pass_fails_the_run_in_the_end(stage: Stage) -> None:
    provider = stage.play([broken()])
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["error", "failed"]
    assert [retry["attempt"] for retry in of_kind(events, "retry")] == [2, 3]
    assert len(provider.asked) == 3


async def test_the_pause_that_a_provider_asks_for_is_kept(stage: Stage) -> None:
    provider = stage.play([broken(retry_after=7.0)], say("Hello."))
    n = await stage.run()
    async with stage.working():
        (retry,) = of_kind(await stage.until(n, "retry"), "retry")
        assert retry["delay_s"] == 7
        await stage.quiet()
        stage.clock.skip(6.9)
        await stage.quiet()
        assert len(provider.asked) == 1
        stage.clock.skip(0.1)
        assert text_of(await stage.events(n)) == "Hello."


async def test_without_such_a_wish_the_pause_grows(stage: Stage) -> None:
    provider = stage.play([broken(retry_after=None)], [broken(retry_after=None)], say("Hello."))
    n = await stage.run()
    async with stage.working():
        for attempt, pause in enumerate((0.5, 1.0), start=1):
            await stage.quiet()
            stage.clock.skip(pause - 0.1)
            await stage.quiet()
            assert len(provider.asked) == attempt
            stage.clock.skip(0.1)
        assert [retry["delay_s"] for retry in of_kind(await stage.events(n), "retry")] == [0.5, 1]


async def test_what_was_half_said_is_taken_back_before_it_is_said_again(stage: Stage) -> None:
    stage.play([[TextDelta(("Hel",))], broken()], say("Hello again."))
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[2:6] == ["message_created", "content", "message_discarded", "retry"]
    created = [data["message_id"] for data in of_kind(events, "message_created")]
    assert of_kind(events, "message_discarded") == [{"message_id": created[0]}]
    (answer,) = await stage.answers(n)
    assert answer.id == created[1] != created[0]
    assert msgspec.json.decode(answer.content) == "Hello again."


async def test_nothing_is_taken_back_where_nothing_was_said(stage: Stage) -> None:
    stage.play([broken()], say("Hello."))
    n = await stage.run()
    async with stage.working():
        assert "message_discarded" not in kinds(await stage.events(n))


async def test_what_was_said_before_the_last_failure_is_kept_as_incomplete(stage: Stage) -> None:
    stage.play([[TextDelta(("Hel",))], broken(retryable=False)])
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[2:] == ["message_created", "content", "error", "message_completed", "failed"]
    (answer,) = await stage.answers(n)
    assert (msgspec.json.decode(answer.content), answer.status, answer.reason) == ("Hel", "incomplete", "run_failed")


async def test_a_turn_that_fails_later_does_not_repeat_the_turns_before(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}")), [[TextDelta(("It",))], broken()], say("It is 3."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "3"))
        events = await stage.events(n)
    assert len(provider.asked) == 3
    assert provider.asked[1].messages == provider.asked[2].messages
    assert len(of_kind(events, "tool_call_manifest")) == 1
    assert len(await stage.actions(n)) == 1


async def test_calls_that_were_half_asked_for_are_forgotten(stage: Stage) -> None:
    stage.play([*calls(("add", '{"a": 1}'))[:1], broken()], say("Never mind."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
    assert await stage.actions(n) == []


async def test_a_fault_of_ours_fails_the_run_and_says_no_more_than_that(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    def scene(ask):
        raise ZeroDivisionError("secret details")

    stage.provider = ScriptedProvider(scene_for=scene)
    n = await stage.run()
    with caplog.at_level(logging.ERROR):
        async with stage.working():
            events = await stage.events(n)
    (error,) = of_kind(events, "error")
    assert error["code"] == "server_error"
    assert "secret details" not in str([event.raw for event in events])
    assert "secret details" in caplog.text


async def test_a_provider_that_breaks_off_is_closed(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("Hel",))], broken()], say("Hello."))
    n = await stage.run()
    async with stage.working():
        await stage.events(n)
    assert (provider.finished, provider.closed) == (1, 1)


async def test_a_run_whose_words_cannot_be_told_does_not_stop_the_others(stage: Stage) -> None:
    stage.play([[TextDelta(("half of \ud83d",))], [FinishDelta("stop"), TokenUsage(1, 1)]], say("Hello."))
    bad, good = await stage.run(), await stage.run()
    async with stage.working(runs=1):
        assert statuses(await stage.events(bad))[-1] == "failed"
        assert statuses(await stage.events(good))[-1] == "completed"
    assert await stage.status(bad) is RunStatus.FAILED
