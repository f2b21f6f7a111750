"""Busy threads: runs wait for their turn in order, or go first; one at a time, whatever happens meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.engine.deltas import TextDelta
from projectdavid.engine.inputs import RunClaimed, RunStarted
from projectdavid.engine.run import TERMINAL, InputRefused, RunStatus
from projectdavid.ports import queries
from projectdavid.ports.model import ModelError
from projectdavid.ports.store import Op, RowMissing, UniqueClash
from projectdavid.runtime.housekeeping.sweeper import GRACE
from projectdavid.runtime.runs.driver import NewRun, OnBusy, RunDriver
from projectdavid.runtime.runs.records import RunConfig
from tests.contracts.rows import thread
from tests.runtime.moments import MomentaryStore, Moments, When
from tests.runtime.stage import OWNER, Stage, kinds, statuses

pytestmark = pytest.mark.anyio

QUEUE, INTERRUPT = OnBusy.QUEUE, OnBusy.INTERRUPT
BEFORE = frozenset({When.BEFORE_STORE})


async def thread_of(stage: Stage, n: int) -> str:
    return str((await stage.row(n)).thread_id)


async def parked(stage: Stage, *runs: int) -> list[bool]:
    """Which of these runs wait for their thread."""
    return [bool((await stage.row(n)).parked) for n in runs]


async def queued_behind(stage: Stage, first: int, *policies: OnBusy) -> list[int]:
    """New runs in the thread of the first one."""
    thread_id = await thread_of(stage, first)
    return [await stage.run(thread_id=thread_id, on_busy=policy) for policy in policies]


async def test_in_a_free_thread_a_run_starts_whatever_it_would_do_in_a_busy_one(stage: Stage) -> None:
    for policy in OnBusy:
        assert await parked(stage, await stage.run(on_busy=policy)) == [False]


async def test_runs_that_wait_start_one_after_the_other_in_the_order_in_which_they_came(stage: Stage) -> None:
    gates = [asyncio.Event() for _ in range(3)]
    stage.play(*([[TextDelta((f"{index}",))], gate] for index, gate in enumerate(gates)))
    first = await stage.run()
    runs = [first, *await queued_behind(stage, first, QUEUE, QUEUE)]
    async with stage.working():
        for index, (n, gate) in enumerate(zip(runs, gates, strict=True)):
            await stage.until(n, "content")
            assert await parked(stage, *runs) == [False] * (index + 1) + [True] * (2 - index)
            assert len(stage.provider.asked) == index + 1
            gate.set()
        for n in runs:
            assert statuses(await stage.events(n)) == ["queued", "in_progress", "completed"]


async def fail(stage: Stage, n: int) -> None:
    stage.play(ModelError("invalid_request", "No."), [[TextDelta(("Then",))], asyncio.Event()])
    async with stage.working():
        await stage.events(n)


async def cancel_at_work(stage: Stage, n: int) -> None:
    stage.play([[TextDelta(("I",))], asyncio.Event()])
    async with stage.working():
        await stage.until(n, "content")
        await stage.cancel(n)
        await stage.events(n)


async def cancel_before(stage: Stage, n: int) -> None:
    await stage.cancel(n)


async def expire(stage: Stage, n: int) -> None:
    stage.clock.skip(60 + GRACE)
    await stage.sweeper().expire()


@pytest.mark.parametrize("end", [fail, cancel_at_work, cancel_before, expire])
async def test_however_a_run_ends_the_next_of_its_thread_is_free_and_only_that(
    stage: Stage, end: Callable[[Stage, int], Awaitable[None]]
) -> None:
    first = await stage.run(seconds=60)
    second, third = await queued_behind(stage, first, QUEUE, QUEUE)
    await end(stage, first)
    assert await stage.status(first) in TERMINAL
    assert await parked(stage, second, third) == [False, True]


async def test_a_run_that_waits_for_its_thread_is_claimed_by_nobody(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    (second,) = await queued_behind(stage, first, QUEUE)
    with pytest.raises(InputRefused):
        await stage.driver.decide(second, RunClaimed(stage.clock()))
    async with stage.working():
        await stage.events(await stage.run("Somebody else"))
    assert kinds(await stage.journal(second)) == ["queued"]


async def test_a_run_that_waits_can_be_cancelled_and_expires_without_freeing_anything(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    thread_id = await thread_of(stage, first)
    cancelled, third = await queued_behind(stage, first, QUEUE, QUEUE)
    short = await stage.run(thread_id=thread_id, on_busy=QUEUE, seconds=5)
    await stage.cancel(cancelled)
    stage.clock.skip(5 + GRACE)
    await stage.sweeper().expire()
    assert [await stage.status(n) for n in (cancelled, short)] == [RunStatus.CANCELLED, RunStatus.EXPIRED]
    assert await parked(stage, first, third) == [False, True]
    await stage.cancel(first)
    assert await parked(stage, third) == [False]


async def test_a_run_that_waits_to_be_started_keeps_its_turn_whether_it_was_started_or_not(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    thread_id = await thread_of(stage, first)
    started = await stage.run(thread_id=thread_id, status=RunStatus.PENDING, on_busy=QUEUE)
    waiting = await stage.run(thread_id=thread_id, status=RunStatus.PENDING, on_busy=QUEUE)
    await stage.driver.decide(started, RunStarted())
    assert await parked(stage, started, waiting) == [True, True]
    await stage.cancel(first)
    async with stage.working():
        assert statuses(await stage.events(started)) == ["pending", "queued", "in_progress", "completed"]
        assert (await parked(stage, waiting), await stage.status(waiting)) == ([False], RunStatus.PENDING)


async def test_a_run_that_interrupts_starts_when_the_other_was_stopped_and_before_all_that_wait(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("I",))], asyncio.Event()], say("At once."), say("Later."))
    first = await stage.run()
    (waiting,) = await queued_behind(stage, first, QUEUE)
    async with stage.working():
        await stage.until(first, "content")
        (urgent,) = await queued_behind(stage, first, INTERRUPT)
        assert statuses(await stage.events(first))[-2:] == ["cancelling", "cancelled"]
        assert statuses(await stage.events(urgent)) == ["queued", "in_progress", "completed"]
        assert statuses(await stage.events(waiting)) == ["queued", "in_progress", "completed"]
    assert (provider.closed, len(provider.asked)) == (1, 3)
    assert (await stage.state(urgent)).started_at <= (await stage.state(waiting)).started_at
    said = [message.content for message in await stage.answers(first)]
    assert said == ['"I"', '"At once."', '"Later."']


async def test_what_nobody_works_on_is_interrupted_in_one_step(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    (second,) = await queued_behind(stage, first, INTERRUPT)
    assert await stage.status(first) is RunStatus.CANCELLED
    assert await parked(stage, second) == [False]


async def test_of_several_that_interrupt_the_last_one_starts_first(stage: Stage) -> None:
    stage.play([[TextDelta(("I",))], asyncio.Event()])
    first = await stage.run()
    async with stage.working():
        await stage.until(first, "content")
    # its worker is gone: it stays cancelling until another takes it up
    older, newer, queued = await queued_behind(stage, first, INTERRUPT, INTERRUPT, QUEUE)
    assert await stage.status(first) is RunStatus.CANCELLING
    assert await parked(stage, older, newer, queued) == [True, True, True]
    await stage.driver.recover()
    async with stage.working():
        await stage.events(first)
        assert await parked(stage, newer, older, queued) == [False, True, True]
        await stage.until(newer, "content")
        await stage.cancel(newer)
        await stage.until(older, "content")
        assert await parked(stage, queued) == [True]


def new_run(stage: Stage, thread_id: str, on_busy: OnBusy) -> NewRun:
    return NewRun(
        stage.ids.new("run"),
        OWNER,
        thread_id,
        "asst_1",
        "script/model",
        RunConfig(),
        "{}",
        RunStatus.QUEUED,
        stage.clock() + 600,
        on_busy,
    )


async def many_at_once(stage: Stage, on_busy: OnBusy) -> list[int]:
    """Twenty runs that are created at once in a free thread, in order of their numbers."""
    await stage.store.of(OWNER).write([thread("thread_1")])
    news = [new_run(stage, "thread_1", on_busy) for _ in range(20)]
    return sorted(await asyncio.gather(*map(stage.create, news)))


async def test_of_many_that_queue_at_once_one_has_the_thread_and_the_others_follow(stage: Stage) -> None:
    runs = await many_at_once(stage, QUEUE)
    assert await parked(stage, *runs) == [False] + [True] * 19
    async with stage.working():
        for n in runs:
            assert statuses(await stage.events(n))[-1] == "completed"
    starts = [(await stage.journal(n))[-1].data["status"] for n in runs]
    assert starts == ["completed"] * 20
    assert len(await stage.answers(runs[0])) == 20


async def test_of_many_that_interrupt_at_once_in_a_free_thread_one_is_left_and_has_it(stage: Stage) -> None:
    runs = await many_at_once(stage, INTERRUPT)
    left = [n for n in runs if await stage.status(n) is not RunStatus.CANCELLED]
    assert len(left) == 1
    assert await parked(stage, *left) == [False]


async def test_whoever_interrupts_what_ends_in_that_moment_has_the_thread(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)

    async def end() -> None:
        await stage.cancel(first)

    store = MomentaryStore(stage.store, moments := Moments(0, end, BEFORE))
    driver = RunDriver(store, stage.bus, stage.clock, stage.ids)
    new = new_run(stage, await thread_of(stage, first), INTERRUPT)
    await driver.create(new)
    assert moments.came
    row = await stage.store.of(OWNER).one(queries.RUN, id=new.id)
    assert (row.parked, row.status) == (0, "queued")


async def test_whoever_interrupts_cancels_also_who_takes_the_free_thread_in_that_moment(stage: Stage) -> None:
    await stage.store.of(OWNER).write([thread("thread_1")])
    other = new_run(stage, "thread_1", OnBusy.REJECT)

    async def take() -> None:
        await stage.driver.create(other)

    driver = RunDriver(MomentaryStore(stage.store, Moments(0, take, BEFORE)), stage.bus, stage.clock, stage.ids)
    new = new_run(stage, "thread_1", INTERRUPT)
    await driver.create(new)
    view = stage.store.of(OWNER)
    assert [(await view.one(queries.RUN, id=one.id)).status for one in (other, new)] == ["cancelled", "queued"]


async def test_who_interrupts_in_a_thread_that_is_deleted_in_that_moment_is_told_so(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    thread_id = await thread_of(stage, first)

    async def delete() -> None:
        await stage.store.of(OWNER).write([Op(queries.THREAD_DELETE, {"id": thread_id})])

    driver = RunDriver(MomentaryStore(stage.store, Moments(0, delete, BEFORE)), stage.bus, stage.clock, stage.ids)
    with pytest.raises(RowMissing) as missing:
        await driver.create(new_run(stage, thread_id, INTERRUPT))
    assert missing.value == RowMissing("thread", thread_id)


@pytest.mark.parametrize("policy", OnBusy)
async def test_what_is_written_with_a_run_is_refused_with_it_and_nothing_is_interrupted(
    stage: Stage, policy: OnBusy
) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    before = await stage.row(first)
    also = thread(await thread_of(stage, first))
    taken = UniqueClash("key", "taken")
    new = new_run(stage, before.thread_id, policy)
    with pytest.raises(UniqueClash) as clash:
        await stage.driver.create(new, also=[Op(also.query, also.params, clash=taken)])
    assert clash.value == taken
    assert await stage.row(first) == before
    assert await stage.store.of(OWNER).one(queries.RUN, id=new.id) is None


async def test_a_run_that_waits_starts_although_the_process_died_when_its_turn_came(stage: Stage) -> None:
    first = await stage.run(status=RunStatus.PENDING)
    (second,) = await queued_behind(stage, first, QUEUE)
    await stage.store.close()
    stage.store = SQLiteStore(stage.path)
    await stage.store.open()
    stage.driver = RunDriver(stage.store, stage.bus, stage.clock, stage.ids)
    await stage.driver.recover()
    assert await parked(stage, second) == [True]
    await stage.cancel(first)
    async with stage.working():
        assert statuses(await stage.events(second))[-1] == "completed"
