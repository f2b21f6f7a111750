"""The viewer of a thread's terminal, over a real WebSocket: who gets in."""

import asyncio
import json
import logging
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from tests.server.conftest import Clock, serving
from tests.server.talking import ok, refused
from tests.server.watching import Theatre, frame, shown, theatre

pytestmark = pytest.mark.anyio


async def turned_away(url: str, **more: Any) -> tuple[int, str, str | None]:
    """Status, code and param with which a connection is refused."""
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, **more):
            pass
    error = json.loads(caught.value.response.body)["error"]
    return caught.value.response.status_code, error["code"], error["param"]


async def test_a_ticket_names_the_thread_and_where_to_go(stage: Theatre):
    thread = await stage.thread()
    response = await stage.client.get("/v1/computer/session", params={"room_id": thread})
    session = ok(response)
    assert session == {
        **session,
        "room_id": thread,
        "ws_url": f"ws://{stage.client.base_url.netloc.decode()}/ws/computer",
    }
    assert response.headers["cache-control"] == "no-store"
    async with connect(f"{session['ws_url']}?room={thread}&token={session['token']}&role=viewer"):
        pass


@pytest.mark.parametrize(
    ("headers", "url"),
    [
        ({"host": "david.example"}, "ws://david.example/ws/computer"),
        ({"host": "david.example:8443", "x-forwarded-proto": "https"}, "wss://david.example:8443/ws/computer"),
    ],
)
async def test_a_ticket_leads_back_on_the_way_on_which_it_was_asked_for(
    stage: Theatre, headers: dict[str, str], url: str
):
    query = {"room_id": await stage.thread()}
    session = ok(await stage.client.get("/v1/computer/session", params=query, headers=headers))
    assert session["ws_url"] == url.format(port=stage.client.base_url.port)


async def test_a_ticket_leads_to_where_the_operator_says_that_the_server_is(tmp_path: Path, clock: Clock):
    async with theatre(tmp_path, clock, public_url="https://david.example/api/") as stage:
        query = {"room_id": await stage.thread()}
        session = ok(await stage.client.get("/v1/computer/session", params=query, headers={"host": "evil.example"}))
    assert session["ws_url"] == "wss://david.example/api/ws/computer"


async def test_there_is_no_ticket_for_a_thread_of_somebody_else(stage: Theatre):
    _, other = await stage.user()
    query = {"room_id": await stage.thread()}
    refused(await other.get("/v1/computer/session", params=query), 404, "thread_not_found", "room_id")
    await other.aclose()


async def test_a_ticket_of_another_owner_is_refused(stage: Theatre):
    mine, (_, other) = await stage.thread(), await stage.user()
    theirs = await stage.thread(other)
    token = await stage.token(theirs, other)
    assert await turned_away(stage.url(mine, token)) == (401, "invalid_token", "room")
    assert stage.terminals.watched == []
    await other.aclose()


async def test_a_ticket_of_another_thread_is_refused(stage: Theatre):
    one, two = await stage.thread(), await stage.thread()
    url = stage.url(two, await stage.token(one))
    assert await turned_away(url) == (401, "invalid_token", "room")
    assert await turned_away(url.replace(f"room={two}&", "")) == (401, "invalid_token", "room")


async def test_an_expired_ticket_is_refused_and_what_it_opened_before_stays_open(stage: Theatre, clock: Clock):
    thread = await stage.thread()
    token = await stage.token(thread)
    clock.now += 29.9
    async with connect(stage.url(thread, token)) as viewer:
        clock.now += 0.1
        assert await turned_away(stage.url(thread, token)) == (401, "invalid_token", "token")
        await stage.terminals.tell(thread, b"still here")
        assert await shown(viewer) == "still here"


