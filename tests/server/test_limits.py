"""Limits of users: requests, runs, tokens and money; who sets them, and what is said where one is reached."""

from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import msgspec
import pytest

from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.protocol.usage import Limits
from projectdavid.runtime.quota import LimitExceeded
from projectdavid.security.rate_limiter import MOST, LocalRateLimiter
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings
from tests.server.conftest import Clock, serving
from tests.server.script import player
from tests.server.talking import WEATHER, Caller, Json, ok, refused

NONE: dict[str, Json] = dict.fromkeys(Limits.model_fields)
STORED = {name: value for name, value in msgspec.structs.asdict(Settings().allowance()).items() if value is not None}
"""The limits that every user has: those of what they store, and of open runs."""


def limit(admin: Caller, user: Caller, **limits: Json) -> Json:
    return ok(admin.put(f"/v1/users/{user.user_id}", json={"limits": limits}))


# Who sets them.


def test_an_admin_sets_limits_and_the_user_sees_them(admin: Caller, user: Caller) -> None:
    path = f"/v1/users/{user.user_id}"
    assert ok(user.get(path))["limits"] == NONE
    assert limit(admin, user, tokens_per_day=1000, money_per_day=2.5)["limits"] == {
        **NONE,
        "tokens_per_day": 1000,
        "money_per_day": 2.5,
    }
    assert ok(user.put(path, json={"full_name": "Ada"}))["limits"]["tokens_per_day"] == 1000
    assert STORED["concurrent_runs"] == 1000
    assert ok(user.get("/v1/usage"))["limits"] == {**ok(user.get(path))["limits"], **STORED}
    assert limit(admin, user, concurrent_runs=3)["limits"] == {**NONE, "concurrent_runs": 3}
    assert ok(admin.put(path, json={"limits": None}))["limits"] == NONE


def test_a_user_is_made_with_limits(admin: Caller) -> None:
    made = ok(admin.post("/v1/users", json={"limits": {"requests_per_minute": 60, "tokens_per_day": None}}))
    assert made["limits"] == {**NONE, "requests_per_minute": 60}
    assert made in ok(admin.get("/v1/users?limit=1"))["data"]


def test_nobody_else_sets_limits_not_even_their_own(user: Caller) -> None:
    path = f"/v1/users/{user.user_id}"
    for limits in ({"tokens_per_day": 10**9}, {}, None):
        refused(user.put(path, json={"limits": limits, "full_name": "Eve"}), 403, "admin_only")
    assert ok(user.get(path))["full_name"] is None


BEYOND: list[tuple[str, Json, str]] = [
    ("requests_per_minute", 0, "greater than or equal to 1"),
    ("requests_per_minute", 1_000_001, "1000000"),
    ("concurrent_runs", 0, "1"),
    ("concurrent_runs", 1.5, "integer"),
    ("tokens_per_day", -1, "1"),
    ("money_per_day", 0, "greater than 0"),
    ("money_per_day", "5", "number"),
]


@pytest.mark.parametrize(("field", "value", "expected"), BEYOND)
def test_a_limit_that_is_none_is_refused(admin: Caller, user: Caller, field: str, value: Json, expected: str) -> None:
    path = f"/v1/users/{user.user_id}"
    response = admin.put(path, json={"limits": {field: value}})
    assert expected in refused(response, 422, "invalid_value", f"limits.{field}")
    refused(admin.put(path, json={"limits": {"runs": 1}}), 422, "unknown_field", "limits.runs")


# Requests.


def seconds(response: httpx2.Response) -> int:
    return int(response.headers["retry-after"])


@pytest.mark.anyio
async def test_more_requests_than_a_minute_may_have_are_refused_until_there_is_room(
    still: httpx2.AsyncClient, clock: Clock
) -> None:
    made = ok(await still.post("/v1/users", json={"limits": {"requests_per_minute": 3}}))
    key = ok(await still.post(f"/v1/users/{made['id']}/apikeys"))["plain_key"]
    other = ok(await still.post(f"/v1/users/{made['id']}/apikeys"))["plain_key"]
    mine, same = {"x-api-key": key}, {"x-api-key": other}
    for headers in (mine, same, mine):
        ok(await still.get("/v1/runs", headers=headers))
    for headers in (mine, same):
        late = await still.get("/v1/runs?limit=1", headers=headers)
        assert "3 requests per minute" in refused(late, 429, "requests_per_minute_exceeded")
        assert late.json()["error"]["type"] == "rate_limit_error"
        assert seconds(late) == 20
    ok(await still.get("/v1/runs"))  # another user
    assert (await still.get("/health", headers=mine)).status_code == 200
    clock.now += 19.5
    assert seconds(await still.get("/v1/runs", headers=mine)) == 1
    clock.now += 0.5
    ok(await still.get("/v1/runs", headers=mine))
    refused(await still.get("/v1/runs", headers=mine), 429, "requests_per_minute_exceeded")
    clock.now += 3600
    for _ in range(3):
        ok(await still.get("/v1/runs", headers=mine))
    refused(await still.get("/v1/runs", headers=mine), 429, "requests_per_minute_exceeded")


