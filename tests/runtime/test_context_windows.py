"""The window of a model is found out: said by its provider, named by a refusal, or learned from reports."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.engine.deltas import Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.prompt import ModelRequest
from projectdavid.ports.model import NO_FACTS, ContextRefusal, ModelError, ModelFacts
from projectdavid.ports.store import Op
from projectdavid.runtime.model_registry import ModelRegistry, ModelRegistryOptions
from projectdavid.runtime.worker.worker import RunWorker
from tests.contracts.rows import message
from tests.runtime.stage import OWNER, Stage, kinds, of_kind, statuses

pytestmark = pytest.mark.anyio

ENGLISH, CHINESE, MIXED = "The warranty lasts two years. ", "东京大学位于日本东京都。", "😀 7f3a9c0e1b5d 42 κόσμε "


class WindowedModel(ScriptedProvider):
    """A model with a window of its own, whose tokenizer counts a token for each `size` bytes of UTF-8.

    `says` is which facts its provider reports; `names` is what a refusal names of the limit and of the prompt's size.
    """

    def __init__(self, window: int, size: float = 3.0, says: ModelFacts = NO_FACTS, names: str = "limit asked") -> None:
        super().__init__()
        self.window = window
        self._size = size
        self._says = says
        self._names = names
        self.refused = 0
        self.asked_for_facts = 0

    def count(self, ask: ModelRequest) -> int:
        """The tokens of a prompt."""
        return sum(4 + int(len(str(one.content).encode()) / self._size) for one in ask.messages)

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        tokens = self.count(ask)
        self.asked.append(ask)
        if tokens > self.window:
            self.refused += 1
            limit = self.window if "limit" in self._names else None
            said = ContextRefusal(limit, tokens if "asked" in self._names else None)
            raise ModelError("context_length_exceeded", "Too long.", context=said)
        yield [TextDelta(("Yes.",)), FinishDelta("stop"), TokenUsage(tokens, 2)]

    async def facts(self, model: str) -> ModelFacts:
        self.asked_for_facts += 1
        return self._says


def worker_for(stage: Stage, model: WindowedModel, **settings: Any) -> RunWorker:
    """A worker whose models are this one."""
    models = ModelRegistry({"script": model}, options=ModelRegistryOptions(**settings))
    return RunWorker(stage.services(models=models))


async def talk(stage: Stage, worker: RunWorker, texts: Sequence[str], **config: Any) -> list[list[Any]]:
    """Say these texts one after the other in one thread, each followed by a run; returns the events of each run."""
    told: list[list[Any]] = []
    async with stage.working(worker):
        thread_id = None
        for text in texts:
            n = await stage.run(text, thread_id=thread_id, **config)
            thread_id = (await stage.row(n)).thread_id
            told.append(await stage.events(n))
    return told


async def add_turns(stage: Stage, thread_id: str, texts: Sequence[str]) -> None:
    """Turns of the past: each text, and an answer to it."""
    ops: list[Op] = []
    for number, text in enumerate(texts):
        for role, said in (("user", text), ("assistant", "Noted.")):
            op = message(f"msg_{thread_id}_{number}_{role}", thread_id, msgspec.json.encode(said).decode())
            ops.append(Op(op.query, {**op.params, "role": role}))
    await stage.store.of(OWNER).write(ops)


@pytest.mark.parametrize("names", ["limit asked", "limit", "asked", ""])
@pytest.mark.parametrize("text", [ENGLISH, CHINESE, MIXED], ids=["english", "chinese", "mixed"])
async def test_a_refused_prompt_is_cut_and_asked_again_within_the_run(stage: Stage, text: str, names: str) -> None:
    model = WindowedModel(2048, size=2.0, names=names)
    worker = worker_for(stage, model)
    async with stage.working(worker):
        first = await stage.run("Hi")
        thread_id = (await stage.row(first)).thread_id
        await stage.events(first)
        await add_turns(stage, thread_id, [text * 8] * 40)
        n = await stage.run("And now?", thread_id=thread_id)
        events = await stage.events(n)
    assert statuses(events)[-1] == "completed", of_kind(events, "error")
    assert "retry" not in kinds(events)
    assert model.refused == 1 or (names != "limit asked" and model.refused <= 4)
    assert model.asked[-1].messages[-1].content == "And now?"
    assert len(model.asked[-1].messages) > 3


class BoundedModel(WindowedModel):
    """A model whose server rejects a prompt and a maximum for the answer that exceed its window together."""

    async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
        tokens = self.count(ask)
        if tokens + (ask.max_tokens or 0) > self.window:
            self.asked.append(ask)
            self.refused += 1
            said = ContextRefusal(self.window, tokens)
            raise ModelError("context_length_exceeded", "'max_tokens' is too large.", context=said)
        async for chunks in super().stream(ask):
            yield chunks


async def test_a_maximum_that_does_not_fit_beside_the_prompt_is_lowered(stage: Stage) -> None:
    model = BoundedModel(2048)
    (events,) = await talk(stage, worker_for(stage, model), ["Hi"], max_completion_tokens=2048)
    assert statuses(events)[-1] == "completed", of_kind(events, "error")
    assert (model.refused, model.asked[-1].messages) == (1, model.asked[0].messages)


async def test_a_learned_window_holds_for_the_next_run(stage: Stage) -> None:
    model = WindowedModel(2048)
    await talk(stage, worker_for(stage, model), [ENGLISH * 30] * 30)
    assert model.refused == 1


async def test_nothing_is_cut_when_truncation_is_disabled(stage: Stage) -> None:
    model = WindowedModel(2048)
    worker = worker_for(stage, model)
    *_, last = await talk(stage, worker, [ENGLISH * 40] * 8, truncation_strategy="disabled")
    assert statuses(last)[-1] == "failed"
    assert of_kind(last, "error")[0]["code"] == "context_length_exceeded"


async def test_a_message_that_fits_nowhere_fails_and_the_thread_stays_usable(stage: Stage) -> None:
    model = WindowedModel(2048)
    too_long, next_run = await talk(stage, worker_for(stage, model), [ENGLISH * 2000, "Hello?"])
    assert of_kind(too_long, "error")[0]["code"] == "context_length_exceeded"
    assert statuses(next_run)[-1] == "completed"


async def test_a_window_that_the_provider_tells_is_kept_without_a_refusal(stage: Stage) -> None:
    model = WindowedModel(2048, says=ModelFacts(window=2048))
    await talk(stage, worker_for(stage, model), [ENGLISH * 30] * 20)
    assert (model.refused, model.asked_for_facts) == (0, 1)


async def test_nobody_is_asked_for_the_window_of_a_short_prompt(stage: Stage) -> None:
    model = WindowedModel(2048, says=ModelFacts(window=2048))
    await talk(stage, worker_for(stage, model), ["Hi"] * 3)
    assert model.asked_for_facts == 0


async def test_a_setting_wins_over_what_the_provider_tells(stage: Stage) -> None:
    model = WindowedModel(10**6, says=ModelFacts(window=10**6))
    await talk(stage, worker_for(stage, model, windows={"script/model": 2048}), [ENGLISH * 30] * 20)
    assert model.asked_for_facts == 0
    assert max(map(model.count, model.asked)) <= 2048


async def test_the_estimate_follows_what_the_provider_counts(stage: Stage) -> None:
    """A tokenizer that takes three times as many tokens as the estimate, which only the usage shows."""
    model = WindowedModel(8000, size=1.2, says=ModelFacts(window=8000))
    await talk(stage, worker_for(stage, model), [ENGLISH * 20] * 40)
    assert model.refused == 0


async def test_a_prompt_that_the_provider_cut_in_silence_is_a_warning(stage: Stage) -> None:
    class Silent(WindowedModel):
        async def stream(self, ask: ModelRequest) -> AsyncGenerator[Sequence[Chunk]]:
            yield [TextDelta(("Yes.",)), FinishDelta("stop"), TokenUsage(min(self.count(ask), 1000), 2)]

    (events,) = await talk(stage, worker_for(stage, Silent(0)), [ENGLISH * 400])
    (warning,) = of_kind(events, "warning")
    assert (warning["code"], statuses(events)[-1]) == ("prompt_truncated", "completed")
    assert "1000 tokens" in warning["message"]


@pytest.mark.parametrize("window", [2_000, 8_000, 128_000])
async def test_a_thread_of_a_thousand_turns_in_three_scripts_completes_without_a_setting(
    stage: Stage, window: int
) -> None:
    model = WindowedModel(window, size=2.5)
    texts = [script * 12 for script in (ENGLISH, CHINESE, MIXED)]
    worker = worker_for(stage, model)
    async with stage.working(worker):
        n = await stage.run("Hi")
        thread_id = (await stage.row(n)).thread_id
        await stage.events(n)
        for block in range(20):
            await add_turns_of_block(stage, thread_id, block, texts)
            n = await stage.run(texts[block % 3], thread_id=thread_id)
            events = await stage.events(n)
            assert statuses(events)[-1] == "completed", of_kind(events, "error")
    assert model.refused <= 3


async def add_turns_of_block(stage: Stage, thread_id: str, block: int, texts: Sequence[str]) -> None:
    """Fifty turns, in each of the scripts."""
    ops: list[Op] = []
    for number in range(50):
        for role, said in (("user", texts[number % 3]), ("assistant", texts[(number + 1) % 3])):
            content = msgspec.json.encode(said).decode()
            op = message(f"msg_{block}_{number}_{role}", thread_id, content)
            ops.append(Op(op.query, {**op.params, "role": role}))
    await stage.store.of(OWNER).write(ops)


async def test_a_mistaken_refusal_does_not_shut_the_model(stage: Stage) -> None:
    model = WindowedModel(0, names="")
    worker = worker_for(stage, model)
    (events,) = await talk(stage, worker, ["Hi"])
    assert of_kind(events, "error")[0]["code"] == "context_length_exceeded"
    model.window = 10**6
    (events,) = await talk(stage, worker, [ENGLISH * 20])
    assert statuses(events)[-1] == "completed"


async def test_the_beginning_of_a_prompt_stays_the_same_from_turn_to_turn(stage: Stage) -> None:
    """A provider that caches prompts reuses it; a new cut at every turn would leave almost nothing of it."""
    model = WindowedModel(4096, says=ModelFacts(window=4096))
    await talk(stage, worker_for(stage, model), [f"{number}. {ENGLISH * 8}" for number in range(120)])
    whole = reused = 0
    for before, after in pairwise(model.asked[40:]):
        whole += model.count(after)
        same = len(list(takewhile(lambda pair: pair[0] == pair[1], zip(before.messages, after.messages, strict=False))))
        reused += model.count(replace(after, messages=after.messages[:same]))
    assert model.refused == 0
    assert reused / whole > 0.8


async def test_a_thread_is_shown_from_further_back_once_there_is_room(stage: Stage) -> None:
    model = WindowedModel(2048, says=ModelFacts(window=2048))
    async with stage.working(worker_for(stage, model)):
        n = await stage.run("Hi")
        thread_id = (await stage.row(n)).thread_id
        await stage.events(n)
        await add_turns(stage, thread_id, [ENGLISH * 8] * 40)
        await stage.events(await stage.run("And?", thread_id=thread_id))
        shown = len(model.asked[-1].messages)
    larger = WindowedModel(10**6, says=ModelFacts(window=10**6))
    async with stage.working(worker_for(stage, larger)):  # the operator has given the model more memory
        await stage.events(await stage.run("And now?", thread_id=thread_id))
    model = larger
    assert shown < 60 < len(model.asked[-1].messages)