async def test_a_text_that_is_no_ticket_is_refused(stage: Theatre):
    thread = await stage.thread()
    token = await stage.token(thread)
    content, _, signature = token.partition(".")
    other = (await stage.token(await stage.thread())).partition(".")[0]
    for wrong in ("", ".", "x", "é.é", content, f"{content}.", f"{other}.{signature}", f"{token}x", "A" * 100_0, "=."):
        assert await turned_away(stage.url(thread, wrong)) == (401, "invalid_token", "token"), wrong


async def test_a_ticket_of_a_key_that_was_revoked_is_refused(stage: Theatre):
    thread = await stage.thread()
    user_id = ok(await stage.client.get("/v1/auth/validate-key"))["user_id"]
    token = await stage.token(thread)
    prefix = stage.client.headers["x-api-key"][:12]
    assert (await stage.client.delete(f"/v1/users/{user_id}/apikeys/{prefix}")).status_code == 204
    assert await turned_away(stage.url(thread, token)) == (404, "thread_not_found", "room")


async def test_a_ticket_of_a_thread_that_was_deleted_is_refused(stage: Theatre):
    thread = await stage.thread()
    token = await stage.token(thread)
    ok(await stage.client.delete(f"/v1/threads/{thread}"))
    assert await turned_away(stage.url(thread, token)) == (404, "thread_not_found", "room")


@pytest.mark.parametrize("role", ["executor", "", "Viewer"])
async def test_nobody_comes_in_as_more_than_a_viewer(stage: Theatre, role: str):
    thread = await stage.thread()
    url = stage.url(thread, await stage.token(thread), role=role, elevated="true")
    assert await turned_away(url) == (403, "observers_only", "role")


async def test_a_key_opens_no_websocket(stage: Theatre):
    thread = await stage.thread()
    headers = {"x-api-key": stage.client.headers["x-api-key"]}
    assert await turned_away(stage.url(thread, ""), additional_headers=headers) == (401, "invalid_token", "token")


async def test_a_ticket_opens_one_connection(stage: Theatre):
    thread = await stage.thread()
    url = stage.url(thread, await stage.token(thread))
    async with connect(url):
        assert await turned_away(url) == (401, "invalid_token", "token")
    assert await turned_away(url) == (401, "invalid_token", "token")


async def test_of_connections_with_one_ticket_at_once_one_is_opened(stage: Theatre):
    thread = await stage.thread()
    url = stage.url(thread, await stage.token(thread))
    results = await asyncio.gather(*(connect(url) for _ in range(8)), return_exceptions=True)
    opened = [one for one in results if isinstance(one, ClientConnection)]
    refused = [one.response.status_code for one in results if isinstance(one, InvalidStatus)]
    assert (len(opened), refused) == (1, [401] * 7)
    await opened[0].close()


async def test_a_used_ticket_is_refused_after_a_restart(tmp_path: Path, clock: Clock):
    async with theatre(tmp_path, clock) as stage:
        thread = await stage.thread()
        token = await stage.token(thread)
        async with connect(stage.url(thread, token)):
            pass
    async with theatre(tmp_path, clock) as stage:
        assert await turned_away(stage.url(thread, token)) == (401, "invalid_token", "token")


async def test_a_refused_connection_leaves_the_ticket_usable(stage: Theatre):
    thread = await stage.thread()
    token = await stage.token(thread)
    await turned_away(stage.url(thread, token, role="executor"))
    await turned_away(stage.url(thread, token), origin="https://evil.example")
    async with connect(stage.url(thread, token)) as viewer:
        await viewer.send('{"action": "ping"}')
        assert await frame(viewer) == {"type": "pong"}


async def test_a_page_of_the_servers_own_origin_may_watch(stage: Theatre):
    own = str(stage.client.base_url).rstrip("/")
    for origin in (own, own.replace("http", "https", 1), None):
        async with stage.watching(await stage.thread(), origin=origin) as viewer:
            await viewer.send('{"action": "ping"}')
            assert await frame(viewer) == {"type": "pong"}


ELSEWHERE = ["https://app.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1", "file://", "http://[", "evil"]