@pytest.mark.anyio
async def test_a_request_is_counted_once_however_it_is_answered(still: httpx2.AsyncClient) -> None:
    made = ok(await still.post("/v1/users", json={"limits": {"requests_per_minute": 2}}))
    mine = {"x-api-key": ok(await still.post(f"/v1/users/{made['id']}/apikeys"))["plain_key"]}
    refused(await still.post("/v1/messages", json={}, headers=mine), 422, "missing_field", "thread_id")
    ok(await still.get("/v1/runs?limit=2", headers=mine))
    refused(await still.post("/v1/messages", json={}, headers=mine), 429, "requests_per_minute_exceeded")


@pytest.mark.anyio
async def test_a_bucket_fills_evenly_and_a_clock_that_is_set_back_empties_nothing() -> None:
    rates = LocalRateLimiter()
    for _ in range(60):
        await rates.take("ann", 60, 1000.0)
    with pytest.raises(LimitExceeded) as empty:
        await rates.take("ann", 60, 900.0)
    assert empty.value.retry_after == pytest.approx(1.0)
    for second in range(1, 100):
        await rates.take("ann", 60, 900.0 + second)


@pytest.mark.anyio
async def test_those_who_asked_longest_ago_are_forgotten_first() -> None:
    rates = LocalRateLimiter()
    for owner in range(MOST):
        await rates.take(str(owner), 1, 0.0)
    with pytest.raises(LimitExceeded):
        await rates.take("0", 1, 0.0)  # and is the last now
    await rates.take("new", 1, 0.0)
    await rates.take("1", 1, 0.0)
    with pytest.raises(LimitExceeded):
        await rates.take("0", 1, 0.0)


# Runs.


def bodies(user: Caller, count: int, **fields: Json) -> list[Json]:
    """What creates runs, each in a thread of its own."""
    assistant = user.assistant(model="scripted/silent")
    ids = [user.thread("Hi")["id"] for _ in range(count)]
    return [{"assistant_id": assistant["id"], "thread_id": thread_id, **fields} for thread_id in ids]


def test_of_fifty_runs_at_once_exactly_as_many_are_created_as_the_user_may_have(admin: Caller, user: Caller) -> None:
    wanted = bodies(user, 50)
    limit(admin, user, concurrent_runs=7)
    with ThreadPoolExecutor(25) as pool:
        answers = list(pool.map(lambda body: user.post("/v1/runs", json=body), wanted))
    created = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(created) == 7
    late = [answer for answer in answers if answer.status_code != 200]
    for answer in late:
        assert "7 open runs" in refused(answer, 429, "concurrent_runs_exceeded")
        assert seconds(answer) == 5
    assert len(ok(user.get("/v1/runs?limit=100"))["data"]) == 7
    ok(user.post(f"/v1/runs/{created[0]['id']}/cancel"))
    user.until(created[0], "cancelled")
    ok(user.post("/v1/runs", json=wanted[0]))
    refused(user.post("/v1/runs", json=wanted[1]), 429, "concurrent_runs_exceeded")
    for run in ok(user.get("/v1/runs?limit=100"))["data"]:
        user.post(f"/v1/runs/{run['id']}/cancel")


@pytest.mark.parametrize("fields", [{"status": "pending"}, {"on_busy": "queue"}, {"on_busy": "interrupt"}])
def test_runs_that_wait_are_open_too(admin: Caller, user: Caller, fields: Json) -> None:
    limit(admin, user, concurrent_runs=2)
    (body,) = bodies(user, 1)
    first = ok(user.post("/v1/runs", json={**body, "status": "pending"}))
    second = ok(user.post("/v1/runs", json={**body, "on_busy": "queue"}))
    (other,) = bodies(user, 1)
    refused(user.post("/v1/runs", json={**other, **fields}), 429, "concurrent_runs_exceeded")
    for run in (first, second):
        assert ok(user.get(f"/v1/runs/{run['id']}"))["status"] in ("pending", "queued")
    for run in (second, first):
        ok(user.post(f"/v1/runs/{run['id']}/cancel"))


def test_a_run_that_is_interrupted_makes_room_for_the_one_that_interrupts_it(admin: Caller, user: Caller) -> None:
    limit(admin, user, concurrent_runs=1)
    first = user.run(status="pending")
    body = {"assistant_id": first["assistant_id"], "thread_id": first["thread_id"]}
    second = ok(user.post("/v1/runs", json={**body, "on_busy": "interrupt", "status": "pending"}))
    assert ok(user.get(f"/v1/runs/{first['id']}"))["status"] == "cancelled"
    (other,) = bodies(user, 1)
    refused(user.post("/v1/runs", json={**other, "on_busy": "interrupt"}), 429, "concurrent_runs_exceeded")
    ok(user.post(f"/v1/runs/{second['id']}/cancel"))


