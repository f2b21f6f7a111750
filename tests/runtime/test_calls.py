"""Function calls: the caller answers those that can be answered, the platform the others."""

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.prompt import PromptCall
from projectdavid.engine.run import InputRefused, RunStatus
from tests.runtime.stage import Stage, calls, kinds, of_kind, statuses, text_of

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


async def test_a_call_is_told_answered_and_followed_by_the_answer(stage: Stage) -> None:
    provider = stage.play(calls(("add", '{"a": 1, "b": 2}'), text="Let me see."), say("It is 3."))
    n = await stage.run("1 + 2?", functions=["add"])
    async with stage.working():
        events = await stage.events(n, until=WAITS)
        assert kinds(events) == [
            "queued",
            "in_progress",
            "message_created",
            "content",
            "call_created",
            "call_arguments",
            "call_arguments",
            "message_completed",
            "tool_call_manifest",
            "requires_action",
        ]
        (manifest,) = of_kind(events, "tool_call_manifest")
        assert (manifest["tool"], manifest["args"]) == ("add", {"a": 1, "b": 2})
        assert (await stage.row(n)).lease is None
        await stage.answer(n, (manifest["tool_call_id"], "3"))
        rest = await stage.events(n, after=events[-1].position)
    assert kinds(rest)[:3] == ["tool_output", "queued", "in_progress"]
    assert text_of(rest) == "It is 3."
    assert rest[-1].data["usage"]["total_tokens"] == 30 + 13
    assert len(provider.asked) == 2
    question, turn, output = provider.asked[1].messages
    assert (question.role, turn.role, turn.content, output.role, output.content) == (
        "user",
        "assistant",
        "Let me see.",
        "tool",
        "3",
    )
    assert turn.calls == (PromptCall(manifest["tool_call_id"], "add", '{"a": 1, "b": 2}', "theirs_0"),)
    assert output.call_id == manifest["tool_call_id"]


