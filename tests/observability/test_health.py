"""Liveness and readiness, as load balancers and supervisors see them."""

import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.restored_copy import KEY
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from projectdavid.settings import Settings
from tests.cli.processes import COMMAND, started
from tests.fakes.shared_store import SharedStore
from tests.server.conftest import Clock, clock
from tests.server.talking import Json
from tests.timeouts import EVENT_TIMEOUT, wait_until

pytestmark = pytest.mark.anyio
__all__ = ["clock"]


@asynccontextmanager
async def opened(folder: Path, store: SharedStore, clock: Clock) -> AsyncGenerator[httpx2.AsyncClient]:
    """A client of an application on a store that can die."""
    settings = Settings(data=folder, host="127.0.0.1", sandbox="off")
    app = create_app(await assemble(settings, {}, clock, store=store))
    transport = httpx2.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://here") as client,
    ):
        yield client


async def reasons(client: httpx2.AsyncClient) -> list[str]:
    """Why it is not ready."""
    response = await client.get("/health/ready")
    body: Json = response.json()
    assert body["ready"] is (response.status_code == 200) is (not body["reasons"])
    assert response.status_code in (200, 503)
    return body["reasons"]


async def test_a_server_is_live_and_ready_without_a_key(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, SharedStore(tmp_path / "david.db", clock), clock) as client:
        assert (await client.get("/health/live")).json() == {"status": "live"}
        assert await reasons(client) == []
        assert (await client.get("/health/ready")).json()["last_look_s"] == 0


async def test_a_server_whose_store_is_away_is_live_but_not_ready_until_it_is_back(
    tmp_path: Path, clock: Clock
) -> None:
    store = SharedStore(tmp_path / "david.db", clock)
    async with opened(tmp_path, store, clock) as client:
        store.is_dead = True
        assert await reasons(client) == ["store_unavailable"]
        assert (await client.get("/health/live")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
        store.is_dead = False
        while await reasons(client):
            pass


async def test_a_worker_that_does_not_look_for_runs_is_not_ready(tmp_path: Path, clock: Clock) -> None:
    async with opened(tmp_path, SharedStore(tmp_path / "david.db", clock), clock) as client:
        assert await reasons(client) == []
        while await reasons(client) != ["worker_stalled"]:
            clock.now += 11
        while await reasons(client):
            pass


async def test_a_copy_that_only_serves_reads_is_not_ready(tmp_path: Path, clock: Clock) -> None:
    store = SharedStore(tmp_path / "david.db", clock)
    async with opened(tmp_path, store, clock):
        await store.write([Op(queries.META_SET, {"key": KEY, "value": "1751169829"})])
    async with opened(tmp_path, SharedStore(tmp_path / "david.db", clock), clock) as client:
        assert await reasons(client) == ["held"]
        assert (await client.get("/health/live")).status_code == 200


def test_a_stopping_server_says_that_it_is_not_ready_before_it_closes(tmp_path: Path) -> None:
    given = {"PROJECTDAVID_DRAIN_NOTICE_SECONDS": "3600", "PROJECTDAVID_SANDBOX": "off"}
    command = (COMMAND, "serve", "--port", "0", "--data", str(tmp_path / "data"), "--json")
    with started(*command, home=tmp_path, environment=given) as process:
        assert process.stdout is not None
        url = httpx2.Response(200, text=process.stdout.readline()).json()["url"]
        with httpx2.Client(base_url=url, timeout=EVENT_TIMEOUT) as client:
            assert client.get("/health/ready").status_code == 200
            process.send_signal(signal.SIGINT)
            wait_until(lambda: client.get("/health/ready").status_code == 503)
            assert client.get("/health/ready").json()["reasons"] == ["draining"]
            assert client.get("/health/live").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(EVENT_TIMEOUT) == 0
