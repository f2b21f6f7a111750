"""Runs: their fields, their states, what a model is asked for them, and what they leave behind."""

import json
from typing import Any

import pytest

from tests.compat.behaviours.wire import Json, Wire, ok, path_of, refused
from tests.server.talking import WEATHER

behaviour = pytest.mark.behaviour
KEYS = {
    *("id", "object", "created_at", "thread_id", "assistant_id", "status", "required_action", "last_error"),
    *("expires_at", "started_at", "cancelled_at", "failed_at", "completed_at", "incomplete_details", "model"),
    *("instructions", "tools", "metadata", "usage", "temperature", "top_p", "max_prompt_tokens"),
    *("max_completion_tokens", "truncation_strategy", "tool_choice", "parallel_tool_calls", "response_format"),
}


def asked(wire: Wire, run: Json) -> Json:
    """What the mirror was asked."""
    run = wire.ended(run)
    assert run["status"] == "completed", run
    return json.loads(wire.messages(run["thread_id"])[-1]["content"][0]["text"]["value"])


@behaviour("runs.object", "runs.expires-at", "runs.usage")
def test_a_new_run_has_every_field(wire: Wire) -> None:
    run = wire.run("silent")
    assert run.keys() >= KEYS
    assert run["expires_at"] == run["created_at"] + 600
    assert {name: run[name] for name in KEYS - {"id", "created_at", "expires_at", "thread_id", "assistant_id"}} == {
        "object": "thread.run",
        "status": "queued",
        "required_action": None,
        "last_error": None,
        "started_at": None,
        "cancelled_at": None,
        "failed_at": None,
        "completed_at": None,
        "incomplete_details": None,
        "model": "scripted/silent",
        "instructions": "",
        "tools": [],
        "metadata": {},
        "usage": None,
        "temperature": 1.0,
        "top_p": 1.0,
        "max_prompt_tokens": None,
        "max_completion_tokens": None,
        "truncation_strategy": {"type": "auto", "last_messages": None},
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "response_format": "auto",
    }


