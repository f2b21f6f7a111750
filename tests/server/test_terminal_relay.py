"""Terminals of another process: its output reaches the viewers of every process, and a refusal says why not."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from projectdavid.ports.terminal import CommandCompleted, FileMade
from projectdavid.security.tickets import RelayTicket, ViewerTicket
from tests.fakes.terminals import PLOT
from tests.server.test_computer import turned_away
from tests.server.test_viewers import ending
from tests.server.watching import Theatre, frame, shown, theatre
from tests.timeouts import EVENT_TIMEOUT, PAUSE

pytestmark = pytest.mark.anyio

SECRET = "5a" * 32
SHARED = {"secret_key": SECRET, "public_url": "http://fleet.example", "sandbox": "off"}


@dataclass(frozen=True)
class Home:
    """A worker with terminals that a test lets say something, as other processes know it."""

    stage: Theatre
    name: str
    address: str | None
    store: PostgresStore

    async def open(self, thread: str) -> None:
        """Let it be the home of a thread's shell."""
        session = {"thread_id": thread, "kind": "shell", "worker": self.name, "opened_at": 1.0, "used_at": 1.0}
        await self.store.write([Op(queries.SESSION_RECORD, {**session})])


@pytest.fixture
async def store(store_url: str) -> AsyncGenerator[PostgresStore]:
    store = PostgresStore(store_url, pool=1)
    await store.open()
    yield store
    await store.close()


async def home_of(stage: Theatre, store: PostgresStore, store_url: str) -> Home:
    """The worker, once others can see it."""
    db = await asyncpg.connect(store_url)
    rows = "SELECT id, address FROM instances WHERE role = 'all'"
    while (row := await db.fetchrow(rows)) is None:  # noqa: ASYNC110 - another process announces itself
        await asyncio.sleep(PAUSE)
    await db.close()
    return Home(stage, row["id"], row["address"], store)


@pytest.fixture
async def home(tmp_path: Path, store: PostgresStore, store_url: str) -> AsyncGenerator[Home]:
    """A worker that sends its terminals to others."""
    async with theatre(tmp_path / "home", time.time, database_url=store_url, relay_port=0, **SHARED) as stage:
        yield await home_of(stage, store, store_url)


@pytest.fixture
async def api(home: Home, tmp_path: Path, store_url: str) -> AsyncGenerator[Theatre]:
    """A process that only answers requests."""
    credentials = tmp_path / "api" / "credentials.json"
    credentials.parent.mkdir()
    credentials.write_bytes((tmp_path / "home" / "credentials.json").read_bytes())
    async with theatre(tmp_path / "api", time.time, database_url=store_url, role="api", **SHARED) as stage:
        yield stage


async def test_a_viewer_sees_the_terminal_of_another_process_as_if_it_was_here(home: Home, api: Theatre) -> None:
    thread = await api.thread()
    await home.open(thread)
    await home.stage.terminals.tell(thread, b"$ before\r\n")
    async with api.watching(thread) as viewer:
        assert await frame(viewer) == {"type": "shell_output", "content": "$ before\r\n", "position": 10, "lost": 0}
        await home.stage.terminals.tell(thread, b"\x1b]52;c;cm0g\anow", CommandCompleted("make", None), FileMade(PLOT))
        assert await shown(viewer) == "now"
        assert await frame(viewer) == {"type": "command_complete", "command": "make", "exit_status": None}
        assert (await frame(viewer))["file_id"] == PLOT.id
    assert await asyncio.wait_for(home.stage.terminals.ended.get(), EVENT_TIMEOUT) == thread


async def test_a_viewer_can_come_before_the_first_shell_of_the_thread(home: Home, api: Theatre) -> None:
    thread = await api.thread()
    async with api.watching(thread) as viewer:
        await home.open(thread)
        await home.stage.terminals.tell(thread, b"first")
        assert await shown(viewer) == "first"


async def test_viewers_learn_that_the_process_is_gone_and_can_watch_the_next_shell_elsewhere(
    home: Home, api: Theatre, tmp_path: Path, store_url: str
) -> None:
    thread = await api.thread()
    await home.open(thread)
    await home.stage.terminals.tell(thread, b"one")
    async with api.watching(thread) as viewer:
        assert await shown(viewer) == "one"
        home.stage.stop.set()
        code, reason = await ending(viewer)
    assert code == 1012
    assert "Connect again" in reason
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "credentials.json").write_bytes((tmp_path / "home" / "credentials.json").read_bytes())
    async with theatre(tmp_path / "next", time.time, database_url=store_url, relay_port=0, **SHARED) as stage:
        other = await home_of(stage, home.store, store_url)
        assert other.name != home.name
        await other.open(thread)
        await stage.terminals.tell(thread, b"two")
        async with api.watching(thread) as viewer:
            assert await shown(viewer) == "two"


async def test_a_viewer_is_disconnected_when_the_thread_is_deleted(home: Home, api: Theatre) -> None:
    thread = await api.thread()
    await home.open(thread)
    async with api.watching(thread) as viewer:
        assert (await api.client.delete(f"/v1/threads/{thread}")).status_code == 200
        await home.stage.terminals.tell(thread, b"secret")
        assert (await ending(viewer))[0] == 1008


async def test_a_process_that_sends_no_terminals_or_is_not_there_cannot_be_watched_through_others(
    home: Home, api: Theatre
) -> None:
    for address in (None, "ws://127.0.0.1:1"):
        thread = await api.thread()
        instance = {"id": "another", "role": "worker", "address": address, "now": time.time()}
        session = {"thread_id": thread, "kind": "shell", "worker": "another", "opened_at": 1.0, "used_at": 1.0}
        await home.store.write([Op(queries.INSTANCE_SEEN, instance), Op(queries.SESSION_RECORD, {**session})])
        token = await api.token(thread)
        assert await turned_away(api.url(thread, token)) == (501, "terminal_not_reachable", None)
        await home.open(await api.thread())
    await home.store.write([Op(queries.INSTANCE_GONE, {"id": "another"})])
    async with connect(api.url(thread, token)):
        pass  # the ticket was not used up


async def test_the_relay_refuses_what_the_secret_did_not_sign_for_it(home: Home) -> None:
    thread = await home.stage.thread()
    secret, soon = bytes.fromhex(SECRET), time.time() + 30
    viewer = ViewerTicket("ann", thread, "pd_key", soon).sign(secret)
    tickets = {
        "": 401,
        viewer: 401,
        RelayTicket(home.name, thread, soon).sign(b"another secret"): 401,
        RelayTicket(home.name, thread, time.time() - 1).sign(secret): 401,
        RelayTicket("another", thread, soon).sign(secret): 404,
    }
    for ticket, status in tickets.items():
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"{home.address}/terminals", additional_headers={"Authorization": f"Bearer {ticket}"}):
                pass
        assert refused.value.response.status_code == status
    good = RelayTicket(home.name, thread, soon).sign(secret)
    async with connect(f"{home.address}/terminals", additional_headers={"Authorization": f"Bearer {good}"}) as reader:
        await reader.send("x" * 2_000_000)
        await reader.wait_closed()
    assert reader.close_code == 1009
