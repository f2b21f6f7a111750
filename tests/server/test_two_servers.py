"""Two servers over one store keep every promise that one keeps, although neither hears the hints of the other."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from projectdavid.composition.bootstrap import assemble
from projectdavid.ports import queries
from projectdavid.ports.rows import DeliveryRow, VectorStoreFileRow
from projectdavid.ports.store import Op
from tests.fakes.shared_store import SharedStore
from tests.server.conftest import FOREIGN
from tests.server.script import player
from tests.server.talking import WEATHER, Json, ok
from tests.server.two_servers import TwoServers, start, two_servers

pytestmark = pytest.mark.anyio

KEY = {"idempotency-key": "one"}


@pytest.fixture
async def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[TwoServers]:
    """Two servers, of which only the first works on runs."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    async with two_servers(tmp_path, second_works=False) as both:
        yield both


@pytest.fixture
async def both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[TwoServers]:
    """Two servers that both work on runs."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    async with two_servers(tmp_path) as servers:
        yield servers


@pytest.mark.parametrize("how", ["native", "dialect", "interrupted", "thread deleted"])
async def test_a_cancel_on_one_server_stops_the_work_of_the_other_within_two_seconds(two: TwoServers, how: str) -> None:
    run = await two.first.run("silent")
    await two.until(run, "in_progress")
    assert two.first.platform.worker.at_work == 1
    await two.within(2, end(two, run, how))
    assert two.first.platform.worker.at_work == (how == "interrupted")
    if how != "thread deleted":
        assert await two.second.status(run) == "cancelled"


async def end(two: TwoServers, run: Json, how: str) -> None:
    """Let the second server end a run in some way."""
    ids = {name: run[name] for name in ("assistant_id", "thread_id")}
    match how:
        case "native":
            await two.second.post(f"/v1/runs/{run['id']}/cancel")
        case "dialect":
            await two.second.post(f"/openai/v1/threads/{run['thread_id']}/runs/{run['id']}/cancel")
        case "interrupted":
            await two.second.post("/v1/runs", {**ids, "on_busy": "interrupt"})
        case "expired":
            two.time.now = run["expires_at"] + 5
            await two.second.platform.sweeper.expire()
        case "user deleted":
            ok(await two.second.admin.delete(f"/v1/users/{run['user_id']}"))
        case _:
            kind = how.removesuffix(" deleted")
            ok(await two.second.client.delete(f"/v1/{kind}s/{run[f'{kind}_id']}"))


STREAMS = {
    "native": "/v1/runs/{id}/events",
    "dialect": "/openai/v1/threads/{thread_id}/runs/{id}/events",
}
LAST = {
    "native": "cancelled",
    "interrupted": "cancelled",
    "expired": "expired",
    "assistant deleted": "failed",
    "thread deleted": "thread_deleted",
    "user deleted": "user_deleted",
}


async def read(two: TwoServers, run: Json, stream: str, reader: str = "first") -> str:
    """The stream of a run, to its end."""
    server = two.first if reader == "first" else two.second
    response = await server.client.get(STREAMS[stream].format(**run))
    return response.text


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("how", LAST)
async def test_a_reader_on_one_server_learns_within_a_second_that_the_other_ended_the_run(
    two: TwoServers, how: str, stream: str
) -> None:
    run = await two.first.run("silent", status="pending")
    reading = asyncio.create_task(read(two, run, stream))
    await two.settle()
    await end(two, run, how)
    assert LAST[how] in await two.result_within(1, reading)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize(("model", "last"), [("hello", "completed"), ("broken", "failed")])
async def test_a_reader_gets_what_another_server_s_worker_says_within_two_seconds(
    two: TwoServers, model: str, last: str, stream: str
) -> None:
    run = await two.second.run(model)
    reading = asyncio.create_task(read(two, run, stream, "second"))
    told = await two.result_within(2, reading)  # the worker looks for runs each second, the reader each half
    assert last in told
    assert "Hello" in told or "I break" in told


@pytest.mark.parametrize("stream", STREAMS)
async def test_a_reader_learns_within_a_second_that_a_run_ended_because_its_worker_died(
    both: TwoServers, stream: str
) -> None:
    run = await both.first.run("silent")
    await both.until(run, "in_progress")
    worker, other = (both.first, both.second) if both.first.platform.worker.at_work else (both.second, both.first)
    reading = asyncio.create_task(read(both, run, stream, "second" if other is both.second else "first"))
    await both.settle()
    await worker.die()
    left = run["expires_at"] - both.time.now
    await both.wait(left)
    told = await both.result_within(1, reading)
    assert "expired" in told
    assert other.platform.worker.at_work == 0


async def test_a_run_whose_worker_died_is_taken_up_by_the_other_server_when_the_lease_has_run_out(
    both: TwoServers,
) -> None:
    run = await both.first.run("silent")
    await both.until(run, "in_progress")
    worker, other = (both.first, both.second) if both.first.platform.worker.at_work else (both.second, both.first)
    await worker.die()
    await both.wait(20)
    assert other.platform.worker.at_work == 0
    await both.wait(15)
    assert other.platform.worker.at_work == 1


async def test_a_second_start_leaves_the_work_of_the_first_server_alone(two: TwoServers, tmp_path: Path) -> None:
    run = await two.first.run("silent")
    await two.until(run, "in_progress")
    before = await two.first.get(f"/v1/runs/{run['id']}")
    async with AsyncExitStack() as stack:
        third = await start(stack, tmp_path, two.time, works=True)
        await two.wait(60)
        assert (two.first.platform.worker.at_work, third.platform.worker.at_work) == (1, 0)
        assert await third.get(f"/v1/runs/{run['id']}") == before
        reading = asyncio.create_task(read(two, run, "native"))
        await two.within(2, third.post(f"/v1/runs/{run['id']}/cancel"))
        told = await two.result_within(1, reading)
        assert "message_discarded" not in told
        assert told.count("event: message_created") == 1
        two.time.release()


async def test_a_second_start_leaves_claimed_deliveries_and_files_alone_until_their_leases_expire(
    two: TwoServers, tmp_path: Path
) -> None:
    await two.first.die()
    asked = {"model": "scripted/hello", "webhook_url": "https://hooks.invalid"}
    assistant = await two.second.post("/v1/assistants", asked)
    sent = await two.second.post(f"/v1/assistants/{assistant['id']}/webhook/test")
    uploaded = await two.second.post("/v1/files", None, files={"file": ("a.txt", b"a")}, data={"purpose": "assistants"})
    vector_store = await two.second.post("/openai/v1/vector_stores", {"file_ids": [uploaded["id"]]})
    view = two.second.store.of(assistant["owner_id"])

    async def rows() -> tuple[DeliveryRow, VectorStoreFileRow]:
        delivery = await view.one(queries.DELIVERY, id=sent["id"])
        file = await view.one(queries.STORE_FILE, store_id=vector_store["id"], file_id=uploaded["id"])
        assert delivery is not None
        assert file is not None
        return delivery, file

    delivery, file = await rows()
    lease = {"now": two.time.now, "until": two.time.now + 30.0}
    claims = [
        Op(queries.DELIVERY_CLAIM, {"n": delivery.n, "attempts": 0, **lease}),
        Op(queries.INGEST_CLAIM, {"n": file.n, "lease": "another worker", **lease}),
    ]
    assert None not in await two.second.store.write(claims)
    before = await rows()
    async with AsyncExitStack() as stack:
        await start(stack, tmp_path, two.time, works=True)
        await two.wait(29)
        assert await rows() == before
        await two.wait(6)
        delivery, file = await rows()
        assert delivery.attempts == 2
        assert file.lease != "another worker"
        two.time.release()


@pytest.mark.parametrize("ahead", [0.5, 3600.0, -3600.0])
async def test_a_server_uses_the_time_of_a_shared_store_and_not_that_of_its_machine(
    two: TwoServers, ahead: float
) -> None:
    settings = two.first.platform.settings
    store = SharedStore(settings.database, two.time)
    platform = await assemble(settings, {"scripted": player()}, lambda: two.time.now + ahead, store=store)
    assert platform.clock() == pytest.approx(two.time.now, abs=0.01)
    await platform.close()


# Rate limits.


async def _limited(two: TwoServers, per_minute: int) -> dict[str, str]:
    """The headers of a user with a limit."""
    limits = {"requests_per_minute": per_minute}
    made = ok(await two.first.admin.post("/v1/users", json={"limits": limits}))
    key = ok(await two.first.admin.post(f"/v1/users/{made['id']}/apikeys"))["plain_key"]
    return {"x-api-key": key}


async def _ask(two: TwoServers, headers: dict[str, str], each: int) -> int:
    """How many of `each` requests to both servers, by turns, are answered."""
    answers = [
        await server.client.get("/v1/runs", headers=headers) for _ in range(each) for server in (two.first, two.second)
    ]
    assert {answer.status_code for answer in answers} <= {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers if answer.status_code == 429)
    return [answer.status_code for answer in answers].count(200)


@pytest.mark.parametrize("per_minute", [1, 7, 60, 1000])
async def test_the_requests_of_a_minute_are_counted_over_both_servers(two: TwoServers, per_minute: int) -> None:
    headers = await _limited(two, per_minute)
    assert await _ask(two, headers, per_minute) == per_minute
    assert await _ask(two, headers, 5) == 0
    await two.wait(60)
    assert await _ask(two, headers, per_minute) == per_minute


async def test_requests_at_once_get_all_that_a_minute_has(two: TwoServers) -> None:
    headers = await _limited(two, 60)
    asked = [server.client.get("/v1/runs", headers=headers) for _ in range(60) for server in (two.first, two.second)]
    answers = await asyncio.gather(*asked)
    assert [answer.status_code for answer in answers].count(200) == 60


async def test_a_server_leaves_most_tokens_to_the_other_and_forgets_those_it_did_not_use(two: TwoServers) -> None:
    headers = await _limited(two, 60)
    ok(await two.first.client.get("/v1/runs", headers=headers))  # holds nine more
    second = [await two.second.client.get("/v1/runs", headers=headers) for _ in range(60)]
    assert [answer.status_code for answer in second].count(200) == 50
    await two.wait(61)
    assert await _ask(two, headers, 60) == 60


# Idempotency keys.


async def _ids(two: TwoServers) -> Json:
    assistant = await two.first.post("/v1/assistants", {"model": "scripted/hello", "tools": [WEATHER]})
    thread = await two.first.post("/openai/v1/threads", {"messages": [{"role": "user", "content": "Hi"}]})
    return {"assistant_id": assistant["id"], "thread_id": thread["id"]}


async def _outputs(two: TwoServers) -> tuple[Json, Json]:
    assistant = await two.first.post("/v1/assistants", {"model": "scripted/caller", "tools": [WEATHER]})
    thread = await two.first.post("/v1/threads")
    run = await two.first.post("/v1/runs", {"assistant_id": assistant["id"], "thread_id": thread["id"]})
    await two.until(run, "action_required")
    run = await two.first.get(f"/v1/runs/{run['id']}")
    return run, {"tool_outputs": [{"tool_call_id": run["actions"][0]["tool_call_id"], "output": "rain"}]}


async def _asked(two: TwoServers, case: str) -> tuple[str, Json]:
    """Path and options of a POST."""
    form = {"files": {"file": ("a.txt", b"a")}, "data": {"purpose": "assistants"}}
    match case:
        case "run":
            return "/v1/runs", {"json": await _ids(two)}
        case "message":
            return "/v1/messages", {"json": {"thread_id": (await _ids(two))["thread_id"], "content": "Hi"}}
        case "outputs":
            run, body = await _outputs(two)
            return f"/v1/runs/{run['id']}/submit_tool_outputs", {"json": body}
        case "cancel":
            run = await two.first.run("silent", status="pending")
            return f"/v1/runs/{run['id']}/cancel", {}
        case "stream":
            run = await two.first.run("hello", status="pending")
            named = {name: run[name] for name in ("assistant_id", "thread_id")}
            return "/v1/completions", {"json": {**named, "run_id": run["id"]}}
        case "key":
            return f"/v1/users/{(await two.first.get('/v1/auth/validate-key'))['user_id']}/apikeys", {}
        case "dialect run":
            ids = await _ids(two)
            return f"/openai/v1/threads/{ids.pop('thread_id')}/runs", {"json": ids}
        case "file" | "dialect file":
            return "/v1/files" if case == "file" else "/openai/v1/files", form
        case _:
            prefix = "/openai/v1" if case.startswith("dialect") else "/v1"
            body = {"model": "scripted/hello"} if case.endswith("assistant") else {}
            return f"{prefix}/{case.removeprefix('dialect ')}s", {"json": body}


POSTS = [
    *("assistant", "thread", "message", "run", "outputs", "cancel", "stream", "key", "file"),
    *("dialect assistant", "dialect thread", "dialect run", "dialect file"),
]


@pytest.mark.parametrize("case", POSTS)
async def test_one_key_used_on_two_servers_at_once_makes_one_object_and_has_one_answer(
    two: TwoServers, case: str
) -> None:
    path, options = await _asked(two, case)
    asked = [
        asyncio.create_task(server.client.post(path, headers=KEY, **options)) for server in (two.first, two.second)
    ]
    while not all(task.done() for task in asked):  # threads of the server take their own time
        await two.wait(0.1)
    answers = [task.result() for task in asked]
    assert [answer.status_code < 300 for answer in answers] == [True, True], [answer.text for answer in answers]
    assert answers[0].content == answers[1].content
    assert any(answer.headers.get("idempotent-replayed") == "true" for answer in answers)


async def test_one_key_used_on_two_servers_at_once_for_different_requests_serves_one(two: TwoServers) -> None:
    bodies = [{"meta_data": {"a": "1"}}, {"meta_data": {"a": "2"}}]
    answers = await asyncio.gather(
        *(
            server.client.post("/v1/threads", headers=KEY, json=body)
            for server, body in zip((two.first, two.second), bodies, strict=True)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    (refusal,) = [answer for answer in answers if answer.status_code == 409]
    assert refusal.json()["error"]["code"] == "idempotency_key_reused"
    assert len((await two.second.get("/v1/threads"))["data"]) == 1
