"""Watch a terminal over a real WebSocket of a real server."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect

from projectdavid.composition.serve import serve
from projectdavid.settings import Settings
from tests.fakes.terminals import Terminals
from tests.server.talking import ok


class Theatre:
    """A server whose shells say what a test tells them to, and its first user."""

    def __init__(self, client: httpx2.AsyncClient, admin: httpx2.AsyncClient, terminals: Terminals) -> None:
        self.client = client
        self.admin = admin
        self.terminals = terminals
        self.stop = asyncio.Event()

    async def thread(self, client: httpx2.AsyncClient | None = None) -> str:
        """A new thread."""
        return ok(await (client or self.client).post("/v1/threads"))["id"]

    async def token(self, thread: str, client: httpx2.AsyncClient | None = None) -> str:
        """A ticket for it."""
        response = await (client or self.client).get("/v1/computer/session", params={"room_id": thread})
        return ok(response)["token"]

    async def user(self) -> tuple[str, httpx2.AsyncClient]:
        """Another user."""
        user_id = ok(await self.admin.post("/v1/users", json={}))["id"]
        key = ok(await self.admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
        return user_id, httpx2.AsyncClient(base_url=self.client.base_url, headers={"x-api-key": key})

    def url(self, room: str, token: str, **more: str) -> str:
        """Where to watch."""
        query = httpx2.QueryParams({"room": room, "token": token, **more})
        return f"{str(self.client.base_url).replace('http', 'ws', 1)}/ws/computer?{query}"

    @asynccontextmanager
    async def watching(self, thread: str, **more: Any) -> AsyncGenerator[ClientConnection]:
        """A viewer of a thread of the first user."""
        async with connect(self.url(thread, await self.token(thread)), **more) as viewer:
            yield viewer


@asynccontextmanager
async def theatre(
    path: Path, clock: Callable[[], float], serving: Mapping[str, Any] | None = None, **settings: Any
) -> AsyncGenerator[Theatre]:
    """A server on that clock, with shells whose every word a test says; `serving` are other arguments of `serve`."""
    terminals = Terminals()
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[Any] = loop.create_future()
    values = {"host": "127.0.0.1", "port": 0, "drain_seconds": 0, **settings}
    more: dict[str, Any] = {"clock": clock, "terminals": terminals, **(serving or {})}
    served = asyncio.create_task(serve(Settings(data=path, **values), lambda *told: ready.set_result(told), **more))
    await asyncio.wait((served, ready), return_when=asyncio.FIRST_COMPLETED)
    url, server = ready.result() if ready.done() else served.result()
    keys = json.loads((path / "credentials.json").read_text())
    try:
        async with (
            httpx2.AsyncClient(base_url=url, headers={"x-api-key": keys["api_key"]}) as client,
            httpx2.AsyncClient(base_url=url, headers={"x-api-key": keys["admin_api_key"]}) as admin,
        ):
            stage = Theatre(client, admin, terminals)
            stopping = asyncio.create_task(_stop(stage, server))
            yield stage
            stopping.cancel()
    finally:
        server.should_exit = True
        await served


async def _stop(stage: Theatre, server: Any) -> None:
    await stage.stop.wait()
    server.should_exit = True


async def frame(viewer: ClientConnection) -> Any:
    """The next frame."""
    return json.loads(await viewer.recv())


async def shown(viewer: ClientConnection) -> str:
    """What the terminal shows next."""
    return (await frame(viewer))["content"]
