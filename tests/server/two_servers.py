"""Two sets of server components over one store: each with connections and a bus of its own, as two processes have."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from threading import Timer
from typing import Any, TypeVar

import httpx2

from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.credentials import load_credentials
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings
from tests.fakes.shared_store import SharedStore
from tests.server.script import player
from tests.server.talking import Json, ok
from tests.timeouts import EVENT_TIMEOUT

T = TypeVar("T")
STEPS = 20
"""Into how many parts the time that passes is cut."""


class StoppedTime:
    """Time that passes only when a test lets it: for the clocks of servers and for the timers of the event loop."""

    def __init__(self) -> None:
        self.now = 1_751_169_829.0
        self._loop = asyncio.get_running_loop()
        self._loop_time = self._loop.time
        self._timers = self._loop_time()
        self._loop.time = lambda: self._timers
        task = asyncio.current_task()
        assert task is not None
        # A timeout of the loop would never come.
        self._watchdog = Timer(EVENT_TIMEOUT, self._loop.call_soon_threadsafe, (task.cancel,))
        self._watchdog.daemon = True
        self._watchdog.start()

    def __call__(self) -> float:
        return self.now

    def skip(self, seconds: float) -> None:
        self.now += seconds
        self._timers += seconds

    def release(self) -> None:
        self._loop.time = self._loop_time
        self._watchdog.cancel()


class Server:
    """One set of components, with clients of the first user and of the admin."""

    def __init__(self, platform: Platform, store: SharedStore, stop: AsyncExitStack) -> None:
        self.platform = platform
        self.store = store
        keys = load_credentials(platform.settings)
        transport = httpx2.ASGITransport(create_app(platform))
        self.client, self.admin = (
            httpx2.AsyncClient(transport=transport, base_url="http://here", headers={"x-api-key": keys[name]})
            for name in ("api_key", "admin_api_key")
        )
        self._stop = stop

    async def post(self, path: str, body: Json = None, **options: Any) -> Json:
        if "files" not in options:
            options["json"] = {} if body is None else body
        return ok(await self.client.post(path, **options))

    async def get(self, path: str) -> Json:
        return ok(await self.client.get(path))

    async def run(self, model: str, **fields: Json) -> Json:
        """A new run of a new thread."""
        assistant = await self.post("/v1/assistants", {"model": f"scripted/{model}"})
        thread = await self.post("/v1/threads")
        ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
        return await self.post("/v1/runs", {**ids, **fields})

    async def status(self, run: Json) -> str:
        return (await self.get(f"/v1/runs/{run['id']}"))["status"]

    async def die(self) -> None:
        """Stop working without a word to the store, as with `kill -9`."""
        self.store.die()
        await self._stop.aclose()


class TwoServers:
    """Both servers, and the time that they share."""

    def __init__(self, first: Server, second: Server, time: StoppedTime) -> None:
        self.first = first
        self.second = second
        self.time = time

    async def settle(self) -> None:
        """Let everything that was begun come to where it waits for something."""
        for _ in range(5):
            for server in (self.first, self.second):
                if not server.store.is_dead:
                    await server.store.flush()
            for _ in range(20):
                await asyncio.sleep(0)

    async def wait(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(STEPS):
            self.time.skip(seconds / STEPS)
            await self.settle()

    async def result_within(self, seconds: float, work: "asyncio.Task[T]") -> T:
        """What a task returns, which must be done when so much time has passed."""
        await self.wait(seconds)
        assert work.done(), f"It was not done after {seconds:g} s."
        return work.result()

    async def within(self, seconds: float, work: Coroutine[Any, Any, T]) -> T:
        """What some work returns, which must be done when so much time has passed."""
        return await self.result_within(seconds, asyncio.create_task(work))

    async def until(self, run: Json, status: str) -> None:
        """Wait for the status of a run, as the second server sees it."""
        for _ in range(100):
            if await self.second.status(run) == status:
                return
            await self.wait(0.1)
        raise AssertionError(f"{run['id']} is {await self.second.status(run)}")


@asynccontextmanager
async def two_servers(path: Path, *, second_works: bool = True) -> AsyncGenerator[TwoServers]:
    """Two servers over one data folder; the second works on runs only if it is told to."""
    time = StoppedTime()
    try:
        async with AsyncExitStack() as stack:
            first = await start(stack, path, time, works=True)
            second = await start(stack, path, time, works=second_works)
            yield TwoServers(first, second, time)
            time.release()
    finally:
        time.release()


async def start(stack: AsyncExitStack, path: Path, time: StoppedTime, *, works: bool) -> Server:
    """Start a server; if it does not work, it only answers requests."""
    settings = Settings(data=path, host="127.0.0.1", sandbox="off", drain_seconds=0.0)
    store = SharedStore(settings.database, time)
    platform = await assemble(settings, {"scripted": player()}, time, store=store)
    stop = await stack.enter_async_context(AsyncExitStack())
    if works:
        app = create_app(platform)
        await stop.enter_async_context(app.router.lifespan_context(app))
    else:
        stop.push_async_callback(platform.store.close)
        stop.push_async_callback(platform.knowledge.close)
    server = Server(platform, store, stop)
    stack.push_async_callback(server.client.aclose)
    stack.push_async_callback(server.admin.aclose)
    return server
