"""How runs end: failed, cancelled, expired, deleted."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

import httpx2
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.composition.app import create_app
from projectdavid.ports.bus import Payload
from projectdavid.services.platform import Platform
from tests.server.conftest import Clock, serving
from tests.server.talking import WEATHER, Caller, Json, chunks, frames, ok, refused
from tests.timeouts import EVENT_TIMEOUT


def test_a_failed_run_says_why_and_keeps_what_was_said(user: Caller) -> None:
    run = user.run("scripted/broken")
    told = list(user.events(run))
    assert [event["type"] for event in told][-3:] == ["error", "message_completed", "status"]
    error = {"code": "server_error", "message": "The model fell over."}
    assert {**told[-3], **error, "content": error["message"]} == told[-3]
    run = ok(user.get(f"/v1/runs/{run['id']}"))
    assert (run["status"], run["error"], run["last_error"]) == ("failed", error, "server_error: The model fell over.")
    assert run["failed_at"] is not None
    last = ok(user.get(f"/v1/threads/{run['thread_id']}/messages"))["data"][-1]
    assert (last["content"], last["status"], last["incomplete_details"]) == (
        "I break",
        "incomplete",
        {"reason": "run_failed"},
    )
    assert (last["completed_at"], last["incomplete_at"]) == (None, last["created_at"])


@pytest.mark.parametrize("status", ["pending", "action_required"])
def test_cancelling_a_run_that_waits_ends_it_at_once(user: Caller, status: str) -> None:
    run = user.run(status="pending") if status == "pending" else user.waiting()
    cancelled = ok(user.post(f"/v1/runs/{run['id']}/cancel"))
    assert cancelled["status"] == "cancelled"
    assert cancelled["cancelled_at"] is not None


def test_cancelling_a_run_at_work_closes_its_model_call_and_keeps_what_was_said(user: Caller) -> None:
    run = user.run("scripted/silent")
    for event in user.events(run):
        if event["type"] == "content":
            break
    assert ok(user.post(f"/v1/runs/{run['id']}/cancel"))["status"] in ("cancelling", "cancelled")
    run = user.until(run, "cancelled")
    last = ok(user.get(f"/v1/threads/{run['thread_id']}/messages"))["data"][-1]
    assert (last["content"], last["status"], last["incomplete_details"]["reason"]) == (
        "I begin",
        "incomplete",
        "run_cancelled",
    )
    refused(user.post(f"/v1/runs/{run['id']}/cancel"), 400, "invalid_state")


def test_cancelling_a_run_that_is_over_is_refused(user: Caller) -> None:
    run = user.until(user.run(), "completed")
    message = refused(user.post(f"/v1/runs/{run['id']}/cancel"), 400, "invalid_state")
    assert "completed" in message
    assert ok(user.get(f"/v1/runs/{run['id']}")) == run


def test_a_run_that_is_over_can_be_deleted_and_what_it_said_stays(user: Caller) -> None:
    run = user.until(user.run(), "completed")
    said = user.texts({"id": run["thread_id"]})
    path = f"/v1/runs/{run['id']}"
    assert ok(user.delete(path)) == {"id": run["id"], "object": "thread.run.deleted", "deleted": True}
    refused(user.get(path), 404, "run_not_found")
    refused(user.get(f"{path}/events"), 404, "run_not_found")
    refused(user.delete(path), 404, "run_not_found")
    assert user.texts({"id": run["thread_id"]}) == said


def test_an_open_run_cannot_be_deleted(user: Caller) -> None:
    run = user.run(status="pending")
    assert "cancel" in refused(user.delete(f"/v1/runs/{run['id']}"), 409, "run_open")
    assert ok(user.get(f"/v1/runs/{run['id']}")) == run


def test_open_runs_of_a_deleted_assistant_fail_and_the_others_stay(user: Caller) -> None:
    waiting, over = user.waiting(), user.until(user.run(), "completed")
    for run in (waiting, over):
        ok(user.delete(f"/v1/assistants/{run['assistant_id']}"))
    refused(user.submit(waiting, (waiting["actions"][0]["tool_call_id"], "sun")), 400, "invalid_state")
    failed = ok(user.get(f"/v1/runs/{waiting['id']}"))
    assert (failed["status"], failed["assistant_id"]) == ("failed", waiting["assistant_id"])
    assert list(user.events(waiting))[-2]["code"] == "assistant_deleted"
    assert ok(user.get(f"/v1/runs/{over['id']}"))["status"] == "completed"


def test_a_thread_deleted_in_the_midst_of_a_run_does_not_hold_up_the_next(user: Caller) -> None:
    run = user.run("scripted/silent")
    for event in user.events(run):
        if event["type"] == "content":
            break
    ok(user.delete(f"/v1/threads/{run['thread_id']}"))
    user.until(user.run(), "completed")


def test_the_stream_of_a_deleted_run_tells_nothing_of_the_next(tmp_path: Path) -> None:
    with serving(tmp_path, stream_keep_alive=0.05) as server, Caller(server.base_url, "", server.api_key) as user:
        run = user.run("scripted/silent")
        with user.stream("GET", f"/v1/runs/{run['id']}/events") as response:
            stream = frames(response)
            while next(stream).get("content") != "I begin":
                pass
            ok(user.delete(f"/v1/threads/{run['thread_id']}"))
            user.until(user.run(), "completed")
            assert [event["code"] for event in stream] == ["thread_deleted"]


ENDINGS = {
    "thread deleted": ("DELETE", "/v1/threads/{thread_id}", "thread_deleted"),
    "assistant deleted": ("DELETE", "/v1/assistants/{assistant_id}", "failed"),
    "user deleted": ("DELETE", "/v1/users/{user_id}", "user_deleted"),
    "key revoked": ("DELETE", "/v1/users/{user_id}/apikeys/{key_prefix}", "key_revoked"),
    "cancelled": ("POST", "/v1/runs/{id}/cancel", "cancelled"),
    "expired": (None, "", "expired"),
}
STREAMS = {
    "native": ("GET", "/v1/runs/{id}/events"),
    "completions": ("POST", "/v1/completions"),
    "dialect": ("GET", "/openai/v1/threads/{thread_id}/runs/{id}/events"),
}


class LostHints:
    """The bus of a process that hears no other: counts the seconds for which a reader waits after `end`."""

    def __init__(self) -> None:
        self.reading, self.ended = asyncio.Event(), asyncio.Event()
        self.waited = 0.0

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        pass

    def take(self) -> None:
        return None

    @contextmanager
    def subscribe(self, topic: str) -> Iterator[Self]:
        yield self

    async def wait(self, seconds: float) -> bool:
        self.reading.set()
        await self.ended.wait()
        await checkpoint()
        self.waited += seconds
        return False


@pytest.mark.anyio
@pytest.mark.parametrize("stream", STREAMS)
async def test_readers_in_another_process_learn_of_every_end_within_a_second(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock, stream: str
) -> None:
    for ending, (method, path, expected) in ENDINGS.items():
        user_id = ok(await still.post("/v1/users", json={}))["id"]
        key = ok(await still.post(f"/v1/users/{user_id}/apikeys"))
        user = {"x-api-key": key["plain_key"]}
        run = await silent_run(still, user, waits=stream != "completions")
        hints = LostHints()
        async with asyncio.timeout(EVENT_TIMEOUT), asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(read_elsewhere(replace(platform, bus=hints), user, stream, run))
            await hints.reading.wait()
            if method is None:
                clock.now = run["expires_at"] + 5
                await platform.sweeper.expire()
            else:
                path = path.format(**{**run, "user_id": user_id, "key_prefix": key["details"]["prefix"]})
                await still.request(method, path, headers={} if "/users/" in path else user)
            if ending == "cancelled":
                await still.get(f"/v1/runs/{run['id']}/events", headers=user)  # to its end
            hints.ended.set()
            *_, last, done = await reading
        assert done.endswith("data: [DONE]"), ending
        assert expected in last, ending
        assert hints.waited < 1, ending
        await still.delete(f"/v1/users/{user_id}")


async def silent_run(client: httpx2.AsyncClient, user: dict[str, str], *, waits: bool) -> Json:
    assistant = ok(await client.post("/v1/assistants", json={"model": "scripted/silent"}, headers=user))
    thread = ok(await client.post("/v1/threads", headers=user))
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"], **({"status": "pending"} if waits else {})}
    return ok(await client.post("/v1/runs", json=body, headers=user))


async def read_elsewhere(platform: Platform, user: dict[str, str], stream: str, run: Json) -> list[str]:
    """The frames of a run's stream as a second process sends them."""
    method, path = STREAMS[stream]
    named = {name: run[name] for name in ("assistant_id", "thread_id")}
    body = {"json": {**named, "run_id": run["id"]}} if method == "POST" else {}
    transport = httpx2.ASGITransport(create_app(platform))
    async with httpx2.AsyncClient(transport=transport, base_url="http://here", headers=user) as reader:
        response = await reader.request(method, path.format(**run), **body)
    return response.text.strip().split("\n\n")


@pytest.mark.anyio
async def test_a_run_whose_time_is_up_expires_with_its_calls(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock
) -> None:
    assistant = (await still.post("/v1/assistants", json={"model": "scripted/caller", "tools": [WEATHER]})).json()
    thread = (await still.post("/v1/threads")).json()
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = (await still.post("/v1/runs", json={**ids, "status": "pending"})).json()
    streamed = await still.post("/v1/completions", json={**ids, "run_id": run["id"]})
    assert chunks(streamed)[-1]["status"] == "action_required"
    clock.now = run["expires_at"] + 5
    await platform.sweeper.expire()
    run = (await still.get(f"/v1/runs/{run['id']}")).json()
    assert run["status"] == "expired"
    assert [action["status"] for action in run["actions"]] == ["expired"]
    body = {"tool_outputs": [{"tool_call_id": run["actions"][0]["tool_call_id"], "output": "late"}]}
    refused(await still.post(f"/v1/runs/{run['id']}/submit_tool_outputs", json=body), 400, "invalid_state")
