"""Runs: what they are made with, what they tell, and how they end."""

from pathlib import Path

from tests.server.conftest import serving
from tests.server.talking import WEATHER, Caller, ok, refused

FILLED = {
    "id": "run_of_the_client",
    "created_at": 1,
    "expires_at": 3601,
    "instructions": "",
    "max_completion_tokens": 1000,
    "max_prompt_tokens": 500,
    "meta_data": {},
    "model": "gpt-4",
    "object": "run",
    "parallel_tool_calls": False,
    "response_format": "text",
    "status": "pending",
    "tool_choice": "none",
    "temperature": 1.0,
    "top_p": 1.0,
    "tool_resources": {},
}
"""What the Project David client sends whether its user said so or not."""

ASSISTANT = {
    "model": "scripted/hello",
    "instructions": "Be brief.",
    "tools": [WEATHER],
    "temperature": 0.3,
    "top_p": 0.4,
    "response_format": "json",
    "tool_resources": {"a": {}},
    "max_tokens": 77,
}
KEYS = [
    "id",
    "object",
    "created_at",
    "thread_id",
    "assistant_id",
    "user_id",
    "status",
    "model",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "top_p",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "response_format",
    "reasoning_effort",
    "tool_resources",
    "action_timeout",
    "on_expiry",
    "expiry_output",
    "meta_data",
    "waits_for_thread",
    "expires_at",
    "action_expires_at",
    "started_at",
    "completed_at",
    "cancelled_at",
    "failed_at",
    "incomplete_details",
    "last_error",
    "error",
    "required_action",
    "usage",
    "warnings",
    "actions",
]


def test_a_run_takes_from_its_assistant_what_the_request_leaves_out(user: Caller) -> None:
    assistant, thread = user.assistant(**ASSISTANT), user.thread("Hi")
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = ok(user.post("/v1/runs", json=ids))
    assert list(run) == KEYS
    assert {**run, **ids} == run
    shared = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "tool_resources")
    assert {name: run[name] for name in shared} == {name: ASSISTANT[name] for name in shared}
    assert run["max_completion_tokens"] == 77
    assert (run["tool_choice"], run["parallel_tool_calls"], run["max_prompt_tokens"]) == ("auto", True, None)
    assert run["expires_at"] == run["created_at"] + 3600
    assert run["user_id"] == user.user_id


def test_a_run_has_what_its_request_says(user: Caller) -> None:
    wishes = {
        "model": "scripted/echo",
        "instructions": "Be long.",
        "tools": [{"type": "web_search"}],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "parallel_tool_calls": False,
        "temperature": 0.0,
        "top_p": 1.0,
        "max_prompt_tokens": 1000,
        "max_completion_tokens": 1000,
        "truncation_strategy": {"type": "last_messages", "last_messages": 3},
        "response_format": {"type": "json_object"},
        "tool_resources": {"x": 1},
        "action_timeout": 2.5,
        "on_expiry": "answer",
        "expiry_output": "Nobody is there.",
        "meta_data": {"n": 1},
    }
    assistant, thread = user.assistant(**ASSISTANT), user.thread("Hi")
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"], **wishes}
    run = ok(user.post("/v1/runs", json=body))
    assert {name: run[name] for name in wishes} == wishes
    more = ok(
        user.post("/v1/runs", json={**body, "thread_id": user.thread("Hi")["id"], "additional_instructions": "!"})
    )
    assert more["instructions"] == "Be long.\n\n!"


def test_what_the_project_david_client_fills_in_is_no_wish(user: Caller) -> None:
    assistant, thread = user.assistant(**ASSISTANT), user.thread("Hi")
    run = ok(user.post("/v1/runs", json={**FILLED, "assistant_id": assistant["id"], "thread_id": thread["id"]}))
    assert run["id"] != FILLED["id"]
    assert run["status"] == "pending"
    shared = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "tool_resources")
    assert {name: run[name] for name in shared} == {name: ASSISTANT[name] for name in shared}
    assert (run["max_completion_tokens"], run["max_prompt_tokens"], run["tool_choice"]) == (77, None, "auto")


def test_a_run_says_its_answer_in_the_thread_and_completes(user: Caller) -> None:
    run = user.until(user.run("scripted/thinker"), "completed")
    (message,) = ok(user.get(f"/v1/threads/{run['thread_id']}/messages?after={first_message(user, run)}"))["data"]
    assert (message["role"], message["content"], message["reasoning"]) == ("assistant", "Four.", "Hm. So.")
    assert (message["run_id"], message["assistant_id"]) == (run["id"], run["assistant_id"])
    assert (message["status"], message["sender_id"]) == ("completed", None)
    used = {"prompt_tokens": 10, "completion_tokens": 1, "total_tokens": 11, "cached_tokens": 0, "reasoning_tokens": 0}
    assert run["usage"] == {**used, "estimated": False, "cost": None}
    assert run["created_at"] <= run["started_at"] <= run["completed_at"]
    assert [run[name] for name in ("cancelled_at", "failed_at", "last_error", "error", "required_action")] == [None] * 5


