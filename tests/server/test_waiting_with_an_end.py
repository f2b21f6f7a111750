"""Waiting with an end: what follows when nobody answers a call in time."""

from pathlib import Path

import httpx2
import pytest

from projectdavid.runtime.runs.records import EXPIRY_OUTPUT
from projectdavid.services.platform import Platform
from tests.server.conftest import Clock, serving
from tests.server.talking import WEATHER, Caller, Json, chunks, ok, refused

NOW = 1_751_169_829


async def waiting(still: httpx2.AsyncClient, **fields: Json) -> Json:
    """A run that waits for the output of a call."""
    assistant = ok(await still.post("/v1/assistants", json={"model": "scripted/caller", "tools": [WEATHER]}))
    thread = ok(await still.post("/v1/threads", json={}))
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    ok(await still.post("/v1/messages", json={"thread_id": thread["id"], "content": "How is it in Oslo?"}))
    run = ok(await still.post("/v1/runs", json={**ids, "status": "pending", **fields}))
    told = chunks(await still.post("/v1/completions", json={**ids, "run_id": run["id"]}))
    assert told[-1]["status"] == "action_required"
    return ok(await still.get(f"/v1/runs/{run['id']}"))


@pytest.mark.anyio
async def test_a_run_says_how_long_it_waits_and_so_does_its_action(still: httpx2.AsyncClient) -> None:
    run = await waiting(still, action_timeout=90.5)
    assert (run["action_timeout"], run["on_expiry"], run["expiry_output"]) == (90.5, "fail", None)
    assert (run["action_expires_at"], run["expires_at"]) == (NOW + 90, NOW + 3600)
    (action,) = run["actions"]
    assert action["expires_at"] == "2025-06-29T04:05:19+00:00"
    assert ok(await still.get(f"/v1/actions/{action['id']}"))["expires_at"] == action["expires_at"]


@pytest.mark.anyio
async def test_without_a_limit_it_waits_until_the_end_of_the_run(still: httpx2.AsyncClient) -> None:
    run = await waiting(still)
    assert (run["action_timeout"], run["action_expires_at"]) == (None, None)
    assert run["actions"][0]["expires_at"] == "2025-06-29T05:03:49+00:00"


@pytest.mark.anyio
async def test_a_run_that_nobody_answers_in_time_is_expired_and_says_why(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock
) -> None:
    run = await waiting(still, action_timeout=90)
    clock.now += 90
    await platform.sweeper.expire()
    run = ok(await still.get(f"/v1/runs/{run['id']}"))
    assert (run["status"], run["error"]["code"]) == ("expired", "action_expired")
    assert "get_weather" in run["error"]["message"]
    assert run["last_error"] == f"action_expired: {run['error']['message']}"
    assert run["action_expires_at"] is None
    (action,) = run["actions"]
    assert action["status"] == "expired"
    body = {"tool_outputs": [{"tool_call_id": action["tool_call_id"], "output": "late"}]}
    refused(await still.post(f"/v1/runs/{run['id']}/submit_tool_outputs", json=body), 400, "invalid_state")


@pytest.mark.anyio
@pytest.mark.parametrize("said", [None, "Nobody is there."])
async def test_or_the_model_is_told_so_and_the_run_goes_on(
    still: httpx2.AsyncClient, platform: Platform, clock: Clock, said: str | None
) -> None:
    fields = {} if said is None else {"expiry_output": said}
    run = await waiting(still, action_timeout=90, on_expiry="answer", **fields)
    output = said or EXPIRY_OUTPUT
    assert (run["on_expiry"], run["expiry_output"]) == ("answer", output)
    clock.now += 90
    await platform.sweeper.expire()
    assert '"completed"' in (await still.get(f"/v1/runs/{run['id']}/events")).text
    run = ok(await still.get(f"/v1/runs/{run['id']}"))
    assert (run["status"], run["actions"][0]["result"]) == ("completed", {"output": output})
    last = ok(await still.get(f"/v1/threads/{run['thread_id']}/messages?order=desc&limit=1"))["data"][0]
    assert last["content"] == f"They said: {output}"


def test_the_server_s_setting_holds_where_the_run_says_nothing(tmp_path: Path) -> None:
    with serving(tmp_path, action_seconds=60) as server, Caller(server.base_url, "", server.api_key) as user:
        assert user.run()["action_timeout"] == 60
        assert user.run(action_timeout=5)["action_timeout"] == 5


BEYOND: list[tuple[str, Json, str]] = [
    ("action_timeout", 0, "greater than 0"),
    ("action_timeout", -1, "greater than 0"),
    ("action_timeout", 10_000_001, "less than or equal to 10000000"),
    ("action_timeout", "5", "number"),
    ("on_expiry", "wait", "'fail' or 'answer'"),
    ("expiry_output", "x" * 256_001, "256000"),
    ("expiry_output", "\x00", "NUL"),
]


@pytest.mark.parametrize(("field", "value", "expected"), BEYOND)
def test_a_value_beyond_its_limit_is_refused(user: Caller, field: str, value: Json, expected: str) -> None:
    body = {"assistant_id": user.assistant()["id"], "thread_id": user.thread()["id"], field: value}
    assert expected in refused(user.post("/v1/runs", json=body), 422, "invalid_value", field)