def test_the_runs_of_others_are_not_counted(admin: Caller, user: Caller, other: Caller) -> None:
    for one in (user, other):
        limit(admin, one, concurrent_runs=1)
        run = one.run(status="pending")
        ok(one.post(f"/v1/runs/{run['id']}/cancel"))


# Tokens and money.

PRICES = {"scripted/hello": {"prompt": 1_000_000.0, "completion": 1_000_000.0}}


@pytest.fixture
async def paid(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[httpx2.AsyncClient]:
    """An admin's client of a platform with a price, whose users may use 30 tokens a day."""
    monkeypatch.delenv("PROJECTDAVID_DATA", raising=False)
    settings = Settings(data=tmp_path, prices=PRICES, tokens_per_day=30)  # pyright: ignore[reportArgumentType]
    platform: Platform = await assemble(settings, {"scripted": player()}, clock)
    app = create_app(platform)
    key = httpx2.Response(200, text=settings.credentials.read_text()).json()["admin_api_key"]
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://here", headers={"x-api-key": key}) as client,
    ):
        yield client


async def ran(client: httpx2.AsyncClient, model: str = "scripted/hello", **fields: Json) -> httpx2.Response:
    """The answer to creating a run, and where it was created, to reading it when it was over."""
    assistant = ok(await client.post("/v1/assistants", json={"model": model, "tools": [WEATHER]}))
    thread = ok(await client.post("/v1/threads", json={}))
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"], **fields}
    created = await client.post("/v1/runs", json=body)
    if created.status_code != 200:
        return created
    await client.get(f"/v1/runs/{created.json()['id']}/events")
    return await client.get(f"/v1/runs/{created.json()['id']}")


@pytest.mark.anyio
async def test_a_run_is_refused_when_the_tokens_of_the_day_are_used_up(paid: httpx2.AsyncClient, clock: Clock) -> None:
    for _ in range(3):
        assert ok(await ran(paid))["status"] == "completed"  # 14 tokens each
    late = await ran(paid)
    assert "30 tokens" in refused(late, 429, "tokens_per_day_exceeded")
    assert seconds(late) == 86_400 - 1_751_169_829 % 86_400
    told = ok(await paid.get("/v1/usage"))
    assert (told["limits"]["tokens_per_day"], told["today"]["tokens"]) == (30, 42)
    assert told["today"]["resets_at"] == 1_751_169_829 + seconds(late)
    refused(await ran(paid, status="pending"), 429, "tokens_per_day_exceeded")
    clock.now += seconds(late)
    assert ok(await ran(paid))["status"] == "completed"


@pytest.mark.anyio
async def test_a_limit_of_one_s_own_comes_before_the_server_s(paid: httpx2.AsyncClient) -> None:
    me = ok(await paid.get("/v1/auth/validate-key"))["user_id"]
    ok(await paid.put(f"/v1/users/{me}", json={"limits": {"tokens_per_day": 1000, "money_per_day": 20.0}}))
    for _ in range(2):
        assert ok(await ran(paid))["status"] == "completed"
    assert "20 of money" in refused(await ran(paid), 429, "money_per_day_exceeded")
    assert ok(await paid.get("/v1/usage"))["today"]["cost"] == 28.0


@pytest.mark.anyio
async def test_a_run_whose_model_has_no_price_says_that_no_limit_of_money_applies(paid: httpx2.AsyncClient) -> None:
    assert ok(await ran(paid, "scripted/thinker"))["warnings"] == []
    me = ok(await paid.get("/v1/auth/validate-key"))["user_id"]
    ok(await paid.put(f"/v1/users/{me}", json={"limits": {"money_per_day": 0.01}}))
    run = ok(await ran(paid, "scripted/thinker"))
    assert (run["status"], [warning["code"] for warning in run["warnings"]]) == ("completed", ["price_unknown"])
    assert "scripted/thinker" in run["warnings"][0]["message"]
    told = (await paid.get(f"/v1/runs/{run['id']}/events")).text
    assert '"price_unknown"' in told
    assert ok(await ran(paid))["warnings"] == []


@pytest.fixture
def limited(tmp_path: Path) -> Iterator[Caller]:
    """A user of a server with settings for everybody."""
    settings = {"requests_per_minute": 4, "concurrent_runs": 1, "tokens_per_day": 5, "money_per_day": 2.0}
    with serving(tmp_path, **settings) as server, Caller(server.base_url, "", server.api_key) as user:
        yield user


def test_the_settings_hold_for_everybody(limited: Caller) -> None:
    assert ok(limited.get("/v1/usage"))["limits"] == {
        **STORED,
        "requests_per_minute": 4,
        "concurrent_runs": 1,
        "tokens_per_day": 5,
        "money_per_day": 2.0,
    }
    for _ in range(3):
        ok(limited.get("/v1/runs"))
    refused(limited.get("/v1/runs"), 429, "requests_per_minute_exceeded")
