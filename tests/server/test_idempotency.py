"""Requests with an `Idempotency-Key` happen once and have one answer: at once, later, and after the server has died."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports import queries
from projectdavid.services.platform import Platform
from tests.databases import IS_POSTGRES, execute_sql
from tests.server.conftest import Clock, serving
from tests.server.routes import ADMIN_ONLY, BY_CODE, CASES, Asked, world_of
from tests.server.talking import WEATHER, Caller, Json, ok, refused
from tests.timeouts import EVENT_TIMEOUT

POSTS = [(route, number) for route, number in CASES if route.startswith("POST ") and route != BY_CODE]
KEY = {"idempotency-key": "one"}
AT_ONCE = 200
DAY = 86_400


@pytest.fixture
async def many(server: EmbeddedPlatform, user: Caller) -> AsyncGenerator[httpx2.AsyncClient]:
    """A user with as many connections as requests."""
    limits = httpx2.Limits(max_connections=AT_ONCE)
    headers = {"x-api-key": user.key, **KEY}
    async with httpx2.AsyncClient(
        base_url=server.base_url, headers=headers, limits=limits, timeout=EVENT_TIMEOUT
    ) as client:
        yield client


def _run(user: Caller) -> Json:
    return {"assistant_id": user.assistant()["id"], "thread_id": user.thread("Hi")["id"]}


MADE: dict[str, Callable[[Caller], Json]] = {
    "/v1/assistants": lambda _: {"model": "m"},
    "/v1/threads": lambda _: {},
    "/v1/messages": lambda user: {"thread_id": user.thread()["id"], "content": "Hi"},
    "/v1/runs": _run,
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", MADE)
async def test_200_requests_at_once_with_one_key_make_one_object(
    many: httpx2.AsyncClient, user: Caller, path: str
) -> None:
    body = MADE[path](user)
    before = amounts(user)
    answers = await asyncio.gather(*(many.post(path, json=body) for _ in range(AT_ONCE)))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert len({answer.content for answer in answers}) == 1
    assert sum(answer.headers.get("idempotent-replayed") == "true" for answer in answers) == AT_ONCE - 1
    after = amounts(user)
    assert sum(after.values()) == sum(before.values()) + 1


def amounts(user: Caller) -> dict[str, int]:
    """How much a user has of what requests make; not what models say."""
    threads = ok(user.get("/v1/threads?limit=100"))["data"]
    pages = [ok(user.get(f"/v1/threads/{thread['id']}/messages?limit=100"))["data"] for thread in threads]
    said = [message for page in pages for message in page if message["run_id"] is None or message["role"] == "tool"]
    return {
        "assistants": len(ok(user.get("/v1/assistants"))),
        "threads": len(threads),
        "messages": len(said),
        "runs": len(ok(user.get("/v1/runs?limit=100"))["data"]),
        "keys": len(ok(user.get(f"/v1/users/{user.user_id}/apikeys"))["keys"]),
    }


# Every route, whatever happens to the server.


LOSE_ANSWERS = "UPDATE idempotency SET status = NULL, answer = NULL WHERE status IS NOT NULL"


def lose_answers(folder: Path) -> int:
    """Leave the data as when a server dies between what it does and the answer; how many answers there were."""
    if IS_POSTGRES:
        return len(execute_sql(folder, f"{LOSE_ANSWERS} RETURNING 1"))
    connection = apsw.Connection(str(folder / "projectdavid.db"))
    connection.execute(LOSE_ANSWERS)
    lost = connection.changes()
    connection.close()
    return lost


@contextmanager
def admin_of(server: EmbeddedPlatform) -> Iterator[Caller]:
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        yield admin


def test_every_post_is_done_once_and_answered_again_after_the_server_has_died(tmp_path: Path) -> None:
    asked: list[tuple[str, str, str, Asked]] = []
    with serving(tmp_path) as server, admin_of(server) as admin:
        users = ok(admin.get("/v1/users?limit=100"))["data"]
        for route, number in POSTS:
            user_id = ok(admin.post("/v1/users", json={}))["id"]
            key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
            with Caller(server.base_url, user_id, key) as user:
                asked.append((route, user_id, key, Asked(route, number, world_of(user))))
        first = answers(server, asked)
        assert [answer.status_code for answer in first if answer.is_error] == []
        assert not any("idempotent-replayed" in answer.headers for answer in first)
        there = [amount(server, user_id, key) for _, user_id, key, _ in asked]
        same(first, answers(server, asked))
    with serving(tmp_path) as server:
        same(first, answers(server, asked))
        assert [amount(server, user_id, key) for _, user_id, key, _ in asked] == there
    kept = lose_answers(tmp_path)
    assert kept == len([answer for answer in first if is_kept(answer)]) > 10
    with serving(tmp_path) as server, admin_of(server) as admin:
        for one, again in zip(first, answers(server, asked), strict=True):
            assert again.status_code == one.status_code
            assert again.headers["idempotent-replayed"] == "true"
            assert identity(again) == identity(one) if is_kept(one) else again.content == one.content
        assert [amount(server, user_id, key) for _, user_id, key, _ in asked] == there
        made = len(ok(admin.get("/v1/users?limit=100"))["data"]) - len(users)
        assert made == len(POSTS) + 1


def test_a_run_that_lost_its_answer_is_found_again_although_its_assistant_is_gone(tmp_path: Path) -> None:
    with serving(tmp_path) as server, admin_of(server) as admin:
        body = _run(admin)
        made = ok(admin.post("/v1/runs", json=body, headers=KEY))
        ok(admin.delete(f"/v1/assistants/{body['assistant_id']}"))
    lose_answers(tmp_path)  # where the eraser has not: the answer names the deleted assistant
    with serving(tmp_path) as server, admin_of(server) as admin:
        again = admin.post("/v1/runs", json=body, headers=KEY)
        assert (ok(again)["id"], again.headers["idempotent-replayed"]) == (made["id"], "true")
        assert [run["id"] for run in ok(admin.get("/v1/runs"))["data"]] == [made["id"]]


def answers(server: EmbeddedPlatform, asked: list[tuple[str, str, str, Asked]]) -> list[httpx2.Response]:
    """What is answered to each, under a key of its own."""
    found: list[httpx2.Response] = []
    for number, (route, user_id, key, one) in enumerate(asked):
        opens = server.admin_api_key if route in ADMIN_ONLY else key
        with Caller(server.base_url, user_id, opens) as client:
            found.append(one.send(client, headers={"idempotency-key": f"key {number}"}))
    return found


def amount(server: EmbeddedPlatform, user_id: str, key: str) -> dict[str, int]:
    with Caller(server.base_url, user_id, key) as user:
        return amounts(user)


def same(first: list[httpx2.Response], again: list[httpx2.Response]) -> None:
    """All are answered as at first, by what is remembered."""
    assert [answer.status_code for answer in again] == [answer.status_code for answer in first]
    assert [answer.content for answer in again] == [answer.content for answer in first]
    assert {answer.headers["idempotent-replayed"] for answer in again} == {"true"}


def identity(answer: httpx2.Response) -> Json:
    """What an answer is about: the id of an object, of a file in it, or all that was found."""
    body = answer.json()
    return body["file"]["id"] if "file" in body and "id" not in body else body.get("id", body)


def is_kept(answer: httpx2.Response) -> bool:
    """Whether the server has it written down: it is no stream, and shows no secret."""
    secret = "no-store" in answer.headers.get("cache-control", "")
    return answer.headers["content-type"] == "application/json" and not secret


# What a key is.


def test_a_key_is_not_for_another_body_or_path(user: Caller) -> None:
    ok(user.post("/v1/threads", json={}, headers=KEY))
    others = {"/v1/threads": {"meta_data": {"a": 1}}, "/v1/assistants": {}, "/v1/threads?a=b": {}}
    for path, body in others.items():
        refused(user.post(path, json=body, headers=KEY), 409, "idempotency_key_reused")
    assert len(ok(user.get("/v1/threads"))["data"]) == 1


def test_a_key_is_its_owner_s(user: Caller, other: Caller) -> None:
    mine, theirs = (ok(caller.post("/v1/threads", json={}, headers=KEY)) for caller in (user, other))
    assert mine["id"] != theirs["id"]
    assert ok(other.post("/v1/threads", json={}, headers=KEY)) == theirs


def test_without_a_key_every_request_is_another(user: Caller) -> None:
    assert user.thread()["id"] != user.thread()["id"]


def test_a_key_serves_a_request_without_a_body(user: Caller) -> None:
    first, again = (ok(user.post("/v1/threads", headers=KEY)) for _ in range(2))
    assert first == again


def test_a_request_with_a_query_is_done_once_too(user: Caller) -> None:
    first, again = (ok(user.post("/v1/threads?x=1", json={}, headers=KEY)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("key", [b"", b"x" * 256, "ä".encode(), b"a\tb"], ids=["empty", "long", "ä", "tab"])
def test_a_key_that_is_none_is_refused(user: Caller, key: bytes) -> None:
    answer = user.post("/v1/threads", json={}, headers=[(b"idempotency-key", key)])
    assert "1 to 255" in refused(answer, 400, "invalid_idempotency_key")


def test_two_keys_are_refused(user: Caller) -> None:
    answer = user.post("/v1/threads", json={}, headers=[("idempotency-key", "a"), ("idempotency-key", "b")])
    refused(answer, 400, "invalid_idempotency_key")


def test_the_longest_key_is_taken(user: Caller) -> None:
    headers = {"idempotency-key": "~ " * 127 + "~"}
    assert ok(user.post("/v1/threads", headers=headers)) == ok(user.post("/v1/threads", headers=headers))


def test_a_key_opens_nothing_for_a_stranger(stranger: httpx2.Client) -> None:
    refused(stranger.post("/v1/threads", json={}, headers=KEY), 401, "invalid_api_key")


# Errors.


def test_after_an_error_the_same_request_may_succeed(user: Caller) -> None:
    open_run = user.run(status="pending")
    body = {"assistant_id": open_run["assistant_id"], "thread_id": open_run["thread_id"]}
    for _ in range(2):
        refused(user.post("/v1/runs", json=body, headers=KEY), 409, "thread_busy", "thread_id")
    ok(user.post(f"/v1/runs/{open_run['id']}/cancel"))
    run = ok(user.post("/v1/runs", json=body, headers=KEY))
    assert ok(user.post("/v1/runs", json=body, headers=KEY)) == run


def test_after_an_error_its_key_serves_another_request(user: Caller) -> None:
    refused(user.post("/v1/assistants", json={}, headers=KEY), 422, "missing_field", "model")
    assert ok(user.post("/v1/assistants", json={"model": "m"}, headers=KEY))["model"] == "m"


# Calls, and streams.


def test_outputs_are_taken_once_and_the_answer_stays_what_it_was(user: Caller) -> None:
    run = user.waiting()
    path, body = f"/v1/runs/{run['id']}/submit_tool_outputs", {"tool_outputs": [{"tool_call_id": "", "output": "rain"}]}
    body["tool_outputs"][0]["tool_call_id"] = run["actions"][0]["tool_call_id"]
    taken = ok(user.post(path, json=body, headers=KEY))
    user.until(run, "completed")
    assert ok(user.post(path, json=body, headers=KEY)) == taken
    refused(user.post(path, json=body), 400, "invalid_state", None)


def test_a_stream_that_is_asked_for_again_tells_the_same(user: Caller) -> None:
    run = user.waiting()
    body = {name: run[name] for name in ("thread_id", "assistant_id")} | {"run_id": run["id"], "stream": True}
    told = user.post("/v1/completions", json=body, headers=KEY)
    ok(user.submit(run, (run["actions"][0]["tool_call_id"], "rain")))
    user.until(run, "completed")
    again = user.post("/v1/completions", json=body, headers=KEY)
    assert again.content == told.content
    assert again.headers["idempotent-replayed"] == "true"
    assert b"rain" in user.post("/v1/completions", json=body).content
    refused(user.post("/v1/completions", json={**body, "stream": False}, headers=KEY), 409, "idempotency_key_reused")


# With the clock of the test.


async def posted(client: httpx2.AsyncClient, path: str, body: Json = None, **headers: str) -> Any:
    return ok(await client.post(path, json=body or {}, headers=headers))


@pytest.mark.anyio
async def test_a_key_is_remembered_for_a_day(platform: Platform, still: httpx2.AsyncClient, clock: Clock) -> None:
    first = await posted(still, "/v1/threads", **KEY)
    clock.now += DAY - 1
    await platform.sweeper.prune()
    assert await posted(still, "/v1/threads", **KEY) == first
    clock.now += 1
    another = await posted(still, "/v1/threads", **KEY)
    assert another["id"] != first["id"]
    assert await posted(still, "/v1/threads", **KEY) == another


@pytest.mark.anyio
async def test_what_is_old_is_thrown_away(platform: Platform, still: httpx2.AsyncClient, clock: Clock) -> None:
    view = platform.store.of((await posted(still, "/v1/threads", **KEY))["owner_id"])
    assert await view.one(queries.IDEMPOTENCY, key="one", since=0) is not None
    clock.now += DAY
    await platform.sweeper.prune()
    assert await view.one(queries.IDEMPOTENCY, key="one", since=0) is None


@pytest.mark.anyio
async def test_a_request_waits_for_the_one_before_it_with_the_same_key(
    platform: Platform, still: httpx2.AsyncClient
) -> None:
    assistant = await posted(still, "/v1/assistants", {"model": "scripted/silent", "tools": [WEATHER]})
    thread = await posted(still, "/v1/threads")
    body = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = await posted(still, "/v1/runs", body)
    body |= {"run_id": run["id"], "stream": False}
    async with asyncio.timeout(EVENT_TIMEOUT):
        asked = [asyncio.create_task(still.post("/v1/completions", json=body, headers=KEY)) for _ in range(2)]
        while not platform.under_way:
            await checkpoint()
        other = await still.post("/v1/threads", json={}, headers=KEY)
        refused(other, 409, "idempotency_key_reused")
        assert not any(task.done() for task in asked)
        await posted(still, f"/v1/runs/{run['id']}/cancel")
        first, second = [await task for task in asked]
    assert ok(first)["status"] == "cancelled"
    assert first.content == second.content
    assert not platform.under_way


@pytest.mark.anyio
async def test_a_key_that_is_shown_again_is_written_down_nowhere(platform: Platform, still: httpx2.AsyncClient) -> None:
    user = (await still.get("/v1/auth/validate-key")).json()["user_id"]
    first, again = [await posted(still, f"/v1/users/{user}/apikeys", **KEY) for _ in range(2)]
    assert again == first
    assert (await still.get("/v1/threads", headers={"x-api-key": first["plain_key"]})).status_code == 200
    secret = first["plain_key"][12:].encode()
    files = [path for path in platform.settings.data.iterdir() if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    assert [path.name for path in files if secret in path.read_bytes()] == []


@pytest.mark.anyio
async def test_the_description_of_every_post_tells_of_the_key(still: httpx2.AsyncClient) -> None:
    paths = (await still.get("/openapi.json")).json()["paths"]
    for path, methods in paths.items():
        for method, operation in methods.items():
            names = [parameter["name"] for parameter in operation.get("parameters", ())]
            is_repeatable = method == "post" and path != "/v1/auth/exchange"  # a code works once
            assert ("Idempotency-Key" in names) == is_repeatable, path
            assert not is_repeatable or "409" in operation["responses"], path
