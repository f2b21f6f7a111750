"""An assistant that is run to the end, with Python functions as its tools."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from projectdavid import (
    AsyncEntity,
    BadRequestError,
    ConflictError,
    Entity,
    Event,
    InternalServerError,
    RunFailed,
    StatusEvent,
)
from projectdavid.protocol.assistants import Assistant
from projectdavid.protocol.threads import Thread
from tests.client.fake import Fake, error
from tests.client.runs import FakeRun, call, said, status
from tests.client.samples import ASSISTANT, MESSAGE, THREAD

ASSISTANT_ID = str(ASSISTANT["id"])
SUBMIT = "POST /v1/runs/run_1/submit_tool_outputs"
ADDING = [
    [status("in_progress"), *said("let me see"), call("add", x=2, y="3"), status("action_required")],
    [("tool_output", {"tool_call_id": "call_1", "output": "5"}), *said("it is 5", 2), status("completed")],
]


def add(x: int, y: int) -> int:
    """Add two numbers."""
    return x + y


def test_a_function_is_called_and_the_run_goes_on(fake: Fake, client: Entity) -> None:
    run = FakeRun(fake, ADDING, cut=1)
    run.messages = [
        MESSAGE,
        MESSAGE | {"id": "message_2", "role": "assistant", "content": "let me see", "run_id": "run_1"},
        MESSAGE | {"id": "message_3", "role": "assistant", "content": "it is 5", "run_id": "run_1"},
    ]
    events: list[Event] = []
    result = client.runs.run(
        ASSISTANT_ID, "thread_1", content="2 + 3?", tools=[add], on_event=events.append, temperature=0
    )
    assert (result.text, str(result), result.run.status) == ("it is 5", "it is 5", "completed")
    assert [message.id for message in result.messages] == ["message_2", "message_3"]
    assert run.outputs == [{"tool_call_id": "call_1", "output": "5"}]
    assert [event.position for event in events] == list(range(1, len(run.journal) + 1))
    asked = {one.line: one.body for one in fake.asked}
    assert asked["POST /v1/messages"] == {"thread_id": "thread_1", "content": "2 + 3?", "role": "user"}
    assert asked["POST /v1/runs"]["temperature"] == 0
    code, function = asked["POST /v1/runs"]["tools"]
    assert code == {"type": "code_interpreter"}, "the assistant's own tools stay"
    assert function["function"]["description"] == "Add two numbers."
    assert function["function"]["parameters"]["required"] == ["x", "y"]


def test_without_messages_the_text_is_what_was_streamed(fake: Fake, client: Entity) -> None:
    FakeRun(fake, ADDING)
    assert client.runs.run(ASSISTANT_ID, "thread_1", tools=[add]).text == "itis5"


def test_without_functions_the_tools_of_the_assistant_are_left_alone(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [[*said("hi"), status("completed")]])
    thread = Thread.model_validate(THREAD)
    client.runs.run(Assistant.model_validate(ASSISTANT), thread)
    assert fake.asked[0].line == "POST /v1/runs", "nothing was said, nothing was looked up"
    assert fake.asked[0].body == {"assistant_id": ASSISTANT_ID, "thread_id": "thread_1"}


def test_several_calls_are_answered_at_once(fake: Fake, client: Entity) -> None:
    calls = [call("add", 1, x=1, y=1), call("add", 2, x=2, y=2)]
    run = FakeRun(fake, [[*calls, status("action_required")], [status("completed")]])
    client.runs.run(ASSISTANT_ID, "thread_1", tools=[add])
    assert [output["output"] for output in run.outputs] == ["2", "4"]
    assert fake.lines().count(SUBMIT) == 1


def test_turn_after_turn_only_the_new_calls_are_answered(fake: Fake, client: Entity) -> None:
    turns = [[call("add", number, x=number, y=0), status("action_required")] for number in (1, 2, 3)]
    run = FakeRun(fake, [*turns, [status("completed")]])
    client.runs.run(ASSISTANT_ID, "thread_1", tools=[add])
    assert len(run.outputs) == 3
    answered = [one.body["tool_outputs"] for one in fake.asked if one.line == SUBMIT]
    assert [[output["output"] for output in some] for some in answered] == [["1"], ["2"], ["3"]]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"x": 1}, "invalid arguments of add: y: Field required"),
        ({"x": 1, "y": "one"}, "invalid arguments of add: y: Input should be a valid integer"),
        ({"x": 1, "y": 2, "z": 3}, "invalid arguments of add: z: Extra inputs are not permitted"),
    ],
)
def test_arguments_that_do_not_fit_are_told_to_the_model(
    fake: Fake, client: Entity, arguments: dict[str, Any], told: str
) -> None:
    run = FakeRun(fake, [[call("add", **arguments), status("action_required")], [status("completed")]])
    client.runs.run(ASSISTANT_ID, "thread_1", tools=[add])
    assert json.loads(run.outputs[0]["output"])["error"].startswith(told)


def test_a_function_that_fails_is_told_to_the_model_and_logged(
    fake: Fake, client: Entity, caplog: pytest.LogCaptureFixture
) -> None:
    def weather(city: str) -> str:
        raise LookupError(f"no such city: {city}")

    run = FakeRun(fake, [[call("weather", city="Ys"), status("action_required")], [status("completed")]])
    with caplog.at_level(logging.ERROR, "projectdavid"):
        assert client.runs.run(ASSISTANT_ID, "thread_1", tools=[weather]).run.status == "completed"
    assert json.loads(run.outputs[0]["output"]) == {"error": "LookupError: no such city: Ys"}
    assert "the function tool weather failed" in caplog.text


def test_a_function_that_nobody_gave_ends_in_an_error_that_names_it(fake: Fake, client: Entity) -> None:
    calls = [call("add", 1, x=1, y=1), call("fly", 2)]
    run = FakeRun(fake, [[*calls, status("action_required")], [status("completed")]])
    with pytest.raises(
        RunFailed, match=r"waits for the output of functions that were not passed to it: .*fly"
    ) as caught:
        client.runs.run(ASSISTANT_ID, "thread_1", tools=[add])
    assert caught.value.run.status == "action_required"
    assert run.outputs == [{"tool_call_id": "call_1", "output": "2"}], "what can be answered is"
    assert client.runs.run(ASSISTANT_ID, "thread_1", check=False).run.status == "action_required"


@pytest.mark.parametrize("final", ["failed", "expired", "cancelled"])
def test_a_run_that_does_not_end_well_is_an_error_unless_one_looks_oneself(
    fake: Fake, client: Entity, final: str
) -> None:
    run = FakeRun(fake, [[*said("hi"), status(final)]])
    run.final = final
    with pytest.raises(RunFailed, match=f"the run run_1 has the status {final}"):
        client.runs.run(ASSISTANT_ID, "thread_1")
    assert client.runs.run(ASSISTANT_ID, "thread_1", check=False).text == "hi"


def test_a_run_that_was_cut_short_is_given_back(fake: Fake, client: Entity) -> None:
    run = FakeRun(fake, [[*said("hi"), status("incomplete")]])
    run.final = "incomplete"
    assert client.runs.run(ASSISTANT_ID, "thread_1").run.status == "incomplete"


def test_outputs_whose_answer_got_lost_are_taken_once(fake: Fake, client: Entity) -> None:
    calls: list[int] = []

    def once() -> str:
        calls.append(1)
        return "done"

    run = FakeRun(fake, [[call("once"), status("action_required")], [status("completed")]], lose=1)
    assert client.runs.run(ASSISTANT_ID, "thread_1", tools=[once]).run.status == "completed"
    assert run.outputs == [{"tool_call_id": "call_1", "output": "done"}]
    assert (fake.lines().count(SUBMIT), len(calls)) == (2, 1)
    assert len({asked.headers["idempotency-key"] for asked in fake.asked if asked.line == SUBMIT}) == 1


def test_outputs_that_did_not_arrive_are_handed_in_again(fake: Fake, client: Entity) -> None:
    run = FakeRun(fake, [[call("add", x=1, y=1), status("action_required")], [status("completed")]])
    fake.on(SUBMIT, error(502), error(500), run.submit)
    assert client.runs.run(ASSISTANT_ID, "thread_1", tools=[add]).run.status == "completed"
    assert fake.lines().count(SUBMIT) == 3


@pytest.mark.parametrize(("status_code", "kind", "times"), [(502, InternalServerError, 3), (400, BadRequestError, 1)])
def test_outputs_that_cannot_be_handed_in_are_an_error(
    fake: Fake, client: Entity, status_code: int, kind: type[Exception], times: int
) -> None:
    FakeRun(fake, [[call("add", x=1, y=1), status("action_required")], [status("completed")]])
    fake.on(SUBMIT, error(status_code))
    with pytest.raises(kind):
        client.runs.run(ASSISTANT_ID, "thread_1", tools=[add])
    assert fake.lines().count(SUBMIT) == times


def test_a_thread_that_is_busy_is_a_conflict(fake: Fake, client: Entity) -> None:
    FakeRun(fake, [[status("completed")]])
    fake.on("POST /v1/runs", error(409, "thread_busy"))
    with pytest.raises(ConflictError, match="thread_busy"):
        client.runs.run(ASSISTANT_ID, "thread_1")


def test_a_function_that_cannot_be_a_tool_is_refused_before_anything_is_said(fake: Fake, client: Entity) -> None:
    with pytest.raises(TypeError, match="needs a name"):
        client.runs.run(ASSISTANT_ID, "thread_1", content="hi", tools=[lambda: 1])
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        client.runs.run(ASSISTANT_ID, "thread_1", content="hi", temprature=1)  # type: ignore[call-arg]
    assert fake.asked == []


def test_an_async_function_tells_the_sync_client_s_model_that_it_cannot_be_called(
    fake: Fake, client: Entity, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> str:
        return "x"

    run = FakeRun(fake, [[call("ask"), status("action_required")], [status("completed")]])
    client.runs.run(ASSISTANT_ID, "thread_1", tools=[ask])
    assert "an async function can only be a tool of AsyncEntity" in run.outputs[0]["output"]


def test_the_async_client_awaits_async_functions_and_calls_others_beside_the_loop(
    fake: Fake, new_async_client: Callable[[], AsyncEntity]
) -> None:
    threads: dict[str, str] = {}
    statuses: list[str] = []

    async def gentle(x: int) -> int:
        threads["gentle"] = threading.current_thread().name
        return x

    def blocking(x: int) -> int:
        threads["blocking"] = threading.current_thread().name
        return x

    async def listen(event: Event) -> None:
        if isinstance(event, StatusEvent):
            statuses.append(event.status)

    calls = [call("gentle", 1, x=1), call("blocking", 2, x=2)]
    run = FakeRun(fake, [[*calls, status("action_required")], [status("completed")]], cut=2)

    async def main() -> None:
        async with new_async_client() as client:
            await client.runs.run(ASSISTANT_ID, "thread_1", content="go", tools=[gentle, blocking], on_event=listen)

    asyncio.run(main())
    assert [output["output"] for output in run.outputs] == ["1", "2"]
    assert threads["gentle"] == threading.main_thread().name
    assert threads["blocking"] != threading.main_thread().name
    assert statuses == ["action_required", "completed"]
