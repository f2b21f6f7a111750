"""Runs that go well, and runs that a limit ends."""

import asyncio
from itertools import pairwise

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.deltas import FinishDelta, ReasoningDelta, TextDelta, TokenUsage
from projectdavid.engine.inputs import RunStarted
from projectdavid.engine.prompt import PromptMessage
from projectdavid.engine.run import RunStatus
from tests.runtime.stage import START, Stage, calls, kinds, of_kind, text_of

pytestmark = pytest.mark.anyio


async def test_a_run_answers_a_thread_and_tells_every_step(stage: Stage) -> None:
    stage.play(say("Hello from the script."))
    n = await stage.run("Hi")
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events) == [
        "queued",
        "in_progress",
        "message_created",
        *["content"] * 4,
        "message_completed",
        "completed",
    ]
    assert text_of(events) == "Hello from the script."
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    (answer,) = await stage.answers(n)
    assert msgspec.json.decode(answer.content) == "Hello from the script."
    assert (answer.status, answer.run_id, answer.assistant_id) == ("completed", (await stage.row(n)).id, "asst_1")
    assert {answer.id} == {
        data["message_id"] for kind in ("message_created", "message_completed") for data in of_kind(events, kind)
    }
    assert events[-1].data["usage"] == {
        "prompt_tokens": 10,
        "completion_tokens": 4,
        "total_tokens": 14,
        "cached_tokens": 0,
        "reasoning_tokens": 0,
        "estimated": False,
        "cost": None,
    }


async def test_the_run_and_its_journal_say_the_same(stage: Stage) -> None:
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    run = await stage.state(n)
    assert run.status == events[-1].data["status"] == "completed"
    assert (run.turn, run.started_at, run.ended_at) == (1, START, START)
    assert (await stage.row(n)).lease is None


async def test_the_model_is_asked_with_what_the_run_was_made_with(stage: Stage) -> None:
    provider = stage.play(say('{"is": true}'))
    n = await stage.run(
        "Is it?",
        functions=["add"],
        model="script/large:7b",
        instructions="Be brief.",
        additional_instructions="And kind.",
        temperature=0.2,
        top_p=0.5,
        max_completion_tokens=100,
        tool_choice="auto",
        parallel_tool_calls=False,
        response_format="json",
    )
    async with stage.working():
        await stage.events(n)
    (ask,) = provider.asked
    assert ask.messages == (PromptMessage("system", "Be brief.\n\nAnd kind."), PromptMessage("user", "Is it?"))
    assert (ask.model, ask.options["temperature"], ask.options["top_p"], ask.max_tokens) == ("large:7b", 0.2, 0.5, 100)
    assert (ask.tool_choice, ask.parallel_tool_calls) == ("auto", False)
    assert [tool["name"] for tool in ask.tools] == ["add"]
    assert ask.response_format == {"type": "json_object"}


async def test_a_run_without_functions_says_nothing_of_them_to_the_model(stage: Stage) -> None:
    n = await stage.run(tool_choice="required", parallel_tool_calls=True)
    async with stage.working():
        await stage.events(n)
    (ask,) = stage.provider.asked
    assert (ask.tools, ask.tool_choice, ask.parallel_tool_calls) == ((), None, None)


async def test_a_run_without_a_name_of_a_provider_goes_to_nobody_and_says_who_is_there(stage: Stage) -> None:
    n = await stage.run(model="nobody/model")
    async with stage.working():
        events = await stage.events(n)
    (error,) = of_kind(events, "error")
    assert error["code"] == "model_not_found"
    assert "script/..." in error["message"]
    assert await stage.status(n) is RunStatus.FAILED


async def test_a_second_run_sees_what_the_first_one_said(stage: Stage) -> None:
    provider = stage.play(say("I am Ada."), say("Ada."))
    async with stage.working():
        first = await stage.run("Who are you?")
        await stage.events(first)
        second = await stage.run("Again?", thread_id=(await stage.row(first)).thread_id)
        await stage.events(second)
    assert [message.content for message in provider.asked[1].messages] == ["Who are you?", "I am Ada.", "Again?"]


async def test_reasoning_is_told_and_kept_but_not_part_of_the_answer(stage: Stage) -> None:
    stage.play(
        [[ReasoningDelta(("Let me", " think."))], [TextDelta(("Four.",))], [FinishDelta("stop"), TokenUsage(1, 2)]]
    )
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert of_kind(events, "reasoning") == ["Let me", " think."]
    assert text_of(events) == "Four."
    (answer,) = await stage.answers(n)
    assert answer.reasoning == "Let me think."


async def test_a_model_that_says_nothing_leaves_no_message_but_a_warning(stage: Stage) -> None:
    stage.play([[TextDelta(())], [TextDelta(("",))], [FinishDelta("stop"), TokenUsage(1, 0)]])
    n = await stage.run()
    async with stage.working():
        assert kinds(await stage.events(n)) == ["queued", "in_progress", "warning", "completed"]
    assert await stage.answers(n) == []


async def test_usage_that_the_provider_leaves_out_is_estimated_and_said_to_be(stage: Stage) -> None:
    stage.play([[TextDelta(("x" * 350,))], [FinishDelta("stop")]])
    n = await stage.run("y" * 700)
    async with stage.working():
        events = await stage.events(n)
    usage = events[-1].data["usage"]
    assert usage["estimated"] is True
    assert usage["completion_tokens"] >= 100
    assert usage["prompt_tokens"] >= 200
    assert usage["total_tokens"] == usage["completion_tokens"] + usage["prompt_tokens"]


