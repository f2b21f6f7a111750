"""Actions: the calls for which a run waits, and the four ways to answer them."""

from collections.abc import Callable
from datetime import UTC, datetime

import httpx2
import pytest

from tests.server.talking import Caller, Json, ok, refused


def calls_of(run: Json) -> list[str]:
    return [action["tool_call_id"] for action in run["actions"]]


def test_a_waiting_run_shows_the_call_it_waits_for(user: Caller) -> None:
    run = user.waiting()
    assert run["required_action"] == "submit_tool_outputs"
    (action,) = run["actions"]
    assert action == {
        "id": action["id"],
        "run_id": run["id"],
        "tool_call_id": action["tool_call_id"],
        "tool_name": "get_weather",
        "function_args": {"city": "Oslo"},
        "status": "pending",
        "result": None,
        "turn_index": 1,
        "triggered_at": action["triggered_at"],
        "expires_at": datetime.fromtimestamp(run["expires_at"], UTC).isoformat(),
        "is_processed": False,
        "processed_at": None,
        "tool_id": None,
        "decision": {"effect": "unsafe", "started_at": None, "outcome": None, "gate": None},
    }
    assert ok(user.get(f"/v1/actions/{action['id']}")) == action
    assert ok(user.get(f"/v1/actions/pending/{run['id']}")) == [
        {
            "action_id": action["id"],
            "tool_call_id": action["tool_call_id"],
            "action_status": "pending",
            "function_arguments": {"city": "Oslo"},
            "tool_name": "get_weather",
            "run_id": run["id"],
            "run_status": "action_required",
        }
    ]


def test_the_manifest_of_a_call_has_the_words_of_both_clients(user: Caller) -> None:
    run = user.waiting()
    (action,) = run["actions"]
    streamed = user.events(run)
    manifest = next(event for event in streamed if event["type"] == "tool_call_manifest")
    assert manifest["event"] == "action_required"
    assert (manifest["action_id"], manifest["tool_call_id"]) == (action["id"], action["tool_call_id"])
    assert (manifest["tool"], manifest["args"]) == ("get_weather", {"city": "Oslo"})
    assert (manifest["tool_name"], manifest["function_arguments"]) == ("get_weather", {"city": "Oslo"})
    assert (manifest["action_status"], manifest["run_status"]) == ("pending", "action_required")


def by_submitting(user: Caller, run: Json, output: str) -> httpx2.Response:
    return user.submit(run, (calls_of(run)[0], output))


def by_a_tool_message(user: Caller, run: Json, output: str) -> httpx2.Response:
    body = {"thread_id": run["thread_id"], "tool_id": run["actions"][0]["id"], "content": output, "role": "tool"}
    return user.post("/v1/messages/tools", json={**body, "tool_call_id": calls_of(run)[0], "assistant_id": None})


def by_a_message_of_role_tool(user: Caller, run: Json, output: str) -> httpx2.Response:
    body = {"thread_id": run["thread_id"], "tool_id": run["actions"][0]["id"], "role": "tool"}
    return user.post("/v1/messages", json={**body, "content": [{"type": "text", "text": output}]})


def by_the_action(user: Caller, run: Json, output: str) -> httpx2.Response:
    body = {"status": "completed", "result": output}
    return user.put(f"/v1/actions/{run['actions'][0]['id']}", json=body)


WAYS = [by_submitting, by_a_tool_message, by_a_message_of_role_tool, by_the_action]
Answer = Callable[[Caller, Json, str], httpx2.Response]


@pytest.mark.parametrize("answer", WAYS)
def test_an_answered_call_lets_the_run_go_on(user: Caller, answer: Answer) -> None:
    run = user.waiting()
    ok(answer(user, run, "It rains"))
    done = user.until(run, "completed")
    (action,) = done["actions"]
    assert (action["status"], action["result"], action["is_processed"]) == ("completed", {"output": "It rains"}, True)
    assert action["processed_at"] is not None
    assert user.texts({"id": run["thread_id"]})[1:] == [("tool", "It rains"), ("assistant", "They said: It rains")]
    assert ok(user.get(f"/v1/actions/pending/{run['id']}")) == []


@pytest.mark.parametrize("answer", WAYS)
def test_a_call_of_a_run_that_is_over_cannot_be_answered(user: Caller, answer: Answer) -> None:
    run = user.waiting()
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))
    said = user.texts({"id": run["thread_id"]})
    refused(answer(user, run, "too late"), 400, "invalid_state")
    assert user.texts({"id": run["thread_id"]}) == said
    assert ok(user.get(f"/v1/actions/{run['actions'][0]['id']}"))["status"] == "cancelled"


def test_a_tool_message_names_its_call(user: Caller) -> None:
    run = user.waiting()
    message = ok(by_a_tool_message(user, run, "It rains"))
    assert (message["role"], message["content"]) == ("tool", "It rains")
    assert (message["tool_id"], message["tool_call_id"]) == (run["actions"][0]["id"], calls_of(run)[0])


def test_a_result_that_is_an_object_is_told_as_json(user: Caller) -> None:
    run = user.waiting()
    body = {"status": "completed", "result": {"rain": True}}
    ok(user.put(f"/v1/actions/{run['actions'][0]['id']}", json=body))
    assert user.until(run, "completed")["actions"][0]["result"] == {"output": '{"rain":true}'}


def test_an_action_can_be_marked_without_an_answer(user: Caller) -> None:
    run = user.waiting()
    action = run["actions"][0]
    path = f"/v1/actions/{action['id']}"
    for status, shown in (("processing", "processing"), ("completed", "pending"), ("retrying", "processing")):
        assert ok(user.put(path, json={"status": status})) == {**action, "status": shown}
        listed = ok(user.get(f"/v1/runs/{run['id']}/actions/status", params={"status": shown}))
        assert [found["id"] for found in listed] == [action["id"]]
        assert [found["action_id"] for found in ok(user.get(f"/v1/actions/pending/{run['id']}"))] == [action["id"]]
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == "action_required"


def test_marking_an_answered_action_changes_nothing(user: Caller) -> None:
    run = user.waiting()
    ok(by_submitting(user, run, "sun"))
    user.until(run, "completed")
    path = f"/v1/actions/{run['actions'][0]['id']}"
    before = ok(user.get(path))
    for body in ({"status": "processing"}, {"status": "failed", "result": "other"}):
        assert ok(user.put(path, json=body)) == before


def test_a_run_waits_until_all_of_its_calls_are_answered(user: Caller) -> None:
    run = user.waiting("scripted/two_calls")
    first, second = calls_of(run)
    waiting = ok(user.submit(run, (second, "sun")))
    assert (waiting["status"], waiting["required_action"]) == ("action_required", "submit_tool_outputs")
    status = f"/v1/runs/{run['id']}/actions/status"
    assert [action["tool_call_id"] for action in ok(user.get(status))] == [first]
    assert [action["tool_call_id"] for action in ok(user.get(f"{status}?status=completed"))] == [second]
    ok(user.submit(run, (first, "rain")))
    user.until(run, "completed")
    assert user.texts({"id": run["thread_id"]})[-1] == ("assistant", "They said: rain and sun")


def test_all_calls_can_be_answered_together_in_any_order(user: Caller) -> None:
    run = user.waiting("scripted/two_calls")
    first, second = calls_of(run)
    assert ok(user.submit(run, (second, "sun"), (first, "rain")))["status"] != "action_required"
    user.until(run, "completed")
    assert user.texts({"id": run["thread_id"]})[-1] == ("assistant", "They said: rain and sun")
