"""A stage for runs: a real store and bus, a scripted model, and time that stands still until a test moves it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from anyio.lowlevel import checkpoint

from projectdavid.buses.local import LocalBus
from projectdavid.engine.deltas import CallPart, Chunk, Finish, Text, Usage
from projectdavid.engine.happenings import CancelRequested, OutputsSubmitted
from projectdavid.engine.run import TERMINAL, Status
from projectdavid.ports.bus import Bus
from projectdavid.ports.model import Provider
from projectdavid.ports.store import Op, Row, Store
from projectdavid.ports.tool import Tool
from projectdavid.providers.scripted import ScriptedProvider
from projectdavid.providers.scripted.script import Scene
from projectdavid.runtime.driver import Decided, Driver, NewRun, OnBusy
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.journal import DELTAS, tail
from projectdavid.runtime.outbox import Outbox, Patience, Room
from projectdavid.runtime.records import Config, run_of
from projectdavid.runtime.routing import Models
from projectdavid.runtime.sending import Post
from projectdavid.runtime.sweeper import Sweeper
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.worker import Pace, Worker
from projectdavid.stores.sqlite import SQLiteStore
from tests.contracts.rows import message, thread, user
from tests.fakes.memory_blobs import MemoryBlobs, shelf
from tests.timeouts import EVENT_TIMEOUT

START = 1_000_000.0
BOUND = EVENT_TIMEOUT
"""Seconds within which everything that a test waits for has to come."""
OWNER = "user_ann"
ENDS = frozenset(map(str, TERMINAL))
ROOM = Room()


class Clock:
    """Seconds since the epoch, and the timers of the loop, which follow it when it is moved."""

    def __init__(self) -> None:
        self._now = START
        self._ahead = 0.0
        self._loop = asyncio.get_running_loop()
        self._loop_time = self._loop.time
        self._loop.time = lambda: self._loop_time() + self._ahead

    def __call__(self) -> float:
        return self._now

    def skip(self, seconds: float, slow: float = 0.0) -> None:
        """Let time pass at once; the clock on the wall may be `slow` by some of it."""
        self._ahead += seconds
        self._now += seconds - slow

    def stop(self) -> None:
        self._loop.time = self._loop_time


class Event(NamedTuple):
    """One event of a journal; `raw` is its JSON."""

    position: int
    kind: str
    raw: bytes

    @property
    def data(self) -> Any:
        return msgspec.json.decode(self.raw)


class Stage:
    """Everything around a run, on one store file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.ids = Ids()
        self.bus: Bus = LocalBus()
        self.store: Store = SQLiteStore(path)
        self.driver = Driver(self.store, self.bus, self.clock, self.ids)
        self.provider = ScriptedProvider()
        self.tools: dict[str, Tool] = {}
        self.blobs = MemoryBlobs()
        self._threads = 0

    async def open(self) -> None:
        await self.store.open()
        await self.store.write([user(OWNER)])
        await self.store.of(OWNER).write([Op("assistant_insert", {"id": "asst_1", "body": "{}"})])

    async def close(self) -> None:
        await self.store.close()
        self.clock.stop()

    # What there is.

    def play(self, *scenes: Scene) -> ScriptedProvider:
        """Let the model play these scenes."""
        self.provider = ScriptedProvider(scenes)
        return self.provider

    def models(self, provider: Provider | None = None) -> Models:
        return Models({"script": provider or self.provider})

    def toolbox(self) -> Toolbox:
        return Toolbox(self.tools)

    def worker(self, **pace: Any) -> Worker:
        """A worker, not at work yet."""
        return Worker(
            self.store,
            self.bus,
            self.models(),
            self.toolbox(),
            shelf(self.blobs),
            self.driver,
            self.clock,
            self.ids,
            Pace(**pace),
        )

    def sweeper(self, **pace: float) -> Sweeper:
        """A sweeper, not at work yet."""
        return Sweeper(self.store, self.driver, self.clock, **pace)

    def outbox(self, post: Post, room: Room = ROOM, chance: float = 1.0, **patience: float) -> Outbox:
        """An outbox, not at work yet; each pause is as long as it can be."""
        return Outbox(self.store, self.bus, self.driver, post, self.clock, Patience(**patience), room, lambda: chance)

    async def webhook(
        self, url: str, secret: str, *events: str, assistant_id: str = "asst_1", owner: str = OWNER
    ) -> None:
        """Give an assistant, which need not be there yet, a webhook."""
        view = self.store.of(owner)
        body = msgspec.json.encode({"webhook_url": url, "webhook_events": events}).decode()
        row = await view.one("assistant", id=assistant_id)
        params: dict[str, Any] = {"id": assistant_id, "body": body}
        change = Op("assistant_insert", params)
        if row is not None:
            change = Op("assistant_update", {**params, "revision": row.revision})
        signs = {"assistant_id": assistant_id, "secret": secret, "now": int(self.clock())}
        await view.write([change, Op("webhook_secret_insert", signs)])

    async def say(self, thread_id: str, text: str, owner: str = OWNER) -> None:
        """Let the user say something in a thread."""
        content = msgspec.json.encode(text).decode()
        await self.store.of(owner).write([message(self.ids.new("msg"), thread_id, content)])

    async def run(
        self,
        said: str = "Hi",
        *,
        functions: Sequence[str] = (),
        status: Status = Status.QUEUED,
        seconds: float = 600.0,
        model: str = "script/model",
        thread_id: str | None = None,
        assistant_id: str = "asst_1",
        owner: str = OWNER,
        on_busy: OnBusy = OnBusy.REJECT,
        **config: Any,
    ) -> int:
        """A run of a new thread in which the user said something, or of an old one; returns its number."""
        if thread_id is None:
            self._threads += 1
            thread_id = f"thread_{self._threads}"
            await self.store.of(owner).write([thread(thread_id)])
        await self.say(thread_id, said, owner)
        tools = tuple({"type": "function", "function": {"name": name, "parameters": {}}} for name in functions)
        new = NewRun(
            id=self.ids.new("run"),
            owner=owner,
            thread_id=thread_id,
            assistant_id=assistant_id,
            model=model,
            config=Config(tools=tools, **config),
            meta_data="{}",
            status=status,
            expires_at=self.clock() + seconds,
            on_busy=on_busy,
        )
        return await self.create(new)

    async def create(self, new: NewRun) -> int:
        """Create a run; returns its number."""
        await self.driver.create(new)
        return int((await self.store.of(new.owner).one("run", id=new.id)).n)

    # What happens.

    async def cancel(self, n: int) -> Decided:
        return await self.driver.decide(n, CancelRequested(self.clock()))

    async def answer(self, n: int, *outputs: tuple[str, str]) -> Decided:
        return await self.driver.decide(n, OutputsSubmitted(outputs, self.clock()))

    async def quiet(self) -> None:
        """Let everything that was begun come to where it waits for something."""
        for _ in range(3):
            await self.store.write([])
            await others_go_first()

    # What can be seen.

    async def row(self, n: int) -> Row:
        return await self.store.one("run_state", n=n)

    async def status(self, n: int) -> Status:
        return Status((await self.row(n)).status)

    async def state(self, n: int) -> Any:
        return run_of(await self.row(n))

    async def messages(self, n: int) -> list[Row]:
        """The thread, oldest message first, as a model needs it."""
        row = await self.row(n)
        newest = await self.store.all("prompt_page", thread=row.thread, before=2**63 - 1, limit=1000)
        return newest[::-1]

    async def answers(self, n: int) -> list[Row]:
        """What the assistant visibly said in the thread of a run."""
        row = await self.row(n)
        page = await self.store.of(OWNER).all("messages_page.asc", thread_id=row.thread_id, after=None, limit=1000)
        return [message for message in page if message.role == "assistant"]

    async def deliveries(self, owner: str = OWNER) -> list[Row]:
        """The webhooks that were promised, the oldest first."""
        every = dict.fromkeys(("assistant_id", "status", "after"))
        return await self.store.of(owner).all("deliveries_page.asc", **every, limit=1000)

    async def actions(self, n: int) -> list[Row]:
        """The ledger of a run's calls."""
        return await self.store.of(OWNER).all("actions_of_run", run_id=(await self.row(n)).id)

    async def watch(self, n: int, after: int = 0, until: frozenset[str] = ENDS) -> AsyncGenerator[list[Event]]:
        """Read a journal as it grows."""
        async with aclosing(tail(self.store, self.bus, n, after, BOUND, until)) as parts:
            async for told in parts:
                yield [
                    Event(position, part.kind, item)
                    for part in told
                    for position, item in enumerate(part.items, part.position)
                ]

    async def journal(self, n: int) -> list[Event]:
        """What the journal says by now."""
        rows = await self.store.all("journal_after", run=n, after=0, limit=1000)
        return [
            Event(position, row.kind, msgspec.json.encode(item))
            for row in rows
            for data in [msgspec.json.decode(row.data)]
            for position, item in enumerate(data if row.kind in DELTAS else [data], row.position)
        ]

    async def events(self, n: int, after: int = 0, until: frozenset[str] = ENDS) -> list[Event]:
        """The journal of a run up to its end, or to another status."""
        async with asyncio.timeout(BOUND), aclosing(self.watch(n, after, until)) as parts:
            return [event async for part in parts for event in part]

    async def until(self, n: int, wanted: str) -> list[Event]:
        """The journal up to a status, or to the first event of a kind."""
        seen: list[Event] = []
        async with asyncio.timeout(BOUND), aclosing(self.watch(n)) as parts:
            async for part in parts:
                for event in part:
                    seen.append(event)
                    if event.kind == wanted or (event.kind == "status" and event.data["status"] == wanted):
                        return seen
        raise AssertionError(f"it ended without '{wanted}': {seen}")

    @asynccontextmanager
    async def working(self, *workers: Worker | Outbox, **pace: Any) -> AsyncGenerator[None]:
        """Workers at work; when it ends they are stopped, as with a server that is asked to stop."""
        tasks = [asyncio.create_task(worker.serve()) for worker in workers or [self.worker(**pace)]]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    @asynccontextmanager
    async def crashing(self, *workers: Worker) -> AsyncGenerator[None]:
        """Workers at work; when it ends they are gone without a word, as with a process that is killed."""
        async with self.working(*workers):
            yield
            await self.store.close()