def first_message(user: Caller, run: dict[str, str]) -> str:
    return ok(user.get(f"/v1/threads/{run['thread_id']}/messages"))["first_id"]


def test_the_events_of_a_run_come_in_order_and_again_from_any_position(user: Caller) -> None:
    run = user.run("scripted/thinker")
    told = list(user.events(run))
    assert [(event["event"], event["type"]) for event in told] == [
        (kind, kind)
        for kind in (
            "status",
            "status",
            "reasoning",
            "reasoning",
            "message_created",
            "content",
            "message_completed",
            "status",
        )
    ]
    assert [event["status"] for event in told if event["type"] == "status"] == ["queued", "in_progress", "completed"]
    assert [event["id"] for event in told] == list(range(1, len(told) + 1))
    assert {event["run_id"] for event in told} == {run["id"]}
    for after in range(len(told)):
        assert list(user.events(run, params={"after": after})) == told[after:]
        assert list(user.events(run, params={"after": 0}, headers={"last-event-id": str(after)})) == told[after:]


def test_a_stream_has_the_headers_that_streams_need(user: Caller) -> None:
    run = user.until(user.run(), "completed")
    response = user.get(f"/v1/runs/{run['id']}/events")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-cache"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.text.endswith("data: [DONE]\n\n")


def test_a_run_without_its_tool_says_so(user: Caller) -> None:
    assistant = user.assistant(tools=[{"type": "web_search"}, {"type": "file_search"}])
    body = {"assistant_id": assistant["id"], "thread_id": user.thread("Hi")["id"]}
    run = ok(user.post("/v1/runs", json=body))
    assert [warning["code"] for warning in run["warnings"]] == ["web_search_unconfigured"]
    warned = [event for event in user.events(run) if event["type"] == "warning"]
    assert [event["message"] for event in warned] == [warning["message"] for warning in run["warnings"]]
    assert "web_search" in warned[0]["message"]


def test_a_thread_has_one_open_run_and_the_refusal_names_it(user: Caller) -> None:
    run = user.run(status="pending")
    body = {"assistant_id": run["assistant_id"], "thread_id": run["thread_id"]}
    assert run["id"] in refused(user.post("/v1/runs", json=body), 409, "thread_busy", "thread_id")
    assert [found["id"] for found in ok(user.get(f"/v1/threads/{run['thread_id']}/runs"))["data"]] == [run["id"]]
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))
    user.until(ok(user.post("/v1/runs", json=body)), "completed")


def test_a_model_that_nobody_serves_is_refused_when_the_run_is_made(tmp_path: Path) -> None:
    with serving(tmp_path, providers={}) as server, Caller(server.base_url, "", server.api_key) as user:
        assistant, thread = user.assistant(model="gpt-4o-mini"), user.thread("Hi")
        body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
        message = refused(user.post("/v1/runs", json=body), 400, "model_not_found", "model")
        assert "'gpt-4o-mini'" in message
        assert "demo/..." in message
        waiting = ok(user.post("/v1/runs", json={**body, "status": "pending"}))
        refused(user.complete(waiting), 400, "model_not_found", "model")
        assert ok(user.get("/v1/runs"))["data"] == [waiting]


def test_the_metadata_of_a_run_is_merged(user: Caller) -> None:
    run = user.run(status="pending", meta_data={"a": 1})
    path = f"/v1/runs/{run['id']}/metadata"
    assert ok(user.put(path, json={"metadata": {"b": "x"}}))["meta_data"] == {"a": 1, "b": "x"}
    assert ok(user.get(f"/v1/runs/{run['id']}"))["meta_data"] == {"a": 1, "b": "x"}


def test_runs_are_listed_by_status(user: Caller) -> None:
    ended, waiting, pending = user.until(user.run(), "completed"), user.waiting(), user.run(status="pending")

    def ids(path: str, *statuses: str) -> list[str]:
        query = "&".join(["limit=100", *(f"status={status}" for status in statuses)])
        return [run["id"] for run in ok(user.get(f"{path}?{query}"))["data"]]

    assert ids("/v1/runs") == [pending["id"], waiting["id"], ended["id"]]
    assert ids("/v1/runs", "action_required") == [waiting["id"]]
    assert ids("/v1/runs", "completed", "pending") == [pending["id"], ended["id"]]
    assert ids("/v1/runs", "failed") == []
    path = f"/v1/threads/{ended['thread_id']}/runs"
    assert (ids(path), ids(path, "completed"), ids(path, "pending")) == ([ended["id"]], [ended["id"]], [])
    of_thread = ok(user.get(f"/v1/runs?thread_id={ended['thread_id']}&status=pending"))
    assert of_thread["data"] == []
    for wrong in ("status=requires_action", "status=", "status=open"):
        assert user.get(f"/v1/runs?{wrong}").status_code == 422
