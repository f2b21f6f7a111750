"""Sandbox sessions of processes that share a store: the others know them, and leave runs of their threads to them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.ports import queries
from projectdavid.ports.sandbox import Kind
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.queues import WaitingRow
from projectdavid.runtime.topics import SESSIONS
from projectdavid.runtime.worker.home_runs import HomeRuns
from projectdavid.services.session_homes import SessionHomes, find_terminal_home
from projectdavid.tools.sessions.sessions import SessionPool
from tests.contracts.rows import born
from tests.timeouts import EVENT_TIMEOUT
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock, ToySandbox

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Worker:
    """What one process has to do with sessions."""

    name: str
    clock: Clock
    store: Store
    bus: LocalBus
    sandbox: ToySandbox
    sessions: SessionPool
    homes: SessionHomes
    runs: HomeRuns

    async def open(self, thread_id: str = "t", kind: Kind = "python") -> None:
        """Let a call open a session."""
        talk = Conversation(thread_id, "ann")
        async with self.sessions.use(talk.call("it", {}), talk, kind):
            pass
        await self.homes.synchronize()

    async def claims(self, n: int) -> bool:
        """Whether it can claim a run now."""
        return await self.runs.claimable([WaitingRow(n, "ann")]) != []

    async def lacks_terminal(self, thread_id: str) -> bool:
        """Whether the terminal of a thread is at another process."""
        home = await find_terminal_home(self.store, self.clock, thread_id)
        return home is not None and home.worker != self.name


def worker(store: Store, clock: Clock, name: str) -> Worker:
    bus, sandbox = LocalBus(), ToySandbox()
    sessions = SessionPool(sandbox, clock, changed=lambda: bus.publish(SESSIONS))
    homes = SessionHomes(store, bus, clock, name, "worker", sessions)
    return Worker(name, clock, store, bus, sandbox, sessions, homes, HomeRuns(store, clock, name))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def workers(two: tuple[Store, Store], clock: Clock) -> AsyncGenerator[tuple[Worker, Worker]]:
    """Two workers; over an exclusive store, two that do not know of each other."""
    first, second = worker(two[0], clock, "first"), worker(two[1], clock, "second")
    yield first, second
    for one in (first, second):
        await one.sessions.close()


async def test_the_worker_with_the_session_of_a_thread_has_two_seconds_to_claim_its_runs(
    workers: tuple[Worker, Worker], clock: Clock
) -> None:
    home, other = workers
    n = await born(home.store)
    await home.open()
    assert await home.claims(n)
    if home.store.exclusive:
        assert await other.claims(n)
        return
    for passed, claims in ((0.0, False), (1.9, False), (0.2, True)):
        clock.now += passed
        assert await other.claims(n) is claims
        assert await home.claims(n)
    clock.now += 5  # the run waits again, as after outputs of the caller
    assert not await other.claims(n)


async def test_runs_of_threads_without_a_session_are_claimed_by_anyone_in_their_order(
    workers: tuple[Worker, Worker],
) -> None:
    home, other = workers
    one, at_home, two = [await born(home.store, f"user_{n}", f"t{n}", f"r{n}") for n in range(3)]
    await home.open("t1", "shell")
    waiting = [WaitingRow(n, "any") for n in (two, at_home, one)]
    found = [row.n for row in await other.runs.claimable(waiting)]
    assert found == ([two, at_home, one] if home.store.exclusive else [two, one])


async def test_the_worker_that_opened_its_session_last_is_the_home_of_a_thread(
    workers: tuple[Worker, Worker], clock: Clock
) -> None:
    first, second = workers
    if first.store.exclusive:
        return
    n = await born(first.store)
    await first.open()
    clock.now += 1
    await second.open()
    clock.now += 15
    await first.homes.synchronize()  # it announces its older session again
    await second.homes.synchronize()
    assert not await first.claims(n)
    assert await second.claims(n)


@pytest.mark.parametrize("how", ["ended", "withdrawn", "dead"])
async def test_a_session_that_is_gone_holds_no_run_back(workers: tuple[Worker, Worker], clock: Clock, how: str) -> None:
    home, other = workers
    n = await born(home.store)
    await home.open()
    await home.open(kind="shell")
    if how == "ended":
        await home.sessions.close()
        await home.homes.synchronize()
    elif how == "withdrawn":
        serving = asyncio.create_task(home.homes.serve())
        await asyncio.sleep(0)
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
    else:
        clock.now += 31
    assert await other.claims(n)
    assert not await other.lacks_terminal("t")
    await other.homes.synchronize()
    assert await home.store.one(queries.TERMINAL_HOME, thread_id="t", since=0.0) is None


async def test_a_process_that_was_frozen_announces_its_sessions_again(
    workers: tuple[Worker, Worker], clock: Clock
) -> None:
    home, other = workers
    await born(home.store)
    await home.open(kind="shell")
    clock.now += 31
    await other.homes.synchronize()
    assert not await other.lacks_terminal("t")
    await home.homes.synchronize()
    assert await other.lacks_terminal("t")
    assert not await home.lacks_terminal("t")
    assert not await other.lacks_terminal("u")


DELETIONS: dict[str, Any] = {
    "thread": lambda store: store.of("ann").write([Op(queries.THREAD_DELETE, {"id": "t"})]),
    "user": lambda store: store.write([Op(queries.USER_DELETE, {"id": "ann"})]),
}


@pytest.mark.parametrize("deleted", DELETIONS)
async def test_what_one_process_deletes_ends_its_sessions_on_the_other(
    workers: tuple[Worker, Worker], deleted: str
) -> None:
    home, other = workers
    await born(home.store)
    await born(home.store, "bob", "u", "s")
    await home.open()
    await home.open("u")
    serving = asyncio.create_task(home.homes.serve())
    await DELETIONS[deleted](other.store)
    home.bus.publish(SESSIONS)
    async with asyncio.timeout(EVENT_TIMEOUT):
        await home.sandbox.opened[0].closed.wait()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    assert list(home.sessions.uses()) == [("u", "python")]
