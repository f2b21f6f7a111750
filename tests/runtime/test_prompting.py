"""What a thread becomes when a model is asked."""

from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.ports.store import Op
from projectdavid.runtime.model_registry import ModelRegistry, ModelRegistryOptions, UnknownModel
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.runtime.worker.worker_services import WorkerLimits
from tests.contracts.rows import message
from tests.runtime.moments import MomentaryStore, Moments
from tests.runtime.stage import OWNER, Stage, calls, of_kind, statuses

pytestmark = pytest.mark.anyio


async def asked(stage: Stage, said: list[str], **config: Any) -> list[Any]:
    """What the model is asked when the user said these things."""
    first = await stage.run(said[0])
    row = await stage.row(first)
    await stage.cancel(first)
    for text in said[1:-1]:
        await stage.say(row.thread_id, text)
    n = await stage.run(said[-1], thread_id=row.thread_id, **config)
    async with stage.working():
        assert statuses(await stage.events(n))[-1] == "completed"
    return [message.content for message in stage.provider.asked[-1].messages]


async def test_only_the_last_messages_are_sent_where_that_is_wished(stage: Stage) -> None:
    said = [f"Message {number}" for number in range(6)]
    strategy = {"type": "last_messages", "last_messages": 2}
    assert await asked(stage, said, truncation_strategy=strategy) == said[-2:]


async def test_a_turn_is_not_cut_by_that_wish(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}")), say("Three."))
    strategy = {"type": "last_messages", "last_messages": 1}
    n = await stage.run("Add.", functions=["add"], truncation_strategy=strategy)
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=frozenset({"requires_action"})), "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "3"))
        await stage.events(n)
    assert [message.role for message in provider.asked[1].messages] == ["user", "assistant", "tool"]


@pytest.mark.parametrize("strategy", [None, "auto", "disabled", {"type": "auto"}])
async def test_everything_is_sent_where_it_fits(stage: Stage, strategy: Any) -> None:
    said = [f"Message {number}" for number in range(6)]
    assert await asked(stage, said, truncation_strategy=strategy) == said


async def test_a_long_thread_is_read_to_its_beginning(stage: Stage) -> None:
    said = [f"Message {number}" for number in range(450)]
    assert await asked(stage, said) == said


async def test_a_thread_that_outgrows_the_window_loses_its_oldest_messages(stage: Stage) -> None:
    said = [f"{number} " + "x" * 35_000 for number in range(20)]  # about 10,000 tokens each, of 128,000
    kept = await asked(stage, said)
    assert 8 <= len(kept) < 20
    assert kept == said[-len(kept) :]


async def test_of_a_thread_that_outgrows_the_window_no_more_is_read_than_fits(stage: Stage) -> None:
    async def moments(messages: int) -> int:
        first = await stage.run("Hi")
        thread_id = (await stage.row(first)).thread_id
        await stage.cancel(first)
        said = [message(f"msg_{thread_id}_{number}", thread_id, f'"{"x" * 10_000}"') for number in range(messages)]
        await stage.store.of(OWNER).write(said)
        n = await stage.run("Go", thread_id=thread_id)
        passing = Moments(10**9, checkpoint)
        store = MomentaryStore(stage.store, passing)
        worker = RunWorker(stage.services(store=store, limits=WorkerLimits(look=1000.0)))
        async with stage.working(worker):
            await stage.events(n)
        return passing.passed

    assert await moments(250) == await moments(650)


async def test_nothing_is_cut_where_cutting_is_disabled(stage: Stage) -> None:
    said = [f"{number} " + "x" * 35_000 for number in range(20)]
    assert await asked(stage, said, truncation_strategy="disabled") == said


async def test_words_of_the_platform_are_instructions_for_the_model(stage: Stage) -> None:
    first = await stage.run("Hi")
    await stage.cancel(first)
    thread_id = (await stage.row(first)).thread_id
    said = message("msg_platform", thread_id, '"Be quick."')
    await stage.store.of(OWNER).write([Op(said.query, {**said.params, "role": "platform"})])
    n = await stage.run("Go", thread_id=thread_id, instructions="Be brief.")
    async with stage.working():
        await stage.events(n)
    assert [(message.role, message.content) for message in stage.provider.asked[0].messages] == [
        ("system", "Be brief."),
        ("user", "Hi"),
        ("system", "Be quick."),
        ("user", "Go"),
    ]


@pytest.mark.parametrize(
    ("wish", "format", "instructions"),
    [
        ("auto", None, []),
        ("text", None, []),
        ("json", {"type": "json_object"}, []),
        ({"type": "json_schema", "json_schema": {}}, {"type": "json_schema", "json_schema": {}}, []),
        ("markdown", None, ["Write your answer in this format: markdown."]),
    ],
)
async def test_a_format_is_asked_of_the_model_in_the_way_that_there_is(
    stage: Stage, wish: Any, format: Any, instructions: list[str]
) -> None:
    provider = stage.play(say("{}"))
    n = await stage.run(response_format=wish)
    async with stage.working():
        await stage.events(n)
    (ask,) = provider.asked
    assert ask.response_format == format
    assert [message.content for message in ask.messages if message.role == "system"] == instructions


def test_a_model_is_found_by_the_name_of_its_provider() -> None:
    one, two = ScriptedProvider(), ScriptedProvider()
    models = ModelRegistry(
        {"one": one, "two": two}, "two", ModelRegistryOptions(context_window=1000, windows={"one/big": 5000})
    )
    assert models.resolve("one/llama") == (one, "llama")
    assert models.resolve("one/meta/llama:7b") == (one, "meta/llama:7b")
    assert models.resolve("llama") == (two, "llama")
    assert models.resolve("meta/llama") == (two, "meta/llama")
    assert models.resolve("one/") == (two, "one/")
    assert (models.window("one/big"), models.window("one/small")) == (5000, 1000)


def test_a_model_that_nobody_serves_is_refused_with_what_there_is() -> None:
    with pytest.raises(UnknownModel, match=r"one/\.\.\."):
        ModelRegistry({"one": ScriptedProvider()}).resolve("llama")
    with pytest.raises(UnknownModel, match="none"):
        ModelRegistry({}).resolve("llama")
