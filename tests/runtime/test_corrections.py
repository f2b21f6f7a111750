"""Answers that are not in their format, where processes die and models fail."""

import asyncio
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.deltas import TextDelta
from projectdavid.ports.model import ModelError
from tests.runtime.stage import Stage, kinds, of_kind
from tests.runtime.test_recovery import start_again

pytestmark = pytest.mark.anyio

FORMAT = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "required": ["a"]}}}
BROKEN = ModelError("connection_error", "It broke off.", retryable=True, retry_after=0)


@pytest.mark.parametrize("begun", [[], [[TextDelta(('{"a"',))]]], ids=["before it answers", "in its second answer"])
async def test_a_run_that_died_after_a_mismatch_asks_for_the_correction_and_nothing_else(
    stage: Stage, begun: list[Any]
) -> None:
    provider = stage.play(say("{}"), [*begun, asyncio.Event()], say('{"a": 1}'))
    n = await stage.run(response_format=FORMAT)
    async with stage.crashing():
        before = await stage.until(n, "retry")
        if begun:
            async for events in stage.watch(n, after=before[-1].position):
                before += events
                if of_kind(events, "content"):
                    break
        await stage.store.flush()
    await start_again(stage)
    async with stage.working():
        events = await stage.events(n)
    first, *others = provider.asked
    assert [message.content for message in first.messages] == ["Hi"]
    for ask in others:
        assert [message.role for message in ask.messages] == ["user", "assistant", "user"]
        assert '"a" is a required property' in str(ask.messages[-1].content)
    assert kinds(events).count("retry") == 1
    assert kinds(events)[-1] == "completed"
    (answer,) = await stage.answers(n)
    assert msgspec.json.decode(answer.content) == '{"a": 1}'
    assert ((await stage.state(n)).turn, (await stage.state(n)).warnings) == (2, ())


async def test_a_correction_that_breaks_off_is_asked_for_again(stage: Stage) -> None:
    provider = stage.play(say("{}"), [BROKEN], say('{"a": 1}'))
    n = await stage.run(response_format=FORMAT)
    async with stage.working():
        events = await stage.events(n)
    assert [error["error"]["code"] for error in of_kind(events, "retry")] == ["invalid_output", "connection_error"]
    assert provider.asked[1].messages == provider.asked[2].messages
    assert (await stage.state(n)).warnings == ()


async def test_a_long_wrong_answer_does_not_displace_the_question(stage: Stage) -> None:
    provider = stage.play(say("word " * 5000), say('{"a": 1}'))
    n = await stage.run(response_format=FORMAT, max_prompt_tokens=2000)
    async with stage.working():
        await stage.events(n)
    assert [message.role for message in provider.asked[1].messages] == ["user", "user"]
    assert provider.asked[1].messages[0].content == "Hi"


async def test_a_stored_schema_that_cannot_be_used_is_reported_with_the_answer(stage: Stage) -> None:
    stage.play(say("{}"))
    schema = {"type": "strin"}
    n = await stage.run(response_format={"type": "json_schema", "json_schema": {"name": "n", "schema": schema}})
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[-1] == "completed"
    assert [warning["code"] for warning in of_kind(events, "warning")] == ["output_unchecked"]
    assert [warning.code for warning in (await stage.state(n)).warnings] == ["output_unchecked"]
