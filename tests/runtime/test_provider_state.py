"""What a provider attached to a turn goes back to that provider only."""

from collections.abc import Sequence
from typing import Any

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, ProviderFields, ReasoningDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest, PromptMessage
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.runs.provider_state import MOST_BYTES
from projectdavid.runtime.worker.worker import RunWorker
from tests.runtime.stage import Stage, of_kind

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})
SIGNATURE = {"extra_content": {"google": {"thought_signature": "c2ln"}}}
DETAILS = {"reasoning_details": [{"type": "reasoning.encrypted", "data": "zz"}]}


def signed(**fields: Any) -> list[Sequence[Chunk]]:
    """A turn that thinks, and calls a function under an id and with a signature of its provider."""
    return [
        [ReasoningDelta(("I need ", "a sum."))],
        [CallPart(0, "D681PevKs", "add", "{}", SIGNATURE)],
        [ProviderFields({**DETAILS, **fields}, "reasoning_content")],
        [FinishDelta("tool_calls"), TokenUsage(20, 10)],
    ]


async def asked_after(stage: Stage, first: list[Sequence[Chunk]], model: str) -> ModelRequest:
    """What a model is asked next in a thread in which `script/model` made a call."""
    script, other = ScriptedProvider([first, say("It is 3.")]), ScriptedProvider([say("Hello.")])
    models = ModelRegistry({"script": script, "other": other})
    worker = RunWorker(stage.services(models=models))
    async with stage.working(worker):
        n = await stage.run("1 + 2?", functions=["add"])
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        assert call["tool_call_id"].startswith("call_")
        await stage.answer(n, (call["tool_call_id"], "3"))
        await stage.events(n)
        if model != "script/model":
            again = await stage.run("And?", thread_id="thread_1", model=model)
            await stage.events(again)
    return (other if model.startswith("other/") else script).asked[-1]


def turn_of(ask: ModelRequest) -> tuple[PromptMessage, PromptMessage]:
    """The turn that made a call, and its output."""
    turn = next(message for message in ask.messages if message.calls)
    return turn, next(message for message in ask.messages if message.call_id)


async def test_a_turn_goes_back_to_its_provider_with_what_that_attached(stage: Stage) -> None:
    turn, output = turn_of(await asked_after(stage, signed(), "script/model"))
    assert (turn.calls[0].provider_id, turn.calls[0].extra) == ("D681PevKs", SIGNATURE)
    assert turn.provider_fields == {**DETAILS, "reasoning_content": "I need a sum."}
    assert output.provider_call_id == "D681PevKs"


@pytest.mark.parametrize("model", ["other/model", "script/another"])
async def test_another_provider_or_model_gets_nothing_of_it(stage: Stage, model: str) -> None:
    turn, output = turn_of(await asked_after(stage, [*signed(), *say("")][:4], model))
    assert (turn.calls[0].provider_id, turn.calls[0].extra, turn.provider_fields) == ("", None, {})
    assert output.provider_call_id == ""


async def test_what_is_too_large_is_not_kept(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    turn, _ = turn_of(await asked_after(stage, signed(blob="x" * MOST_BYTES), "script/model"))
    assert (turn.calls[0].provider_id, turn.provider_fields) == ("", {})
    assert "script/model" in caplog.text