@behaviour("runs.completed", "runs.expires-at", "runs.usage")
def test_a_run_that_is_done_says_when_and_what_it_took(wire: Wire) -> None:
    run = wire.done()
    assert (run["status"], run["expires_at"], run["required_action"]) == ("completed", None, None)
    assert run["created_at"] <= run["started_at"] <= run["completed_at"]
    usage = {name: run["usage"][name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    assert usage == {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}
    message = wire.messages(run["thread_id"])[-1]
    assert (message["role"], message["run_id"], message["status"]) == ("assistant", run["id"], "completed")
    assert message["assistant_id"] == run["assistant_id"]


@behaviour("runs.requires-action", "runs.expires-at", "runs.usage")
def test_a_run_that_waits_says_for_what(wire: Wire) -> None:
    run = wire.waiting("two_calls")
    assert (run["usage"], run["expires_at"]) == (None, run["created_at"] + 600)
    assert run["required_action"].keys() == {"type", "submit_tool_outputs"}
    assert run["required_action"]["type"] == "submit_tool_outputs"
    calls = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert [(call["type"], call["function"]) for call in calls] == [
        ("function", {"name": "get_weather", "arguments": '{"city": "Oslo"}'}),
        ("function", {"name": "get_weather", "arguments": '{"city": "Rome"}'}),
    ]
    on = wire.submit(run, "rain", "sun").json()
    assert on["status"] in ("queued", "in_progress")
    done = wire.ended(run)
    assert (done["status"], done["required_action"]) == ("completed", None)
    assert done["usage"]["prompt_tokens"] == 30


@behaviour("runs.cancel")
def test_a_run_that_works_is_cancelled(wire: Wire) -> None:
    run = wire.working()
    assert wire.make(f"{path_of(run)}/cancel")["status"] in ("cancelling", "cancelled")
    run = wire.ended(run)
    assert (run["status"], run["last_error"], run["completed_at"]) == ("cancelled", None, None)
    assert run["cancelled_at"] >= run["created_at"]


@behaviour("runs.cancel")
def test_a_run_that_waits_for_outputs_is_cancelled_and_frees_its_thread(wire: Wire) -> None:
    run = wire.waiting()
    wire.make(f"{path_of(run)}/cancel")
    run = wire.ended(run)
    assert (run["status"], run["required_action"]) == ("cancelled", None)
    wire.make(f"/threads/{run['thread_id']}/messages", role="user", content="On")
    [step] = wire.steps(run)
    assert step["status"] == "cancelled"
    assert step["cancelled_at"] is not None


@behaviour("runs.expired")
@pytest.mark.parametrize("model", ["caller", "mute"])
def test_a_run_that_takes_too_long_expires(hurried: Wire, model: str) -> None:
    run = hurried.run(model, tools=[WEATHER])
    assert run["expires_at"] == run["created_at"] + 2
    run = hurried.ended(run)
    assert (run["status"], run["required_action"], run["completed_at"]) == ("expired", None, None)
    hurried.make(f"/threads/{run['thread_id']}/messages", role="user", content="On")
    answer = hurried.post(f"{path_of(run)}/submit_tool_outputs", json={"tool_outputs": []})
    assert answer.status_code == 400
    if model == "caller":
        [step] = hurried.steps(run)
        assert (step["status"], step["expired_at"] is not None) == ("expired", True)


@behaviour("errors.outputs-in-wrong-state")
def test_outputs_that_come_too_late_are_refused(hurried: Wire) -> None:
    run = hurried.waiting()
    hurried.ended(run)
    refused(hurried.submit(run, "rain"), 400, 'Runs in status "expired" do not accept tool outputs.')


@behaviour("runs.failed")
@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("broken", "server_error"),
        ("limited", "rate_limit_exceeded"),
        ("picky", "server_error"),
        ("moderated", "invalid_prompt"),
        ("long", "invalid_prompt"),
    ],
)
def test_a_run_whose_model_fails_says_so(wire: Wire, model: str, code: str) -> None:
    run = wire.done(model)
    assert (run["status"], run["last_error"]["code"]) == ("failed", code)
    assert run["last_error"]["message"]
    assert run["failed_at"] is not None


@behaviour("runs.incomplete")
def test_a_reply_that_is_cut_off_leaves_the_run_incomplete(wire: Wire) -> None:
    run = wire.done("short")
    assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})
    message = wire.messages(run["thread_id"])[-1]
    assert (message["status"], message["incomplete_details"]) == ("incomplete", {"reason": "max_tokens"})
    assert message["content"][0]["text"]["value"] == "I stop in the mid"
    assert message["incomplete_at"] is not None


@behaviour("messages.broken-run")
def test_a_message_that_was_begun_says_that_its_run_failed(wire: Wire) -> None:
    run = wire.done("broken")
    message = wire.messages(run["thread_id"])[-1]
    assert (message["role"], message["content"][0]["text"]["value"]) == ("assistant", "I break")
    assert (message["status"], message["incomplete_details"]) == ("incomplete", {"reason": "run_failed"})


@behaviour("runs.overrides", "runs.sampling")
def test_a_run_overrides_its_assistant(wire: Wire) -> None:
    assistant = wire.assistant("nothing", instructions="Be kind.", temperature=0.1)
    over: dict[str, Any] = {
        "model": "scripted/mirror",
        "instructions": "Be brief.",
        "additional_instructions": "And bold.",
        "additional_messages": [{"role": "user", "content": "More"}],
        "tools": [WEATHER],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "parallel_tool_calls": False,
        "temperature": 0.7,
        "top_p": 0.9,
        "response_format": {"type": "json_object"},
        "reasoning_effort": "low",
        "metadata": {"a": "1"},
        "max_completion_tokens": 1000,
        "truncation_strategy": {"type": "last_messages", "last_messages": 2},
    }
    thread = wire.thread("Old", "Hi")
    run = wire.make(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], **over)
    kept = ("model", "tool_choice", "parallel_tool_calls", "temperature", "top_p", "response_format", "metadata")
    assert {name: run[name] for name in kept} == {name: over[name] for name in kept}
    assert run["truncation_strategy"] == over["truncation_strategy"]
    assert run["max_completion_tokens"] == 1000
    got = asked(wire, run)
    (role, system), *said = got["messages"]
    assert role == "system"
    assert "Be kind." not in system
    assert system.index("Be brief.") < system.index("And bold.")
    assert said == [["user", "Hi"], ["user", "More"]]
    assert got["tools"] == ["get_weather"]
    sampling = ("temperature", "top_p", "parallel_tool_calls", "response_format", "reasoning_effort")
    assert {name: got[name] for name in sampling} == {name: over[name] for name in sampling}