@pytest.mark.parametrize("origin", ELSEWHERE)
async def test_a_page_of_another_origin_may_not_watch(stage: Theatre, origin: str):
    thread = await stage.thread()
    url = stage.url(thread, await stage.token(thread))
    assert await turned_away(url, origin=origin) == (403, "origin_not_allowed", None)


async def test_pages_of_the_origins_that_the_operator_names_may_watch(tmp_path: Path, clock: Clock):
    settings = {"viewer_origins": ["https://app.example"], "public_url": "https://own.example/david"}
    async with theatre(tmp_path, clock, **settings) as stage:
        for origin in ("https://app.example", "https://own.example", "https://own.example:443"):
            async with stage.watching(await stage.thread(), origin=origin) as viewer:
                await viewer.send('{"action": "ping"}')
                assert await frame(viewer) == {"type": "pong"}
        thread = await stage.thread()
        url = stage.url(thread, await stage.token(thread))
        assert await turned_away(url, origin="https://other.example") == (403, "origin_not_allowed", None)


async def test_pages_of_all_origins_may_watch_where_the_operator_says_so(tmp_path: Path, clock: Clock):
    async with (
        theatre(tmp_path, clock, viewer_origins=["*"]) as stage,
        stage.watching(await stage.thread(), origin="https://any.example") as viewer,
    ):
        await viewer.send('{"action": "ping"}')
        assert await frame(viewer) == {"type": "pong"}


async def test_no_token_is_logged(stage: Theatre, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    thread = await stage.thread()
    token = await stage.token(thread)
    async with connect(stage.url(thread, token), logger=logging.getLogger("of.the.test")):
        pass
    await turned_away(stage.url(await stage.thread(), token), logger=logging.getLogger("of.the.test"))
    ours = [record for record in caplog.records if record.name != "of.the.test"]
    assert any("/ws/computer" in record.getMessage() for record in ours)
    assert not any(token in record.getMessage() or token[:20] in record.getMessage() for record in ours)


async def test_a_server_without_the_tool_says_so(tmp_path: Path):
    with serving(tmp_path, sandbox="off") as server:
        headers = {"x-api-key": server.api_key}
        url = f"{server.base_url.replace('http', 'ws', 1)}/ws/computer"
        async with httpx2.AsyncClient(base_url=server.base_url, headers=headers) as client:
            thread = ok(await client.post("/v1/threads"))["id"]
            token = ok(await client.get("/v1/computer/session", params={"room_id": thread}))["token"]
        assert await turned_away(f"{url}?room={thread}&token={token}") == (503, "tool_unavailable", None)


async def test_a_terminal_of_another_process_is_not_waited_for(tmp_path: Path, store_url: str):
    store = PostgresStore(store_url, pool=1)
    await store.open()
    async with theatre(tmp_path, time.time, database_url=store_url) as stage:
        thread = await stage.thread()
        async with stage.watching(thread):
            pass  # its shell can begin here
        session = {"thread_id": thread, "kind": "shell", "opened_at": 1.0, "used_at": 1.0}
        instance = {"id": "another", "role": "worker", "address": None, "now": time.time()}
        await store.write(
            [Op(queries.INSTANCE_SEEN, instance), Op(queries.SESSION_RECORD, {**session, "worker": "another"})]
        )
        token = await stage.token(thread)
        assert await turned_away(stage.url(thread, token)) == (501, "terminal_not_reachable", None)
        await store.write([Op(queries.INSTANCE_GONE, {"id": "another"})])
        async with connect(stage.url(thread, token)):
            pass  # the ticket was not used up
    await store.close()


async def test_a_process_without_shells_says_that_terminals_are_elsewhere(tmp_path: Path, store_url: str):
    role = {"role": "api", "public_url": "http://127.0.0.1:1"}
    async with theatre(tmp_path, time.time, database_url=store_url, **role) as stage:
        thread = await stage.thread()
        refusal = await turned_away(stage.url(thread, await stage.token(thread)))
        assert refusal == (501, "terminal_not_reachable", None)
