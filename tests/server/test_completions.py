"""`POST /v1/completions`: starts what waits, joins what runs, and goes on behind the outputs of calls."""

from typing import Any

import pytest

from tests.server.talking import NOBODY, Caller, chunks, frames, ok, refused

Told = list[dict[str, Any]]


def story(told: Told) -> list[str]:
    """The statuses and texts of a stream."""
    return [chunk.get("status") or chunk.get("content") or chunk["type"] for chunk in told]


@pytest.mark.parametrize("status", ["pending", "queued"])
def test_a_run_made_with_a_status_waits_until_it_is_started(user: Caller, status: str) -> None:
    run = user.run(status=status)
    assert run["status"] == "pending"
    told = chunks(user.complete(run))
    assert story(told) == ["started", "processing", "Hello", " from", " the", " script.", "complete"]
    assert {chunk["event"] for chunk in told} == {None}
    assert {chunk["run_id"] for chunk in told} == {run["id"]}
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == "completed"


def test_a_run_that_has_begun_is_joined_from_its_beginning(user: Caller) -> None:
    run = user.run("scripted/silent")
    names = {name: run[name] for name in ("thread_id", "assistant_id")}
    for _ in range(2):
        with user.stream("POST", "/v1/completions", json={"run_id": run["id"], **names}) as response:
            stream = frames(response)
            assert story([next(stream) for _ in range(3)]) == ["started", "processing", "I begin"]
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))
    assert story(chunks(user.complete(run)))[-1] == "cancelled"


def test_a_run_that_is_over_is_told_again(user: Caller) -> None:
    run = user.run(status="pending")
    assert chunks(user.complete(run)) == chunks(user.complete(run))


def test_the_stream_pauses_at_a_call_and_goes_on_behind_its_output(user: Caller) -> None:
    run = user.run("scripted/caller", status="pending")
    told = chunks(user.complete(run))
    assert story(told) == ["started", "processing", "tool_call_manifest", "action_required"]
    assert chunks(user.complete(run)) == told
    ok(user.submit(run, (told[2]["tool_call_id"], "rain")))
    resumed = chunks(user.complete(run))
    assert story(resumed) == ["started", "processing", "They", " said:", " rain", "complete"]
    assert resumed[0]["id"] > told[-1]["id"]


def test_a_reader_that_was_cut_off_goes_on_behind_what_it_saw(user: Caller) -> None:
    run = user.run(status="pending")
    told = chunks(user.complete(run))
    ids = {"run_id": run["id"], "thread_id": run["thread_id"], "assistant_id": run["assistant_id"]}
    again = user.post("/v1/completions", json=ids, headers={"last-event-id": str(told[3]["id"])})
    assert chunks(again) == told[4:]


def test_without_a_stream_the_answer_comes_whole(user: Caller) -> None:
    run = user.run(status="pending")
    whole = ok(user.complete(run, stream=False))
    assert list(whole) == ["run_id", "type", "content", "model", "status", "elapsed_s"]
    assert {**whole, "run_id": run["id"], "type": "content", "content": "Hello from the script."} == whole
    assert (whole["model"], whole["status"]) == ("scripted/hello", "completed")


def test_without_a_stream_a_call_is_told_by_the_status(user: Caller) -> None:
    run = user.run("scripted/caller", status="pending")
    whole = ok(user.complete(run, stream=False))
    assert (whole["content"], whole["status"]) == ("", "action_required")
    action = ok(user.get(f"/v1/actions/pending/{run['id']}"))[0]
    ok(user.submit(run, (action["tool_call_id"], "rain")))
    whole = ok(user.complete(run, stream=False))
    assert (whole["content"], whole["status"]) == ("They said: rain", "completed")


def test_the_request_that_starts_a_run_may_name_its_model(user: Caller) -> None:
    run = user.run(status="pending")
    whole = ok(user.complete(run, stream=False, model="scripted/echo"))
    assert (whole["content"], whole["model"]) == ("Hi there", "scripted/echo")
    assert ok(user.get(f"/v1/runs/{run['id']}"))["model"] == "scripted/echo"


def test_a_run_that_has_begun_keeps_its_model(user: Caller) -> None:
    run = user.run(status="pending")
    ok(user.complete(run, stream=False))
    assert ok(user.complete(run, stream=False, model="scripted/echo"))["model"] == "scripted/hello"


def test_keys_and_contents_that_clients_send_along_are_not_kept(user: Caller) -> None:
    run = user.run("scripted/echo", status="pending")
    extra = {"api_key": "sk-secret", "provider": "Other", "content": "ignored", "meta_data": {"a": 1}}
    told = user.complete(run, message_id="message_1", **extra)
    assert story(chunks(told))[-2:] == [" there", "complete"]
    assert "sk-secret" not in told.text + user.get(f"/v1/runs/{run['id']}").text


def test_a_failed_run_tells_its_error_and_ends(user: Caller) -> None:
    run = user.run("scripted/broken", status="pending")
    told = chunks(user.complete(run))
    assert story(told)[-2:] == ["The model fell over.", "failed"]
    assert (told[-2]["type"], told[-2]["code"], told[-2]["message"]) == (
        "error",
        "server_error",
        "The model fell over.",
    )
    whole = user.complete(run, stream=False)
    assert "The model fell over." in refused(whole, 502, "run_failed")
    assert whole.json()["error"]["type"] == "server_error"


@pytest.mark.parametrize(
    ("field", "code"),
    [("run_id", "run_not_found"), ("thread_id", "thread_not_found"), ("assistant_id", "assistant_not_found")],
)
def test_all_three_ids_must_be_those_of_the_run(user: Caller, field: str, code: str) -> None:
    run = user.run(status="pending")
    ids = {"run_id": run["id"], "thread_id": run["thread_id"], "assistant_id": run["assistant_id"]}
    strange = {"run_id": NOBODY, "thread_id": user.thread()["id"], "assistant_id": user.assistant()["id"]}
    refused(user.post("/v1/completions", json={**ids, field: strange[field]}), 404, code, field)
    assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] == "pending"
