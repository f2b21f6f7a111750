"""The one door: decisions are made on what is there, written once, and refused to who comes too late."""

import asyncio

import pytest

from projectdavid.engine.inputs import CancelRequested, ModelReplied, RunClaimed, RunExpired, RunStarted
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.ports.store import RowMissing, StoreUnavailable, UniqueClash
from projectdavid.runtime.runs.decision_writer import RunLease
from projectdavid.runtime.runs.driver import LeaseLost, NewRun
from projectdavid.runtime.runs.records import RunConfig
from projectdavid.runtime.topics import WORK, abort_topic, journal_topic
from tests.engine.samples import a_reply
from tests.runtime.stage import OWNER, START, Stage, kinds, statuses

pytestmark = pytest.mark.anyio


def new_run(thread_id: str, owner: str = OWNER) -> NewRun:
    """A run to be created."""
    return NewRun(
        "run_new", owner, thread_id, "asst_1", "script/model", RunConfig(), "{}", RunStatus.QUEUED, START + 600
    )


async def test_a_run_begins_with_its_journal_and_a_word_to_the_workers(stage: Stage) -> None:
    with stage.bus.subscribe(WORK) as ear:
        n = await stage.run()
        assert await ear.wait(0)
    assert kinds(await stage.journal(n)) == ["queued"]
    run = await stage.state(n)
    assert (run.status, run.turn, run.attempt, run.started_at) == (RunStatus.QUEUED, 0, 0, None)


async def test_a_run_that_waits_to_be_started_calls_nobody_to_work(stage: Stage) -> None:
    with stage.bus.subscribe(WORK) as ear:
        n = await stage.run(status=RunStatus.PENDING)
        assert not await ear.wait(0)
        await stage.driver.decide(n, RunStarted())
        assert await ear.wait(0)


async def test_a_thread_with_an_open_run_takes_no_second_one(stage: Stage) -> None:
    first = await stage.run()
    thread_id = (await stage.row(first)).thread_id
    with pytest.raises(UniqueClash) as clash:
        await stage.driver.create(new_run(thread_id))
    assert clash.value.id == thread_id
    await stage.cancel(first)
    assert await stage.status(await stage.create(new_run(thread_id))) is RunStatus.QUEUED


async def test_a_run_needs_a_thread_of_its_own_user(stage: Stage) -> None:
    thread_id = (await stage.row(await stage.run())).thread_id
    for new in (new_run("thread_of_nobody"), new_run(thread_id, owner="user_bob")):
        with pytest.raises(RowMissing):
            await stage.driver.create(new)


async def test_nothing_happens_to_a_run_that_is_not_there(stage: Stage) -> None:
    with pytest.raises(RowMissing):
        await stage.cancel(12345)


async def test_a_refusal_leaves_the_run_as_it_was(stage: Stage) -> None:
    n = await stage.run()
    before, told = await stage.row(n), await stage.journal(n)
    for happened in (RunStarted(), ModelReplied(a_reply("Hello"), START), RunExpired(START)):
        with pytest.raises(InputRefused):
            await stage.driver.decide(n, happened)
    assert (await stage.row(n), await stage.journal(n)) == (before, told)


async def test_of_many_who_decide_at_once_each_decides_on_what_the_others_left(stage: Stage) -> None:
    n = await stage.run(status=RunStatus.PENDING)
    results = await asyncio.gather(*(stage.driver.decide(n, RunStarted()) for _ in range(20)), return_exceptions=True)
    assert sorted(type(result).__name__ for result in results) == [*["InputRefused"] * 19, "RunDecision"]
    assert kinds(await stage.journal(n)) == ["pending", "queued"]


async def test_every_decision_says_that_the_journal_grew(stage: Stage) -> None:
    n = await stage.run()
    with stage.bus.subscribe(journal_topic(n)) as ear:
        await stage.cancel(n)
        assert await ear.wait(0)


async def claim(stage: Stage, n: int, worker: str, seconds: float = 30.0) -> None:
    """Take a run for a worker."""
    now = stage.clock()
    await stage.driver.decide(n, RunClaimed(now), claim=RunLease(worker, now + seconds))


async def test_a_cancel_says_that_the_model_call_is_to_be_closed(stage: Stage) -> None:
    n = await stage.run()
    await claim(stage, n, "one")
    with stage.bus.subscribe(abort_topic(n)) as ear:
        await stage.cancel(n)
        assert await ear.wait(0)
        await stage.cancel(n)
        assert await ear.wait(0)


async def test_a_run_that_is_held_is_not_claimed_by_another_before_the_hold_runs_out(stage: Stage) -> None:
    n = await stage.run()
    await claim(stage, n, "one")
    with pytest.raises(LeaseLost):
        await claim(stage, n, "two")
    stage.clock.skip(29.9)
    with pytest.raises(LeaseLost):
        await claim(stage, n, "two")
    stage.clock.skip(0.1)
    await claim(stage, n, "two")
    assert (await stage.row(n)).lease == "two"


async def test_a_holder_may_claim_again_what_it_holds(stage: Stage) -> None:
    n = await stage.run()
    await claim(stage, n, "one")
    await claim(stage, n, "one")
    assert statuses(await stage.journal(n)) == ["queued", "in_progress"]


async def test_a_reply_of_somebody_who_lost_the_run_is_refused(stage: Stage) -> None:
    n = await stage.run()
    await claim(stage, n, "one")
    stage.clock.skip(30)
    await claim(stage, n, "two")
    late = ModelReplied(a_reply("Too late."), stage.clock())
    for holder in ("one", "nobody"):
        with pytest.raises(LeaseLost):
            await stage.driver.decide(n, late, holder=holder)
    assert await stage.status(n) is RunStatus.IN_PROGRESS
    await stage.driver.decide(n, late, holder="two")
    assert await stage.status(n) is RunStatus.COMPLETED
    with pytest.raises(LeaseLost):
        await stage.driver.decide(n, late, holder="two")


async def test_a_hold_is_extended_for_its_worker_alone_and_ends_with_the_work(stage: Stage) -> None:
    one, two = await stage.run(), await stage.run()
    await claim(stage, one, "one")
    await claim(stage, two, "two")
    await stage.driver.extend("one", START + 90)
    assert [(await stage.row(n)).lease_until for n in (one, two)] == [START + 90, START + 30]
    await stage.driver.decide(one, ModelReplied(a_reply("Done."), START), holder="one")
    assert (await stage.row(one)).lease is None


async def test_whoever_starts_alone_takes_all_holds_back(stage: Stage) -> None:
    n = await stage.run()
    await claim(stage, n, "one")
    await stage.driver.recover()
    await claim(stage, n, "two")


async def test_a_store_that_cannot_write_is_said_so(stage: Stage) -> None:
    n = await stage.run()
    await stage.store.close()
    with pytest.raises(StoreUnavailable):
        await stage.driver.decide(n, CancelRequested(START))
    await stage.store.open()
    assert await stage.status(n) is RunStatus.QUEUED
