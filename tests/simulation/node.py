"""A process that works on runs, and its ports: slow at times, held up at times, and silent once it is dead."""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from random import Random
from typing import Any

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.egress import GuardedReply
from projectdavid.ports.bus import Payload, TopicSubscription
from projectdavid.ports.store import AnyRow, Op, R, RowQuery, Store, StoreView, Value
from projectdavid.runtime.delivery.webhook_delivery import PostFunction

LEASE = 6.0
"""Seconds; short, so that a world in which leases run out is over soon."""


class Dead(BaseException):
    """The process of this task is gone; nothing of it may catch this."""


class Process:
    """One process and its tasks."""

    current: ContextVar["Process | None"] = ContextVar("current", default=None)

    def __init__(self, random: Random, calm: Callable[[], bool]) -> None:
        self.random = random
        self.calm = calm
        self.dead = False
        self.tasks: dict[asyncio.Task[Any], None] = {}
        """In the order in which they began: a set has another one each time."""
        self._frozen_until = 0.0

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in this process."""
        token = Process.current.set(self)
        task = asyncio.get_running_loop().create_task(work)
        Process.current.reset(token)
        return task

    def kill(self) -> None:
        """End it as `kill -9` does."""
        self.dead = True
        for task in list(self.tasks):
            task.cancel()

    def see_alive(self) -> None:
        if self.dead:
            raise Dead

    async def held_up(self) -> None:
        """Be held up, most times not at all; sometimes all of the process is, for longer than a lease lasts."""
        self.see_alive()
        now = asyncio.get_running_loop().time()
        dice = 1.0 if self.calm() else self.random.random()
        if dice < 0.007:
            self._frozen_until = now + self.random.uniform(LEASE, 2 * LEASE)
        if self._frozen_until > now:
            await asyncio.sleep(self._frozen_until - now)
        elif dice < 0.03:
            await asyncio.sleep(self.random.uniform(0.0, 0.5))
        self.see_alive()


def task_factory(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
    """Tasks that know whose they are."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **options)
    process = Process.current.get()
    if process is not None:
        process.tasks[task] = None
        task.add_done_callback(lambda done: process.tasks.pop(done, None))
    return task


class _View:
    def __init__(self, inner: StoreView, process: Process) -> None:
        self._inner = inner
        self._process = process

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        await self._process.held_up()
        return await self._inner.one(query, **params)

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        await self._process.held_up()
        return await self._inner.all(query, **params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        await self._process.held_up()
        return await self._inner.up_to(query, max_bytes, **params)

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        await self._process.held_up()
        try:
            return await self._inner.write(ops)
        finally:
            await self._process.held_up()


class NodeStore(_View):
    """The store as a process reaches it."""

    def __init__(self, store: Store, process: Process) -> None:
        super().__init__(store, process)
        self._store = store

    def of(self, owner: str) -> StoreView:
        return _View(self._store.of(owner), self._process)

    @property
    def exclusive(self) -> bool:
        return self._store.exclusive

    async def flush(self) -> None:
        await self._process.held_up()
        await self._store.flush()

    async def now(self) -> float:
        return await self._store.now()

    async def open(self) -> None:
        pass

    async def close(self) -> None:
        pass


class NodePost:
    """The way out of a process."""

    def __init__(self, post: PostFunction, process: Process) -> None:
        self._post = post
        self._process = process

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> GuardedReply:
        await self._process.held_up()
        reply = await self._post.post(url, body, headers)
        await self._process.held_up()
        return reply


class NodeBus:
    """A bus that loses words, says some twice, and some late; each with or without what was committed."""

    def __init__(self, bus: LocalBus, process: Process) -> None:
        self._bus = bus
        self._process = process

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        self._process.see_alive()
        dice = 1.0 if self._process.calm() else self._process.random.random()
        if dice < 0.1:
            return
        if dice < 0.2:
            late = self._process.random.uniform(0, 1)
            asyncio.get_running_loop().call_later(late, self._bus.publish, topic, payloads)
        if dice > 0.15:
            self._bus.publish(topic, () if dice > 0.9 and dice < 1.0 else payloads)

    @contextmanager
    def subscribe(self, topic: str) -> Generator[TopicSubscription]:
        self._process.see_alive()
        with self._bus.subscribe(topic) as ear:
            yield ear
