"""Usage: by day, assistant, key and model; one's own, and for admins anybody's."""

import json
from pathlib import Path

import httpx2
import pytest

from projectdavid.protocol.usage import Limits
from tests.server.conftest import Clock, serving
from tests.server.talking import Caller, Json, ok, refused
from tests.server.test_limits import STORED

UNPRICED = {"cached_tokens": 0, "reasoning_tokens": 0, "cost": None, "unpriced": True}
TURN = {"turns": 1, "prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14, **UNPRICED}
TWO = {"turns": 2, "prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28, **UNPRICED}


async def run(client: httpx2.AsyncClient, assistant_id: str, **headers: str) -> None:
    thread = ok(await client.post("/v1/threads", json={}))
    body = {"assistant_id": assistant_id, "thread_id": thread["id"]}
    run = ok(await client.post("/v1/runs", json=body, headers=headers))
    assert '"completed"' in (await client.get(f"/v1/runs/{run['id']}/events")).text


async def usage(client: httpx2.AsyncClient, **params: str) -> Json:
    return ok(await client.get("/v1/usage", params=params))


@pytest.mark.anyio
async def test_usage_is_told_by_day_assistant_key_and_model(still: httpx2.AsyncClient, clock: Clock) -> None:
    me = ok(await still.get("/v1/auth/validate-key"))["user_id"]
    key = ok(await still.post(f"/v1/users/{me}/apikeys"))["plain_key"]
    one, two = [ok(await still.post("/v1/assistants", json={"model": f"scripted/{name}"}))["id"] for name in "ab"]
    await run(still, one)
    await run(still, two, **{"x-api-key": key})
    clock.now += 86_400
    await run(still, one)
    told = await usage(still)
    assert list(told) == ["object", "data", "start", "end", "limits", "today", "storage"]
    assert (told["start"], told["end"]) == ("2025-06-01", "2025-06-30")
    assert told["data"] == [{"day": "2025-06-29", **TWO}, {"day": "2025-06-30", **TURN}]
    assert told["today"] == {"tokens": 14, "cost": None, "unpriced": True, "resets_at": 1_751_328_000}
    assert told["limits"] == {**dict.fromkeys(Limits.model_fields), **STORED}
    by_assistant = (await usage(still, group_by="assistant"))["data"]
    expected = [{"assistant_id": one, **TWO}, {"assistant_id": two, **TURN}]
    assert by_assistant == sorted(expected, key=lambda entry: str(entry["assistant_id"]))
    by_key = (await usage(still, group_by="key"))["data"]
    assert {"key_prefix": key[:12], **TURN} in by_key
    assert [entry["turns"] for entry in by_key if entry["key_prefix"] != key[:12]] == [2]
    assert (await usage(still, group_by="model"))["data"] == [
        {"model": "scripted/a", **TWO},
        {"model": "scripted/b", **TURN},
    ]


@pytest.mark.anyio
async def test_the_days_are_those_that_are_asked_for_both_ends_included(
    still: httpx2.AsyncClient, clock: Clock
) -> None:
    assistant = ok(await still.post("/v1/assistants", json={"model": "scripted/a"}))["id"]
    for _ in range(4):
        await run(still, assistant)
        clock.now += 86_400
    told = await usage(still, start="2025-06-30", end="2025-07-01")
    assert [entry["day"] for entry in told["data"]] == ["2025-06-30", "2025-07-01"]
    assert (told["start"], told["end"]) == ("2025-06-30", "2025-07-01")
    assert [entry["turns"] for entry in (await usage(still, start="2025-07-01", group_by="model"))["data"]] == [2]
    assert (await usage(still, start="0001-01-01", end="0001-01-02"))["data"] == []
    assert (await usage(still, end="9999-12-31"))["data"] == []
    assert (await usage(still, end="0001-01-01"))["start"] == "0001-01-01"
    assert told["today"]["tokens"] == 0


@pytest.mark.parametrize(
    ("params", "param", "expected"),
    [
        ({"start": "yesterday"}, "start", "date"),
        ({"end": "2025-02-30"}, "end", "date"),
        ({"end": "0"}, "end", "a date such as"),
        ({"end": "1751169829"}, "end", "a date such as"),
        ({"end": "2025-06-29T00:00:00"}, "end", "a date such as"),
        ({"start": "2025-06-02", "end": "2025-06-01"}, "start", "not after 'end'"),
        ({"group_by": "colour"}, "group_by", "'day', 'assistant', 'key' or 'model'"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(user: Caller, params: Json, param: str, expected: str) -> None:
    assert expected in refused(user.get("/v1/usage", params=params), 422, "invalid_value", param)


def test_a_user_sees_their_own_usage_and_an_admin_everybody_s(user: Caller, other: Caller, admin: Caller) -> None:
    user.until(user.run(), "completed")
    mine = ok(user.get("/v1/usage"))
    assert [entry["turns"] for entry in mine["data"]] == [1]
    assert ok(user.get("/v1/usage", params={"user_id": user.user_id})) == mine
    assert ok(admin.get("/v1/usage", params={"user_id": user.user_id})) == mine
    assert ok(other.get("/v1/usage"))["data"] == []
    refused(other.get("/v1/usage", params={"user_id": user.user_id}), 404, "user_not_found", "user_id")
    refused(admin.get("/v1/usage", params={"user_id": "user_nobody"}), 404, "user_not_found", "user_id")


def test_the_usage_of_a_run_s_past_stays_when_the_run_is_deleted(user: Caller) -> None:
    run = user.until(user.run(), "completed")
    ok(user.delete(f"/v1/threads/{run['thread_id']}"))
    ok(user.delete(f"/v1/assistants/{run['assistant_id']}"))
    (entry,) = ok(user.get("/v1/usage?group_by=assistant"))["data"]
    assert (entry["assistant_id"], entry["total_tokens"]) == (run["assistant_id"], 14)


CALLED = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "cached_tokens": 64,
    "reasoning_tokens": 12,
}
SAID = {"prompt_tokens": 150, "completion_tokens": 30, "total_tokens": 180, "cached_tokens": 128, "reasoning_tokens": 8}
BOTH = {name: CALLED[name] + SAID[name] for name in CALLED}


def test_cached_and_reasoning_tokens_are_reported_wherever_usage_is(user: Caller) -> None:
    run = user.until(user.run("scripted/cacher"), "action_required")
    [action] = run["actions"]
    ok(user.submit(run, (action["tool_call_id"], "rain")))
    ended = user.until(run, "completed")
    assert ended["usage"] == {**BOTH, "estimated": False, "cost": None}
    steps = ok(user.get(f"/v1/runs/{run['id']}/steps"))["data"]
    assert [step["usage"] for step in steps] == [{**CALLED, "cost": None}, {**SAID, "cost": None}]
    events = user.get(f"/v1/runs/{run['id']}/events").text
    [status] = [line for line in events.splitlines() if line.startswith("data:") and '"usage"' in line]
    assert json.loads(status.removeprefix("data:"))["usage"] == {**BOTH, "estimated": False, "cost": None}
    for group in ("day", "assistant", "key", "model"):
        [entry] = ok(user.get("/v1/usage", params={"group_by": group}))["data"]
        assert {name: entry[name] for name in BOTH} == BOTH


def test_cached_tokens_count_against_a_limit_of_money_at_their_own_price(tmp_path: Path) -> None:
    prices = {"scripted/cacher": {"prompt": 10.0, "completion": 20.0, "cached": 1.0}}
    with serving(tmp_path, prices=prices, money_per_day=0.0018) as server:
        user = Caller(server.base_url, "", server.api_key)
        with user:
            run = user.until(user.run("scripted/cacher"), "action_required")
            ok(user.submit(run, (run["actions"][0]["tool_call_id"], "rain")))
            user.until(run, "completed")
            # 58 tokens read, 192 read from the cache, 50 written: 0.001772 in all, instead of 0.0035.
            assert ok(user.get("/v1/usage"))["today"]["cost"] == 0.001772
            assert ok(user.get(f"/v1/runs/{run['id']}"))["usage"]["cost"] == 0.001772
            steps = ok(user.get(f"/v1/runs/{run['id']}/steps"))["data"]
            assert [step["usage"]["cost"] for step in steps] == [0.000824, 0.000948]
            *_, status = user.events(run)
            assert status["usage"]["cost"] == 0.001772
            user.until(user.run("scripted/cacher"), "action_required")
            body = {"model": "scripted/cacher"}
            assistant, thread = ok(user.post("/v1/assistants", json=body)), ok(user.post("/v1/threads", json={}))
            late = user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread["id"]})
            refused(late, 429, "money_per_day_exceeded")