@behaviour("runs.instructions")
def test_additional_instructions_stand_behind_those_of_the_assistant(wire: Wire) -> None:
    assistant = wire.assistant("mirror", instructions="Be kind.")
    path = f"/threads/{wire.thread('Hi')['id']}/runs"
    run = wire.make(path, assistant_id=assistant["id"], additional_instructions="And bold.")
    system = asked(wire, run)["messages"][0][1]
    assert system.index("Be kind.") < system.index("And bold.")


@behaviour("runs.tool-choice")
@pytest.mark.parametrize("choice", ["none", "auto", "required"])
def test_a_tool_choice_comes_back(wire: Wire, choice: str) -> None:
    run = wire.run("mirror", tools=[WEATHER], tool_choice=choice)
    assert run["tool_choice"] == choice
    asked(wire, run)


NO_INPUT = "Run creation requires a Thread with a user message or an assistant with instructions."
HI = {"role": "user", "content": "Hi"}
ANSWER = {"role": "assistant", "content": "Hi"}
NOTHING: list[tuple[list[Json], Json]] = [
    ([], {}),
    ([ANSWER], {}),
    ([], {"additional_messages": [ANSWER]}),
    ([], {"instructions": "", "max_completion_tokens": 16}),
]
SOMETHING: list[tuple[list[Json], Json]] = [
    ([ANSWER, HI], {}),
    ([], {"additional_messages": [HI]}),
    ([], {"instructions": "Say hello."}),
    ([], {"additional_instructions": "Say hello."}),
]
"""Messages of a thread, and fields of a run."""


@behaviour("runs.invalid-thread")
@pytest.mark.parametrize(("messages", "fields"), NOTHING)
def test_a_run_without_anything_to_answer_is_refused(wire: Wire, messages: list[Json], fields: Json) -> None:
    thread = wire.make("/threads", messages=messages)
    body = {"assistant_id": wire.assistant()["id"], **fields}
    answers = [wire.post(f"/threads/{thread['id']}/runs", json=body)]
    if "additional_messages" not in fields:
        answers.append(wire.post("/threads/runs", json={**body, "thread": {"messages": messages}}))
    for answer in answers:
        refused(answer, 400, NO_INPUT, type="invalid_request_error", param=None, code="invalid_thread")
    assert wire.read(f"/threads/{thread['id']}/runs")["data"] == []
    wire.make(f"/threads/{thread['id']}/runs", assistant_id=wire.assistant(instructions="Say hello.")["id"])


@behaviour("runs.invalid-thread")
@pytest.mark.parametrize(("messages", "fields"), SOMETHING)
def test_a_message_of_the_user_or_instructions_are_enough_for_a_run(
    wire: Wire, messages: list[Json], fields: Json
) -> None:
    thread = wire.make("/threads", messages=messages)
    body = {"assistant_id": wire.assistant()["id"], **fields}
    assert wire.ended(wire.make(f"/threads/{thread['id']}/runs", **body))["status"] == "completed"


@behaviour("runs.invalid-thread")
def test_a_thread_whose_messages_of_the_user_were_deleted_has_nothing_to_answer(wire: Wire) -> None:
    thread = wire.thread("Hi")
    ok(wire.delete(f"/threads/{thread['id']}/messages/{wire.messages(thread['id'])[0]['id']}"))
    body = {"assistant_id": wire.assistant()["id"]}
    refused(wire.post(f"/threads/{thread['id']}/runs", json=body), 400, code="invalid_thread")