async def test_an_answer_that_was_cut_at_its_length_ends_the_run_as_incomplete(stage: Stage) -> None:
    stage.play([[TextDelta(("Once upon a",))], [FinishDelta("length"), TokenUsage(10, 3)]])
    n = await stage.run(max_completion_tokens=3)
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["message_completed", "incomplete"]
    assert events[-1].data["incomplete_details"] == "max_completion_tokens"
    (answer,) = await stage.answers(n)
    assert (answer.status, answer.reason) == ("incomplete", "max_tokens")


@pytest.mark.parametrize(
    ("config", "reason", "asks"),
    [
        ({"max_turns": 2}, "max_turns", 2),
        ({"max_completion_tokens": 15}, "max_completion_tokens", 2),
        ({"max_prompt_tokens": 20}, "max_prompt_tokens", 1),
    ],
)
async def test_a_run_ends_at_its_budget_of_turns_and_tokens(stage: Stage, config: dict, reason: str, asks: int) -> None:
    provider = stage.play(calls(("fly", "{}")))
    n = await stage.run("Go.", functions=["add"], **config)
    async with stage.working():
        events = await stage.events(n)
    assert events[-1].data["status"] == "incomplete"
    assert events[-1].data["incomplete_details"] == reason
    assert len(provider.asked) == asks
    if reason == "max_completion_tokens":
        assert [ask.max_tokens for ask in provider.asked] == [15, 5]


async def test_a_thread_that_outgrows_the_budget_is_cut_and_one_that_cannot_be_is_refused(stage: Stage) -> None:
    provider = stage.play(say("Yes."))
    async with stage.working():
        first = await stage.run("x" * 1000)
        await stage.events(first)
        thread_id = (await stage.row(first)).thread_id
        second = await stage.run("short", thread_id=thread_id, max_prompt_tokens=100)
        await stage.events(second)
        third = await stage.run("y" * 1000, thread_id=thread_id, max_prompt_tokens=100)
        events = await stage.events(third)
    assert [message.content for message in provider.asked[1].messages] == ["short"]
    assert events[-1].data["incomplete_details"] == "max_prompt_tokens"
    assert len(provider.asked) == 2


async def test_a_message_that_exceeds_the_context_window_fails_the_run_and_asks_nobody(stage: Stage) -> None:
    n = await stage.run("x" * 1_000_000)
    async with stage.working():
        events = await stage.events(n)
    assert [error["code"] for error in of_kind(events, "error")] == ["context_length_exceeded"]
    assert stage.provider.asked == []


async def test_a_run_that_waits_to_be_started_waits(stage: Stage) -> None:
    waiting = await stage.run(status=RunStatus.PENDING)
    async with stage.working():
        await stage.events(await stage.run())
        assert await stage.status(waiting) is RunStatus.PENDING
        await stage.driver.decide(waiting, RunStarted())
        events = await stage.events(waiting)
    assert kinds(events)[:3] == ["pending", "queued", "in_progress"]


async def test_what_a_run_does_without_is_told_at_its_beginning(stage: Stage) -> None:
    n = await stage.run(warnings=({"code": "tool_unavailable", "message": "No web."},))
    async with stage.working():
        events = await stage.events(n)
    assert kinds(events)[:3] == ["queued", "warning", "in_progress"]
    assert of_kind(events, "warning") == [{"code": "tool_unavailable", "message": "No web."}]


async def test_as_many_runs_as_allowed_are_worked_on_at_once_and_no_more(stage: Stage) -> None:
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("a",))], gate, [FinishDelta("stop"), TokenUsage(1, 1)]])
    runs = [await stage.run(f"Run {number}") for number in range(10)]
    worker = stage.worker(runs=8)  # one owner gets at most half of them
    async with stage.working(worker):
        for n in runs[:4]:
            await stage.until(n, "content")
        await stage.quiet()
        assert (worker.at_work, len(provider.asked)) == (4, 4)
        gate.set()
        for n in runs:
            assert kinds(await stage.events(n))[-1] == "completed"
    assert sorted(ask.messages[0].content for ask in provider.asked) == [f"Run {number}" for number in range(10)]


async def test_a_worker_that_is_full_takes_the_next_run_as_soon_as_it_can(stage: Stage) -> None:
    runs = [await stage.run() for _ in range(5)]
    async with stage.working(runs=1, look=1000.0):
        for n in runs:
            await stage.events(n)


async def test_the_model_is_asked_in_the_order_in_which_runs_came(stage: Stage) -> None:
    runs = [await stage.run(f"Run {number}") for number in range(5)]
    async with stage.working(runs=1):
        for n in runs:
            await stage.events(n)
    said = [ask.messages[0].content for ask in stage.provider.asked]
    assert all(before < after for before, after in pairwise(said))


async def test_a_worker_that_is_told_to_finish_waits_for_its_runs(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.play([[TextDelta(("a",))], gate, [TextDelta(("b",)), FinishDelta("stop"), TokenUsage(1, 1)]])
    worker = stage.worker()
    n = await stage.run()
    async with stage.working(worker):
        await stage.until(n, "content")
        assert worker.at_work == 1
        asyncio.get_running_loop().call_soon(gate.set)
        await worker.drain(10)
        assert await stage.status(n) is RunStatus.COMPLETED
