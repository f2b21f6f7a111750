"""Queues that are shared out between owners: who comes first, who waits, and what reading them costs."""

from typing import NamedTuple

import apsw
import pytest

from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS
from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.engine.inputs import RunClaimed
from projectdavid.runtime.queues import WINDOW, OwnerQueue, WorkerPlaces, order_fairly
from projectdavid.runtime.runs.driver import RunLease
from tests.contracts.rows import user
from tests.runtime.stage import Stage

pytestmark = pytest.mark.anyio


class OwnerRow(NamedTuple):
    owner: str
    at_work: int
    waiting: str


ORDERS: list[tuple[str, list[OwnerRow], list[int]]] = [
    ("within an owner the oldest comes first", [OwnerRow("a", 0, "[1,2,3]")], [1, 2, 3]),
    ("fewest at work first", [OwnerRow("a", 2, "[1]"), OwnerRow("b", 0, "[5]")], [5, 1]),
    ("owners take turns", [OwnerRow("a", 0, "[1,2,3]"), OwnerRow("b", 0, "[8,9]")], [1, 8, 2, 9, 3]),
    ("until they are level", [OwnerRow("a", 2, "[1,2]"), OwnerRow("b", 0, "[7,8,9]")], [7, 8, 1, 9, 2]),
    ("an owner without waiting rows is passed over", [OwnerRow("a", 0, "[]"), OwnerRow("b", 5, "[1]")], [1]),
    ("no owners", [], []),
]


@pytest.mark.parametrize(("rows", "expected"), [order[1:] for order in ORDERS], ids=[order[0] for order in ORDERS])
def test_rows_are_ordered_by_what_their_owners_have_at_work(rows: list[OwnerRow], expected: list[int]) -> None:
    assert [waiting.n for waiting in order_fairly(rows)] == expected


@pytest.mark.parametrize(("count", "owners"), [(1, 1), (2, 2), (3, 2), (4, 3), (8, 4), (512, 67)])
def test_newcomers_find_a_place_although_each_owner_takes_all_that_it_can(count: int, owners: int) -> None:
    places = WorkerPlaces(count)
    for owner in map(str, range(owners)):
        assert places.is_open_to(owner), owner
        while places.is_open_to(owner):
            places.take(owner)
    assert places.free == 0


def queue_of(stage: Stage) -> OwnerQueue:
    return OwnerQueue(stage.worker()._load)


async def read(stage: Stage, places: WorkerPlaces) -> list[int]:
    """The numbers of waiting runs, in the order in which a worker would begin them."""
    windows = queue_of(stage).read(places)
    return [waiting.n async for window in windows for waiting in window]


async def test_what_other_workers_have_at_work_counts(stage: Stage) -> None:
    await stage.store.write([user("user_bob")])
    first, second = [await stage.run() for _ in range(2)]
    third = await stage.run(owner="user_bob")
    assert await read(stage, WorkerPlaces(8)) == [first, third, second]
    lease = RunLease("a worker of another process", stage.clock() + 30)
    await stage.driver.decide(first, RunClaimed(stage.clock()), claim=lease)
    assert await read(stage, WorkerPlaces(8)) == [third, second]
    stage.clock.skip(30)
    assert await read(stage, WorkerPlaces(8)) == [first, third, second]


async def test_of_an_owner_without_a_place_nothing_is_read(stage: Stage) -> None:
    await stage.store.write([user("user_bob")])
    await stage.run()
    theirs = await stage.run(owner="user_bob")
    places = WorkerPlaces(2)
    places.take("user_ann")
    assert await read(stage, places) == [theirs]


async def test_all_owners_are_read_however_many_there_are_and_wherever_a_look_begins(stage: Stage) -> None:
    owners = [f"user_{number:03}" for number in range(2 * WINDOW + 1)]
    await stage.store.write([user(owner) for owner in owners])
    every = {await stage.run(owner=owner) for owner in owners}
    queue, places = queue_of(stage), WorkerPlaces(4 * WINDOW)
    for _ in range(4):
        windows = queue.read(places)
        first = await anext(windows)
        assert len(first) == len({waiting.owner for waiting in first})
        await windows.aclose()
        seen = {waiting.n async for window in queue.read(places) for waiting in window}
        assert seen == every


INDEXES = ("runs_waiting", "runs_suspected", "runs_leased", "vector_store_files_waiting", "vector_store_files_leased")


@pytest.mark.parametrize("name", ["runs_waiting", "runs_suspected", "ingest_waiting"])
def test_a_queue_is_read_from_indexes_alone_that_hold_nothing_but_what_waits_or_is_at_work(name: str) -> None:
    connection = apsw.Connection(":memory:")
    for script in SCRIPTS:
        for _ in connection.execute(script):
            pass
    query = QUERIES[name]
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.parameters))]
    tables = [step for step in plan if step.startswith(("SEARCH", "SCAN")) and " INDEX " in step and "json" not in step]
    assert tables
    queues = (
        "runs_waiting",
        "runs_suspected",
        "runs_leased",
        "vector_store_files_waiting",
        "vector_store_files_leased",
    )
    assert [step for step in tables if not any(f"COVERING INDEX {index}" in step for index in queues)] == []