async def test_the_ledger_and_the_thread_name_the_same_call(stage: Stage) -> None:
    stage.play(calls(("add", '{"a": 1}')), say("Two."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (manifest,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        (action,) = await stage.actions(n)
        assert (action.action_id, action.call_id) == (manifest["action_id"], manifest["tool_call_id"])
        assert (action.name, action.arguments, action.output, action.finished_at) == ("add", '{"a": 1}', None, None)
        await stage.answer(n, (manifest["tool_call_id"], "2"))
        (action,) = await stage.actions(n)
        assert action.output == "2"
        assert action.finished_at is not None
        await stage.events(n)


async def test_calls_get_ids_of_ours_because_models_repeat_theirs(stage: Stage) -> None:
    stage.play(calls(("add", "{}"), ("add", "{}")), calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        first = await stage.events(n, until=WAITS)
        await stage.answer(n, *((data["tool_call_id"], "1") for data in of_kind(first, "tool_call_manifest")))
        second = await stage.events(n, after=first[-1].position, until=WAITS)
        await stage.answer(n, *((data["tool_call_id"], "1") for data in of_kind(second, "tool_call_manifest")))
        await stage.events(n)
    actions = await stage.actions(n)
    assert len({action.call_id for action in actions}) == len({action.action_id for action in actions}) == 3
    assert [(action.turn, action.position) for action in actions] == [(1, 0), (1, 1), (2, 0)]


async def test_several_calls_can_be_answered_at_once_and_in_any_order(stage: Stage) -> None:
    provider = stage.play(calls(("add", '{"a": 1}'), ("find", '{"q": "x"}'), ("add", '{"a": 2}')), say("All done."))
    n = await stage.run(functions=["add", "find"])
    async with stage.working():
        manifests = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        assert [data["args"] for data in manifests] == [{"a": 1}, {"q": "x"}, {"a": 2}]
        ids = [data["tool_call_id"] for data in manifests]
        await stage.answer(n, *((id, f"output of {id}") for id in reversed(ids)))
        await stage.events(n)
    outputs = [message for message in provider.asked[1].messages if message.role == "tool"]
    assert [(output.call_id, output.content) for output in outputs] == [(id, f"output of {id}") for id in ids]


async def test_a_run_waits_until_the_last_of_its_calls_is_answered(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}"), ("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        one, two = (data["tool_call_id"] for data in of_kind(await stage.events(n, until=WAITS), "tool_call_manifest"))
        await stage.answer(n, (two, "second"))
        assert await stage.status(n) is RunStatus.REQUIRES_ACTION
        assert len(provider.asked) == 1
        with pytest.raises(InputRefused, match=two) as refused:
            await stage.answer(n, (one, "first"), (two, "again"))
        assert refused.value.code == "call_answered"
        assert [action.output for action in await stage.actions(n)] == [None, "second"]
        await stage.answer(n, (one, "first"))
        events = await stage.events(n)
    assert [data["output"] for data in of_kind(events, "tool_output")] == ["second", "first"]
    assert [message.content for message in provider.asked[1].messages if message.role == "tool"] == ["first", "second"]


async def test_an_output_for_a_call_that_nobody_made_is_refused_and_changes_nothing(stage: Stage) -> None:
    stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        events = await stage.events(n, until=WAITS)
        (call,) = of_kind(events, "tool_call_manifest")
        before = await stage.row(n)
        with pytest.raises(InputRefused) as refused:
            await stage.answer(n, (call["tool_call_id"], "1"), ("call_of_a_stranger", "1"))
        assert (refused.value.code, refused.value.param) == ("unknown_call", "tool_outputs.1.tool_call_id")
        assert await stage.row(n) == before
        assert [action.output for action in await stage.actions(n)] == [None]


async def test_outputs_for_a_run_that_does_not_wait_are_refused(stage: Stage) -> None:
    n = await stage.run()
    async with stage.working():
        await stage.events(n)
    with pytest.raises(InputRefused) as refused:
        await stage.answer(n, ("call", "1"))
    assert refused.value.code == "invalid_state"


@pytest.mark.parametrize(
    ("name", "arguments", "hint"),
    [
        ("fly", "{}", "there is no function 'fly'"),
        ("add", '{"a": ', "not valid JSON"),
        ("add", '{"a": NaN}', "not valid JSON"),
        ("add", '{"a": "\\ud83d"}', "not valid JSON"),
        ("add", "[1, 2]", "must be one JSON object"),
    ],
)
async def test_a_call_that_nobody_can_answer_goes_back_to_the_model(
    stage: Stage, name: str, arguments: str, hint: str
) -> None:
    provider = stage.play(calls((name, arguments)), say("Sorry."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        events = await stage.events(n)
    assert statuses(events) == ["queued", "in_progress", "completed"]
    (output,) = of_kind(events, "tool_output")
    assert output["error"] is True
    assert hint in output["output"]
    _, turn, answer = provider.asked[1].messages
    assert (turn.calls[0].name, turn.calls[0].arguments) == (name, arguments)
    assert answer.content == output["output"]
    (action,) = await stage.actions(n)
    assert action.output == output["output"]


async def test_only_what_can_be_answered_is_asked_of_the_caller(stage: Stage) -> None:
    provider = stage.play(calls(("fly", "{}"), ("add", '{"a": 1}')), say("Two."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        assert call["tool"] == "add"
        await stage.answer(n, (call["tool_call_id"], "2"))
        await stage.events(n)
    outputs = [message.content for message in provider.asked[1].messages if message.role == "tool"]
    assert "there is no function" in str(outputs[0])
    assert outputs[1] == "2"


async def test_arguments_that_are_left_out_are_none(stage: Stage) -> None:
    stage.play(calls(("now", "")), say("Noon."))
    n = await stage.run(functions=["now"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        assert call["args"] == {}


async def test_large_numbers_in_arguments_arrive_as_they_were_written(stage: Stage) -> None:
    stage.play(calls(("add", '{"a": 123456789012345678901234567890}')), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        assert call["args"] == {"a": 123456789012345678901234567890}


async def test_a_turn_that_only_calls_is_not_shown_as_a_message(stage: Stage) -> None:
    stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "1"))
        await stage.events(n)
    assert [msgspec.json.decode(answer.content) for answer in await stage.answers(n)] == ["Done."]


async def test_a_forced_call_is_forced_once(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"], tool_choice="required")
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "1"))
        await stage.events(n)
    assert [ask.tool_choice for ask in provider.asked] == ["required", "auto"]


async def test_calls_of_a_cancelled_run_do_not_spoil_the_next_prompt(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}"), text="Let me see."), say("Hello."))
    n = await stage.run("Add.", functions=["add"])
    async with stage.working():
        await stage.events(n, until=WAITS)
        await stage.cancel(n)
        second = await stage.run("Never mind.", thread_id=(await stage.row(n)).thread_id, functions=["add"])
        await stage.events(second)
    assert [(message.content, message.calls) for message in provider.asked[1].messages] == [
        ("Add.", ()),
        ("Let me see.", ()),
        ("Never mind.", ()),
    ]
