"""A stage for runs: a real store and bus, a scripted model, and time that stands still until a test moves it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from anyio.lowlevel import checkpoint

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.providers.scripted import ScriptedProvider
from projectdavid.adapters.providers.scripted.script import Scene
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.engine.deltas import CallPart, Chunk, FinishDelta, TextDelta, TokenUsage
from projectdavid.engine.inputs import CancelRequested, OutputsSubmitted
from projectdavid.engine.run import TERMINAL, RunStatus
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.model import ModelProvider
from projectdavid.ports.rows import ActionRow, DeliveryRow, MessageRow, RunRow
from projectdavid.ports.store import Op, Store
from projectdavid.ports.tool import Tool
from projectdavid.runtime.delivery.outbox import DeliveryLimits, DeliveryTimeouts, Outbox
from projectdavid.runtime.delivery.webhook_delivery import PostFunction
from projectdavid.runtime.housekeeping.sweeper import Sweeper
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import NewRun, OnBusy, RunDecision, RunDriver
from projectdavid.runtime.runs.journal import DELTAS, tail
from projectdavid.runtime.runs.records import RunConfig, run_of
from projectdavid.runtime.tool_calls.toolbox import Toolbox
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.runtime.worker.worker_services import WorkerLimits, WorkerServices
from tests.contracts.rows import message, thread, user
from tests.fakes.memory_blobs import MemoryBlobs, file_output
from tests.timeouts import EVENT_TIMEOUT

START = 1_000_000.0
BOUND = EVENT_TIMEOUT
"""Seconds within which everything that a test waits for has to come."""
OWNER = "user_ann"
ENDS = frozenset(map(str, TERMINAL))
ROOM = DeliveryLimits()
LIMITS = WorkerLimits()


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
        self.ids = IdFactory()
        self.bus: Bus = LocalBus()
        self.store: Store = SQLiteStore(path)
        self.driver = RunDriver(self.store, self.bus, self.clock, self.ids)
        self.provider = ScriptedProvider()
        self.tools: dict[str, Tool] = {}
        self.blobs = MemoryBlobs()
        self._threads = 0

    async def open(self) -> None:
        await self.store.open()
        await self.store.write([user(OWNER)])
        await self.store.of(OWNER).write([Op(queries.ASSISTANT_INSERT, {"id": "asst_1", "body": "{}"})])

    async def close(self) -> None:
        await self.store.close()
        self.clock.stop()

    # What there is.

    def play(self, *scenes: Scene) -> ScriptedProvider:
        """Let the model play these scenes."""
        self.provider = ScriptedProvider(scenes)
        return self.provider

    def models(self, provider: ModelProvider | None = None) -> ModelRegistry:
        return ModelRegistry({"script": provider or self.provider})

    def toolbox(self) -> Toolbox:
        return Toolbox(self.tools)

    def worker(self, **pace: Any) -> RunWorker:
        """A worker, not at work yet."""
        return RunWorker(self.services(limits=WorkerLimits(**pace)))

    def services(
        self,
        *,
        store: Store | None = None,
        driver: RunDriver | None = None,
        models: ModelRegistry | None = None,
        limits: WorkerLimits = LIMITS,
    ) -> WorkerServices:
        """Return the services of a worker, with the stage's own unless others are given."""
        store = store or self.store
        return WorkerServices(
            store=store,
            bus=self.bus,
            models=models or self.models(),
            toolbox=self.toolbox(),
            file_output=file_output(self.blobs),
            driver=driver or self.driver,
            clock=self.clock,
            ids=self.ids,
            limits=limits,
            quota=Quota(store, self.clock),
            citations=None,
        )

    def sweeper(self, **pace: float) -> Sweeper:
        """A sweeper, not at work yet."""
        return Sweeper(self.store, self.driver, self.clock, **pace)

    def outbox(self, post: PostFunction, room: DeliveryLimits = ROOM, chance: float = 1.0, **patience: float) -> Outbox:
        """An outbox, not at work yet; each pause is as long as it can be."""
        return Outbox(
            self.store, self.bus, self.driver, post, self.clock, DeliveryTimeouts(**patience), room, lambda: chance
        )

    async def webhook(
        self, url: str, secret: str, *events: str, assistant_id: str = "asst_1", owner: str = OWNER
    ) -> None:
        """Give an assistant, which need not be there yet, a webhook."""
        view = self.store.of(owner)
        body = msgspec.json.encode({"webhook_url": url, "webhook_events": events}).decode()
        row = await view.one(queries.ASSISTANT, id=assistant_id)
        params: dict[str, Any] = {"id": assistant_id, "body": body}
        change = Op(queries.ASSISTANT_INSERT, params)
        if row is not None:
            change = Op(queries.ASSISTANT_UPDATE, {**params, "revision": row.revision})
        signs = {"assistant_id": assistant_id, "secret": secret, "now": int(self.clock())}
        await view.write([change, Op(queries.WEBHOOK_SECRET_INSERT, signs)])

    async def say(self, thread_id: str, text: str, owner: str = OWNER) -> None:
        """Let the user say something in a thread."""
        content = msgspec.json.encode(text).decode()
        await self.store.of(owner).write([message(self.ids.new("msg"), thread_id, content)])

    async def run(
        self,
        said: str = "Hi",
        *,
        functions: Sequence[str] = (),
        status: RunStatus = RunStatus.QUEUED,
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
            config=RunConfig(tools=tools, **config),
            meta_data="{}",
            status=status,
            expires_at=self.clock() + seconds,
            on_busy=on_busy,
        )
        return await self.create(new)

    async def create(self, new: NewRun) -> int:
        """Create a run; returns its number."""
        await self.driver.create(new)
        return int((await self.store.of(new.owner).one(queries.RUN, id=new.id)).n)

    # What happens.

    async def cancel(self, n: int) -> RunDecision:
        return await self.driver.decide(n, CancelRequested(self.clock()))

    async def answer(self, n: int, *outputs: tuple[str, str]) -> RunDecision:
        return await self.driver.decide(n, OutputsSubmitted(outputs, self.clock()))

    async def quiet(self) -> None:
        """Let everything that was begun come to where it waits for something."""
        for _ in range(3):
            await self.store.flush()
            await others_go_first()

    # What can be seen.

    async def row(self, n: int) -> RunRow:
        return await self.store.one(queries.RUN_STATE, n=n)

    async def status(self, n: int) -> RunStatus:
        return RunStatus((await self.row(n)).status)

    async def state(self, n: int) -> Any:
        return run_of(await self.row(n))

    async def messages(self, n: int) -> list[MessageRow]:
        """The thread, oldest message first, as a model needs it."""
        row = await self.row(n)
        newest = await self.store.all(queries.PROMPT_PAGE, thread=row.thread, before=2**63 - 1, limit=1000)
        return newest[::-1]

    async def answers(self, n: int) -> list[MessageRow]:
        """What the assistant visibly said in the thread of a run."""
        row = await self.row(n)
        page = await self.store.of(OWNER).all(
            queries.MESSAGES_PAGE.asc, thread_id=row.thread_id, after=None, limit=1000
        )
        return [message for message in page if message.role == "assistant"]

    async def deliveries(self, owner: str = OWNER) -> list[DeliveryRow]:
        """The webhooks that were promised, the oldest first."""
        every = dict.fromkeys(("assistant_id", "status", "after"))
        return await self.store.of(owner).all(queries.DELIVERIES_PAGE.asc, **every, limit=1000)

    async def actions(self, n: int) -> list[ActionRow]:
        """The ledger of a run's calls."""
        return await self.store.of(OWNER).all(queries.ACTIONS_OF_RUN, run_id=(await self.row(n)).id)

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
        rows = await self.store.all(queries.JOURNAL_AFTER, run=n, after=0, limit=1000)
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
    async def working(self, *workers: RunWorker | Outbox, **pace: Any) -> AsyncGenerator[None]:
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
    async def crashing(self, *workers: RunWorker) -> AsyncGenerator[None]:
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
    scene: list[Sequence[Chunk]] = [[TextDelta((text,))]] if text else []
    for index, (name, arguments) in enumerate(asked):
        scene.append([CallPart(index, f"theirs_{index}", name), CallPart(index, arguments=arguments[:cut])])
        scene.append([CallPart(index, arguments=arguments[cut:])])
    return [*scene, [FinishDelta("tool_calls"), TokenUsage(20, 10)]]


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
