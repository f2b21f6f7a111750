"""A world: one database, the processes that work on it, whom they talk to, and the faults that a seed decides."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.engine.approvals import is_asked, is_gated
from projectdavid.engine.run import TERMINAL, FunctionCall, RunStatus
from projectdavid.ports import queries
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import ActionRow, DeliveryRow, RunRow
from projectdavid.ports.store import Op, R, RowQuery, Store, Value
from projectdavid.runtime.delivery.outbox import DeliveryTimeouts, Outbox
from projectdavid.runtime.housekeeping.sweeper import Sweeper
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.runs.records import run_of
from projectdavid.runtime.tool_calls.toolbox import Toolbox
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.runtime.worker.worker_services import WorkerLimits, WorkerServices
from tests.contracts.rows import thread, user
from tests.fakes.memory_blobs import MemoryBlobs, file_output
from tests.simulation.actors import SECRETS, Machine, Model, Receiver
from tests.simulation.callers import Caller
from tests.simulation.database import Database
from tests.simulation.invariants import check
from tests.simulation.loop import VirtualLoop
from tests.simulation.node import LEASE, NodeBus, NodePost, NodeStore, Process, task_factory
from tests.simulation.plans import EVENTS, OWNERS, Plan, greedy_plan, plan
from tests.simulation.shared_database import SharedDatabase

START = 1_000_000.0
LOOK = 3.0
OPEN_WORK = """
SELECT id || ' is ' || status FROM runs
WHERE status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling')
UNION ALL SELECT event || ' of ' || run_id || ' is pending' FROM deliveries WHERE status = 'pending'
"""


@dataclass(frozen=True, slots=True)
class Node:
    """A process with its worker, and the driver through which callers reach it."""

    process: Process
    driver: RunDriver


class World:
    """All of it; `complaints` is what was seen that must not be."""

    def __init__(self, seed: int, db: Database | SharedDatabase, loop: VirtualLoop, *, greedy: bool = False) -> None:
        self.random = Random(seed)
        self.plan: Plan = greedy_plan(self.random) if greedy else plan(self.random)
        self.loop = loop
        self.db = db
        self.complaints: list[str] = []
        self.refused: set[str] = set()
        """Runs whose thread was busy, and whose plan did not want to wait."""
        self.nodes: list[Node] = []
        self.machine = Machine(self)
        self.blobs = MemoryBlobs()
        self.toolbox = Toolbox({"computer": self.machine})
        runs = {run.key: run for run in self.plan.runs}
        self.receiver = Receiver(self, runs)
        self._model = Model(self, runs)
        self._begun = loop.time()

    # What those who live in it ask.

    def clock(self) -> float:
        return START + self.loop.time() - self._begun

    @property
    def calm(self) -> bool:
        """Whether the faults are over."""
        return self.clock() - START > self.plan.faults_until

    def violated(self, text: str) -> None:
        self.complaints.append(text)

    def read(self, query: RowQuery[R], **params: Value) -> list[R]:
        """What is on the disk."""
        return self.db.rows(query, params)

    def row_of(self, key: str) -> RunRow | None:
        owner = next(run.owner for run in self.plan.runs if run.key == key)
        rows = self.read(queries.RUN, id=key, owner=owner)
        return rows[0] if rows else None

    def has(self, key: str) -> bool:
        return bool(self.db.look("SELECT 1 FROM runs WHERE id = ?", key))

    def n_of(self, key: str) -> int:
        return int(self.db.look("SELECT n FROM runs WHERE id = ?", key)[0][0])

    def status_of(self, key: str) -> RunStatus:
        return RunStatus(self.db.look("SELECT status FROM runs WHERE id = ?", key)[0][0])

    def turns_of(self, key: str) -> int:
        ((state,),) = self.db.look("SELECT state FROM runs WHERE id = ?", key)
        return int(json.loads(state).get("turn", 0))

    def calls_of(self, key: str) -> list[ActionRow]:
        owner = next(run.owner for run in self.plan.runs if run.key == key)
        return self.read(queries.ACTIONS_OF_RUN, run_id=key, owner=owner)

    def waiting_calls(self, key: str) -> list[str]:
        """The calls whose outputs the run waits for."""
        return [call.id for call in self._calls_in_state(key) if is_asked(call)]

    def gated_calls(self, key: str) -> list[str]:
        """The calls that wait for approval."""
        return [call.id for call in self._calls_in_state(key) if is_gated(call)]

    def _calls_in_state(self, key: str) -> tuple[FunctionCall, ...]:
        row = self.row_of(key)
        return () if row is None or row.status != RunStatus.REQUIRES_ACTION else run_of(row).calls

    def finished(self, call_id: str) -> bool:
        return bool(self.db.look("SELECT 1 FROM tool_calls WHERE call_id = ? AND output IS NOT NULL", call_id))

    def others_wait(self, owner: str) -> bool:
        """Whether a run of another owner is still to come, or not over."""
        others = [run.key for run in self.plan.runs if run.owner != owner]
        return any(not self._is_over(key) for key in others)

    def _is_over(self, key: str) -> bool:
        if key in self.refused:
            return True
        return self.has(key) and self.status_of(key) in TERMINAL

    def somebody(self) -> Node:
        """A process that is there."""
        return self.random.choice(self.nodes)

    # How it goes.

    async def live(self) -> None:
        """From the first request until nothing is left to do."""
        await self.db.start(self.random)
        self.db.empty()
        await self._settle()
        self._start_all()
        callers = [Caller(self, run) for run in self.plan.runs]
        lives = [asyncio.create_task(caller.live()) for caller in callers]
        faults = asyncio.create_task(self._faults())
        try:
            async with asyncio.timeout(self.plan.ends):
                for end in await asyncio.gather(*lives, faults, return_exceptions=True):
                    if end is not None:
                        self.violated(f"somebody met what they could not understand: {end!r}")
                await self._rest()
            check(self)
        except TimeoutError:
            self.violated(f"it does not come to rest: {self._open_work()}")
        finally:
            for task in (*lives, faults):
                task.cancel()
            await asyncio.gather(*lives, faults, return_exceptions=True)
            self.db.crash()
            await self._kill_all()

    async def _settle(self) -> None:
        """The owners, with an assistant each, and the threads of the plan."""
        await self.db.write([user(owner) for owner in OWNERS])
        for owner in OWNERS:
            threads = {run.thread for run in self.plan.runs if run.owner == owner}
            body = {"webhook_url": f"https://{owner}.example/hook", "webhook_events": list(EVENTS)}
            assistant = {"id": f"asst_{owner}", "body": msgspec.json.encode(body).decode()}
            secret: dict[str, Value] = {"assistant_id": f"asst_{owner}", "secret": SECRETS[owner], "now": int(START)}
            await self.db.of(owner).write(
                [
                    Op(queries.ASSISTANT_INSERT, assistant),
                    Op(queries.WEBHOOK_SECRET_INSERT, secret),
                    *(thread(thread_id) for thread_id in sorted(threads)),
                ]
            )

    def _start_all(self) -> None:
        self.bus = LocalBus()
        self.nodes = [self._node() for _ in range(self.plan.workers)]

    def _node(self) -> Node:
        process = Process(self.random, lambda: self.calm)
        store, bus, ids = NodeStore(self.db, process), NodeBus(self.bus, process), IdFactory(self.random.randbytes)
        driver = RunDriver(store, bus, self.clock, ids)
        services = WorkerServices(
            store=store,
            bus=bus,
            models=ModelRegistry({"sim": self._model}),
            toolbox=self.toolbox,
            file_output=file_output(self.blobs),
            driver=driver,
            clock=self.clock,
            ids=ids,
            limits=WorkerLimits(lease=LEASE, look=LOOK, runs=self.plan.places),
            quota=Quota(store, self.clock),
            citations=None,
        )
        worker = RunWorker(services)
        process.start(worker.serve())
        process.start(Sweeper(store, driver, self.clock, every=2 * LOOK).serve())
        process.start(self._outbox(store, bus, driver, process).serve())
        return Node(process, driver)

    def _outbox(self, store: Store, bus: Bus, driver: RunDriver, process: Process) -> Outbox:
        patience = DeliveryTimeouts(first=1.0, longest=8.0, claim=10.0, look=2 * LOOK)
        post = NodePost(self.receiver, process)
        return Outbox(store, bus, driver, post, self.clock, patience, chance=self.random.random)

    async def _faults(self) -> None:
        """Kill everything, or one worker, when the plan says so."""
        moments = [(at, True) for at in self.plan.kills] + [(at, False) for at in self.plan.losses]
        for at, everything in sorted(moments):
            await asyncio.sleep(max(0.0, START + at - self.clock()))
            if everything:
                await self._crash()
            else:
                await self._lose_one()

    async def _crash(self) -> None:
        self.db.crash()
        await self._kill_all()
        await self.db.start(self.random)
        driver = RunDriver(self.db, LocalBus(), self.clock, IdFactory(self.random.randbytes))
        await driver.recover()
        await Outbox(self.db, LocalBus(), driver, self.receiver, self.clock).recover()
        self._start_all()

    async def _lose_one(self) -> None:
        node = self.random.choice(self.nodes)
        await self._kill([node])
        self.nodes[self.nodes.index(node)] = self._node()

    async def _kill_all(self) -> None:
        await self._kill(self.nodes)

    async def _kill(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            node.process.kill()
        tasks: list[asyncio.Task[Any]] = [task for node in nodes for task in node.process.tasks]
        if tasks:
            with suppress(TimeoutError):
                await asyncio.wait(tasks)

    def _open_work(self) -> list[str]:
        """The runs that are not over, and the webhooks that did not arrive."""
        return [str(row[0]) for row in self.db.look(OPEN_WORK)]

    def deliveries(self, status: str) -> list[DeliveryRow]:
        """What is promised to webhooks and stands at a status."""
        return [
            row
            for owner in OWNERS
            for row in self.read(
                queries.DELIVERIES_PAGE.asc,
                owner=owner,
                status=status,
                assistant_id=None,
                after=None,
                limit=1000,
            )
        ]

    async def _rest(self) -> None:
        while self._open_work():  # noqa: ASYNC110 - it waits for what is on the disk, which tells nobody
            await asyncio.sleep(LOOK)


def lived(seed: int, db: Database | SharedDatabase, *, greedy: bool = False) -> World:
    """The world of a seed, at its end; `greedy`: with an owner who wants every place."""
    db.open_once()
    loop = VirtualLoop()
    loop.set_task_factory(task_factory)
    asyncio.set_event_loop(loop)
    world = World(seed, db, loop, greedy=greedy)
    try:
        loop.run_until_complete(world.live())
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return world