async def others_go_first() -> None:
    """Let the loop do all that it can do now."""
    for _ in range(10):
        await checkpoint()


def calls(*asked: tuple[str, str], text: str = "", cut: int = 3) -> list[Sequence[Chunk]]:
    """A scene in which the model asks for functions: name and arguments of each, in pieces."""
    scene: list[Sequence[Chunk]] = [[Text((text,))]] if text else []
    for index, (name, arguments) in enumerate(asked):
        scene.append([CallPart(index, f"theirs_{index}", name), CallPart(index, arguments=arguments[:cut])])
        scene.append([CallPart(index, arguments=arguments[cut:])])
    return [*scene, [Finish("tool_calls"), Usage(20, 10)]]


def kinds(events: Sequence[Event]) -> list[str]:
    """The kinds of events, with the statuses by name."""
    return [event.data["status"] if event.kind == "status" else event.kind for event in events]


def statuses(events: Sequence[Event]) -> list[str]:
    """The statuses that were told."""
    return [event.data["status"] for event in events if event.kind == "status"]


def text_of(events: Sequence[Event]) -> str:
    """The visible text that was told."""
    return "".join(event.data for event in events if event.kind == "content")


def of_kind(events: Sequence[Event], kind: str) -> list[Any]:
    """The data of the events of a kind."""
    return [event.data for event in events if event.kind == kind]
