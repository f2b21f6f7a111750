"""The rules of `ports/store.py` for processes that share a store: the first start, and leases."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from threading import Barrier

import msgspec
import pytest

from projectdavid.ports import queries
from projectdavid.ports.store import MAX_CLOCK_SKEW, Op, Store, StoreUnavailable, Value
from tests.contracts.rows import born, file, held, knowledge, user
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


# The first start.


async def users(store: Store) -> list[str]:
    """The ids of all users."""
    return [row.id for row in await store.all(queries.USERS_PAGE.asc, after=None, limit=9)]


def open_at_once(store: Store, name: str, all_ready: Barrier) -> list[str] | None:
    """Open a store in a thread with an event loop of its own, write a user, and return the users; None if refused."""

    async def work() -> list[str] | None:
        all_ready.wait(EVENT_TIMEOUT)
        opened = True
        try:
            await store.open()
        except StoreUnavailable:
            if not store.exclusive:
                all_ready.abort()
                raise
            opened = False
        all_ready.wait(EVENT_TIMEOUT)
        if opened:
            await store.write([user(name)])
        all_ready.wait(EVENT_TIMEOUT)
        found = await users(store) if opened else None
        await store.close()
        return found

    return asyncio.run(work())


@pytest.mark.parametrize("attempt", range(5))
async def test_stores_that_open_a_new_folder_at_once_share_it_or_one_of_them_has_it(
    stores_at: Callable[[Path], Store], tmp_path: Path, attempt: int
) -> None:
    all_ready = Barrier(2)
    stores = {name: stores_at(tmp_path) for name in ("ann", "bob")}
    starts = [asyncio.to_thread(open_at_once, store, name, all_ready) for name, store in stores.items()]
    found = dict(zip(stores, await asyncio.gather(*starts), strict=True))
    opened = [name for name, rows in found.items() if rows is not None]
    assert len(opened) == (1 if stores["ann"].exclusive else 2)
    later = stores_at(tmp_path)
    await later.open()
    for rows in (*(found[name] for name in opened), await users(later)):
        assert rows is not None
        assert sorted(rows) == opened
    await later.close()


# Leases.

LEASE = 30.0
ALL = {"run", "file", "delivery"}


class StoreClock:
    """The time of all stores of a test."""

    def __init__(self) -> None:
        self.now = 1_751_169_829.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> StoreClock:
    clock = StoreClock()
    monkeypatch.setattr(time, "time", lambda: clock.now)
    return clock


async def add_work(store: Store) -> None:
    """One row of each kind that is leased: a run, a file of a vector store and a webhook delivery."""
    await born(store)
    event: dict[str, Value] = {"id": "evt", "event": "webhook.test", "body": "{}", "now": 1}
    await store.of("ann").write(
        [
            file("f"),
            *knowledge(),
            Op(queries.ASSISTANT_INSERT, {"id": "asst_1", "body": '{"webhook_url":"https://hooks.example"}'}),
            Op(queries.DELIVERY_TEST, {**event, "assistant_id": "asst_1"}),
        ]
    )


async def claim_work(store: Store, worker: str) -> set[str]:
    """Claim what is free at the time of the store; returns the kinds of rows that the worker got."""
    now = await store.now()
    times: dict[str, Value] = {"now": now, "until": now + LEASE}
    claims: list[tuple[str, Op]] = []
    for row in await store.all(queries.RUNS_WAITING, now=now, after="", window=9, each=9, full="[]"):
        for n in msgspec.json.decode(row.waiting):
            run = await store.one(queries.RUN_STATE, n=n)
            assert run is not None
            params = {**held(n, run.version, now + LEASE).params, "lease": worker}
            claims.append(("run", Op(queries.RUN_DECIDE, params)))
    attached = await store.of("ann").one(queries.STORE_FILE, store_id="vs", file_id="f")
    assert attached is not None
    claims.append(("file", Op(queries.INGEST_CLAIM, {"n": attached.n, "lease": worker, **times})))
    delivery = await store.of("ann").one(queries.DELIVERY, id="evt")
    assert delivery is not None
    which: dict[str, Value] = {"n": delivery.n, "attempts": delivery.attempts}
    claims.append(("delivery", Op(queries.DELIVERY_CLAIM, {**which, **times})))
    rows = await store.write([op for _, op in claims])
    return {kind for (kind, _), row in zip(claims, rows, strict=True) if kind == "run" or row is not None}


async def extend_leases(store: Store, worker: str) -> None:
    now = await store.now()
    lease: dict[str, Value] = {"lease": worker, "now": now, "until": now + LEASE}
    await store.write([Op(queries.LEASES_EXTEND, lease), Op(queries.INGEST_EXTEND, lease)])


async def test_leases_follow_a_clock_that_is_set_forward(two: tuple[Store, Store], clock: StoreClock) -> None:
    await add_work(two[0])
    assert await claim_work(two[0], "a") == ALL
    clock.now += 3600.0
    await extend_leases(two[0], "a")  # they have expired
    assert await claim_work(two[1], "b") == ALL
    await extend_leases(two[0], "a")
    clock.now += LEASE - 0.1
    assert await claim_work(two[0], "a") == set()
    clock.now += 0.1
    assert await claim_work(two[0], "a") == ALL


async def test_leases_follow_a_clock_that_is_set_back(two: tuple[Store, Store], clock: StoreClock) -> None:
    await add_work(two[0])
    assert await claim_work(two[0], "a") == ALL
    clock.now -= 3600.0
    assert await claim_work(two[1], "b") == set()
    await extend_leases(two[0], "a")
    clock.now += LEASE - 0.1
    assert await claim_work(two[1], "b") == set()
    clock.now += 0.1
    assert await claim_work(two[1], "b") == {"run", "file"}
    await extend_leases(two[0], "a")  # they belong to the other worker
    clock.now += LEASE
    assert await claim_work(two[0], "a") == {"run", "file"}
    clock.now += 3600.0 - LEASE
    assert "delivery" in await claim_work(two[1], "b")


# A clock that was set.


async def test_deadlines_move_once_for_each_change_of_the_clock_that_several_processes_see(
    two: tuple[Store, Store],
) -> None:
    n = await born(two[0])

    async def follow(store: Store, jump: float, since: int, now: float) -> None:
        change: dict[str, Value] = {"jump": jump, "since": since, "now": now}
        move = Op(queries.DEADLINES_MOVE, {**change, "skew": MAX_CLOCK_SKEW})
        await store.write([move, Op(queries.CLOCK_CHANGE_SET, change)])

    async def deadline() -> float:
        row = await two[0].one(queries.RUN_STATE, n=n)
        assert row is not None
        return row.expires_at

    assert await deadline() == 1000.5
    await asyncio.gather(*(follow(store, 3600.0, 4000, 4001.5) for store in two))
    assert await deadline() == 4600.5
    await follow(two[1], 3600.2, 4001, 4002.3)
    assert await deadline() == 4600.5
    for store, jump, since in ((two[0], 3600.0, 8000), (two[1], -7200.0, 8000), (two[0], 3600.0, 4100)):
        before = await deadline()
        await follow(store, jump, since, since + 1.5)
        assert await deadline() == before + jump
