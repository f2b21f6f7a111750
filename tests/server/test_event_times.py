"""Each event tells when it was written, and tells the same to every reader."""

import re
import time
from typing import Any

import httpx2
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.engine.deltas import FinishDelta, TextDelta, TokenUsage
from projectdavid.services.platform import Platform
from tests.databases import IS_POSTGRES, execute_sql
from tests.server.conftest import Clock, serving
from tests.server.talking import Caller, frames, ok

STAMP = re.compile(rb'"at":(\d+\.\d{3})\}')


def raw_events(user: Caller, run: Any, **params: Any) -> bytes:
    """The bytes of a run's stream, without signs of life."""
    response = user.get(f"/v1/runs/{run['id']}/events", params=params)
    assert response.status_code == 200
    return response.content.replace(b": keep-alive\n\n", b"")


def test_events_have_the_time_at_which_they_were_written(user: Caller) -> None:
    before = time.time()
    run = user.run("scripted/thinker")
    events = list(user.events(run))
    times = [event["at"] for event in events]
    assert before - 0.001 <= times[0]
    assert times[-1] <= time.time() + 0.001
    assert times == sorted(times)
    assert {event["type"] for event in events} >= {"status", "reasoning", "content", "message_completed"}


def test_a_late_reader_and_one_in_the_middle_get_the_bytes_of_the_live_one(user: Caller) -> None:
    run = user.run("scripted/caller")
    with user.stream("GET", f"/v1/runs/{run['id']}/events") as live:
        seen = b""
        for chunk in live.iter_bytes():
            seen += chunk
            if b"event: action_required" in seen and b"submitted" not in seen:
                break
    waiting = ok(user.get(f"/v1/runs/{run['id']}"))
    user.submit(waiting, (waiting["actions"][0]["tool_call_id"], "rain"))
    whole = raw_events(user, run)
    assert whole.startswith(seen)
    assert len(STAMP.findall(whole)) == whole.count(b"\nid: ") + 1
    entries = whole.split(b"\n\n")
    for position in range(len(entries) - 2):
        rest = raw_events(user, run, after=position)
        assert rest == b"\n\n".join(entries[position:])


@pytest.mark.anyio
async def test_a_merged_reply_keeps_the_time_of_each_part(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock
) -> None:
    begin = clock.now

    def scene(_: Any) -> Any:
        for text in (("a", "b"), ("c",), ("d", "e", "f")):
            clock.now += 0.125
            yield [TextDelta(text)]
        clock.now += 0.125
        yield [FinishDelta("stop"), TokenUsage(1, 1)]

    platform.models.providers["scripted"] = ScriptedProvider(scene_for=scene)
    assistant = (await still.post("/v1/assistants", json={"model": "scripted/slow"})).json()
    thread = (await still.post("/v1/threads")).json()
    await still.post("/v1/messages", json={"thread_id": thread["id"], "content": "Hi"})
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = (await still.post("/v1/runs", json=body)).json()
    for _ in range(2):  # live, and from the merged row
        events = list(frames(await still.get(f"/v1/runs/{run['id']}/events")))
        told = [(event["content"], event["at"]) for event in events if event["type"] == "content"]
        later = [("a", 0.125), ("b", 0.125), ("c", 0.25), ("d", 0.375), ("e", 0.375), ("f", 0.375)]
        assert told == [(text, begin + seconds) for text, seconds in later]


def test_events_of_an_earlier_version_have_no_time(tmp_path: Any) -> None:
    if not IS_POSTGRES:
        pytest.skip("the file of SQLite cannot be written while its server runs")
    with serving(tmp_path) as server, Caller(server.base_url, "", server.api_key) as user:
        run = user.run()
        assert all("at" in event for event in user.events(run))
        execute_sql(tmp_path, "UPDATE journal SET written_ms = NULL, spans = NULL")
        assert not any("at" in event for event in user.events(run))


def test_clients_of_the_completions_see_no_time(user: Caller) -> None:
    run = user.run(status="pending")
    assert b'"at":' not in user.complete(run).content