@behaviour("runs.limits")
def test_a_run_with_the_least_budgets_ends_incomplete(wire: Wire) -> None:
    few = wire.done("short", max_completion_tokens=1)
    assert (few["status"], few["incomplete_details"]) == ("incomplete", {"reason": "max_completion_tokens"})
    assistant = wire.assistant(instructions="Say hello.")
    for thread in (wire.thread("Hi"), wire.thread()):
        run = wire.ended(wire.make(f"/threads/{thread['id']}/runs", assistant_id=assistant["id"], max_prompt_tokens=1))
        assert (run["status"], run["incomplete_details"]) == ("incomplete", {"reason": "max_prompt_tokens"})
        assert all(message["role"] == "user" for message in wire.messages(thread["id"]))


@behaviour("runs.many-calls")
def test_all_calls_of_a_turn_are_answered_by_one_request_however_many(wire: Wire) -> None:
    run = wire.waiting("crowd")
    many = run["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert len(many) == 300
    assert wire.submit(run, *["rain"] * 300).status_code == 200
    assert wire.ended(run)["status"] == "completed"
    assert len(wire.steps(run)[0]["step_details"]["tool_calls"]) == 300


@behaviour("runs.limits")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("max_prompt_tokens", 0),
        ("max_completion_tokens", 0),
        ("truncation_strategy", {"type": "last_messages", "last_messages": 0}),
        ("tool_choice", "sometimes"),
        ("tool_choice", {"type": "function"}),
        ("temperature", 3),
        ("additional_messages", [{"role": "system", "content": "x"}]),
    ],
)
def test_a_value_of_a_run_out_of_range_is_refused(wire: Wire, field: str, value: Any) -> None:
    body = {"assistant_id": wire.assistant()["id"], field: value}
    error = refused(wire.post(f"/threads/{wire.thread('Hi')['id']}/runs", json=body), 400)
    assert error["param"].startswith(field)


@behaviour("runs.update")
def test_only_the_metadata_of_a_run_changes(wire: Wire) -> None:
    run = wire.done()
    assert wire.make(path_of(run), metadata={"a": "1"}) == {**run, "metadata": {"a": "1"}}
    refused(wire.post(path_of(run), json={"model": "x"}), 400, code="unknown_parameter")


@behaviour("runs.list")
def test_runs_of_a_thread_are_listed_newest_first(wire: Wire) -> None:
    first = wire.done()
    second = wire.done(thread={"id": first["thread_id"]})
    page = wire.read(f"/threads/{first['thread_id']}/runs")
    assert [run["id"] for run in page["data"]] == [second["id"], first["id"]]
    assert page["data"][1] == first


@behaviour("runs.lock")
def test_a_busy_thread_can_be_read_and_is_free_afterwards(wire: Wire) -> None:
    run = wire.waiting()
    assert len(wire.messages(run["thread_id"])) == 1
    wire.read(f"/threads/{run['thread_id']}")
    wire.submit(run, "rain")
    wire.ended(run)
    wire.make(f"/threads/{run['thread_id']}/messages", role="user", content="Thanks")


@behaviour("runs.thread-and-run")
def test_a_thread_is_made_with_its_run(wire: Wire) -> None:
    assistant = wire.assistant("mirror")
    thread = {"messages": [{"role": "user", "content": "Hi"}], "metadata": {"a": "1"}}
    run = wire.make("/threads/runs", assistant_id=assistant["id"], thread=thread, instructions="Be brief.")
    assert wire.read(f"/threads/{run['thread_id']}")["metadata"] == {"a": "1"}
    assert asked(wire, run)["messages"][-1] == ["user", "Hi"]
    for field in ("additional_messages", "additional_instructions", "reasoning_effort", "include"):
        answer = wire.post("/threads/runs", json={"assistant_id": assistant["id"], field: None})
        refused(answer, 400, code="unknown_parameter")
