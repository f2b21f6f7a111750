"""Busy threads: a run is refused, waits for its turn, or interrupts."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import httpx2
import pytest

from projectdavid.services.platform import Platform
from tests.server.conftest import Clock, serving
from tests.server.talking import WEATHER, Caller, Json, chunks, ok, refused


def another(user: Caller, run: Json, on_busy: str, **fields: Json) -> Json:
    """Another run of the same thread."""
    body = {"assistant_id": run["assistant_id"], "thread_id": run["thread_id"], "on_busy": on_busy, **fields}
    return ok(user.post("/v1/runs", json=body))


def again(user: Caller, run: Json) -> Json:
    return ok(user.get(f"/v1/runs/{run['id']}"))


def at_work(user: Caller, model: str = "scripted/silent") -> Json:
    """A run whose model has begun to speak."""
    run = user.run(model)
    for event in user.events(run):
        if event["type"] == "content":
            return run
    raise AssertionError("it said nothing")


def cancel(user: Caller, run: Json) -> None:
    ok(user.post(f"/v1/runs/{run['id']}/cancel"))


def answer(user: Caller, run: Json) -> None:
    calls = user.until(run, "action_required")["actions"]
    ok(user.submit(run, *((call["tool_call_id"], "sun") for call in calls)))


def test_by_default_and_by_name_a_second_run_is_refused_with_the_id_of_the_first(user: Caller) -> None:
    run = user.run(status="pending")
    body = {"assistant_id": run["assistant_id"], "thread_id": run["thread_id"]}
    for fields in ({}, {"on_busy": "reject"}, {"on_busy": None}):
        assert run["id"] in refused(user.post("/v1/runs", json={**body, **fields}), 409, "thread_busy", "thread_id")


def test_a_run_that_waits_for_its_thread_is_queued_and_says_so(user: Caller) -> None:
    run = user.waiting()
    second = another(user, run, "queue")
    assert (run["waits_for_thread"], second["waits_for_thread"], second["status"]) == (False, True, "queued")
    assert [one["id"] for one in ok(user.get(f"/v1/threads/{run['thread_id']}/runs"))["data"]] == [
        second["id"],
        run["id"],
    ]
    answer(user, run)
    done = user.until(second, "completed")
    assert done["waits_for_thread"] is False


def test_runs_that_wait_start_in_order_when_the_one_before_completed(user: Caller) -> None:
    run = user.waiting()
    runs = [another(user, run, "queue", model=f"scripted/{name}") for name in ("thinker", "hello", "echo")]
    assert [again(user, one)["waits_for_thread"] for one in runs] == [True] * 3
    answer(user, run)
    ended = [user.until(one, "completed") for one in (run, *runs)]
    assert all(one["completed_at"] <= after["started_at"] for one, after in pairwise(ended))
    said = [content for role, content in user.texts({"id": run["thread_id"]}) if role == "assistant"]
    assert said == ["They said: sun", "Four.", "Hello from the script.", "Hello from the script."]


def test_runs_that_wait_start_in_order_when_the_one_before_was_cancelled(user: Caller) -> None:
    run = at_work(user)
    runs = [run, another(user, run, "queue"), another(user, run, "queue")]
    for index, one in enumerate(runs):
        user.until(one, "in_progress")
        assert [again(user, each)["waits_for_thread"] for each in runs] == [False] * (index + 1) + [True] * (2 - index)
        cancel(user, one)
        user.until(one, "cancelled")


def test_a_failure_lets_the_next_one_start(user: Caller) -> None:
    run = at_work(user)
    failing = another(user, run, "queue", model="scripted/broken")
    last = another(user, run, "queue", model="scripted/hello")
    cancel(user, run)
    assert user.until(failing, "failed")["error"]["code"] == "server_error"
    user.until(last, "completed")


def test_a_run_that_interrupts_takes_the_thread_before_those_that_wait(user: Caller) -> None:
    run = at_work(user)
    waiting = another(user, run, "queue", model="scripted/hello")
    urgent = another(user, run, "interrupt", model="scripted/thinker")
    assert user.until(run, "cancelled")["cancelled_at"] is not None
    ended = [user.until(one, "completed") for one in (urgent, waiting)]
    assert ended[0]["completed_at"] <= ended[1]["started_at"]
    said = [content for role, content in user.texts({"id": run["thread_id"]}) if role == "assistant"]
    assert said == ["I begin", "Four.", "Hello from the script."]


def test_a_run_that_interrupts_where_nobody_is_simply_starts(user: Caller) -> None:
    user.until(user.run(on_busy="interrupt"), "completed")


def test_a_run_that_waits_for_its_thread_can_be_cancelled_and_the_others_move_up(user: Caller) -> None:
    run = user.waiting()
    second, third = another(user, run, "queue"), another(user, run, "queue")
    cancel(user, second)
    assert (again(user, second)["status"], again(user, second)["waits_for_thread"]) == ("cancelled", False)
    assert again(user, third)["waits_for_thread"] is True
    answer(user, run)
    user.until(third, "completed")


def test_with_its_thread_goes_everything_that_waits_for_it(user: Caller) -> None:
    run = at_work(user)
    second = another(user, run, "queue")
    refused(user.delete(f"/v1/runs/{second['id']}"), 409, "run_open")
    ok(user.delete(f"/v1/threads/{run['thread_id']}"))
    for one in (run, second):
        refused(user.get(f"/v1/runs/{one['id']}"), 404, "run_not_found")
    user.until(user.run(), "completed")


def test_a_waiting_run_may_stand_in_the_queue_too_and_takes_the_model_of_its_start(user: Caller) -> None:
    run = user.waiting()
    second = another(user, run, "queue", status="pending")
    assert (second["status"], second["waits_for_thread"]) == ("pending", True)
    with ThreadPoolExecutor() as pool:
        streamed = pool.submit(user.complete, second, model="scripted/thinker")
        for event in user.events(second):
            if event.get("status") == "queued":
                break
        assert again(user, second)["waits_for_thread"] is True
        answer(user, run)
        told = chunks(streamed.result())
    assert [chunk["status"] for chunk in told if chunk["type"] == "status"] == ["started", "processing", "complete"]
    assert again(user, second)["model"] == "scripted/thinker"


def test_of_fifty_runs_that_queue_at_once_each_has_its_turn(user: Caller) -> None:
    assistant, thread = user.assistant(), user.thread("Hi")
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"], "on_busy": "queue"}
    with ThreadPoolExecutor(10) as pool:
        runs = list(pool.map(lambda _: ok(user.post("/v1/runs", json=body)), range(50)))
        ended = list(pool.map(lambda run: user.until(run, "completed"), runs))
    assert len({run["id"] for run in ended}) == 50
    assert [text for role, text in user.texts(thread) if role == "assistant"] == ["Hello from the script."] * 50


def test_a_run_that_waited_when_the_server_stopped_starts_after_the_next_start(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as user:
        run = user.waiting()
        second = another(user, run, "queue", model="scripted/hello")
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as user:
        assert again(user, second)["waits_for_thread"] is True
        answer(user, run)
        user.until(second, "completed")


@pytest.mark.parametrize("value", ["wait", "", 1, ["queue"]])
def test_another_way_to_deal_with_a_busy_thread_is_refused(user: Caller, value: Json) -> None:
    body = {"assistant_id": user.assistant()["id"], "thread_id": user.thread()["id"], "on_busy": value}
    message = refused(user.post("/v1/runs", json=body), 422, "invalid_value", "on_busy")
    assert "'reject', 'queue' or 'interrupt'" in message


@pytest.mark.anyio
async def test_a_run_that_expires_lets_the_next_one_start(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock
) -> None:
    assistant = ok(await still.post("/v1/assistants", json={"model": "scripted/hello", "tools": [WEATHER]}))
    thread = ok(await still.post("/v1/threads", json={}))
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    first = ok(await still.post("/v1/runs", json={**ids, "status": "pending"}))
    clock.now += 100
    second = ok(await still.post("/v1/runs", json={**ids, "on_busy": "queue"}))
    assert second["waits_for_thread"] is True
    clock.now = first["expires_at"] + 5
    await platform.sweeper.expire()
    told = (await still.get(f"/v1/runs/{second['id']}/events")).text
    assert '"completed"' in told
    runs = [ok(await still.get(f"/v1/runs/{run['id']}")) for run in (first, second)]
    assert [run["status"] for run in runs] == ["expired", "completed"]
