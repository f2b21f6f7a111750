"""Time: runs end when it is up, wherever they stand."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import say
from projectdavid.engine.deltas import TextDelta
from projectdavid.engine.run import InputRefused, RunStatus
from projectdavid.ports import queries
from projectdavid.ports.model import ModelError
from projectdavid.runtime.housekeeping.sweeper import ANSWERS_KEPT, GRACE, Sweeper
from tests.contracts.rows import claim
from tests.runtime.moments import MomentaryStore, Moments, When
from tests.runtime.stage import OWNER, START, Stage, calls, kinds, others_go_first, statuses, text_of
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

WAITS = frozenset({"requires_action"})


async def test_a_model_call_is_closed_when_time_is_up_and_what_it_said_is_kept(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("Once",))], asyncio.Event()])
    n = await stage.run(seconds=5)
    async with stage.working():
        await stage.until(n, "content")
        stage.clock.skip(5)
        events = await stage.events(n)
        assert (provider.finished, provider.closed) == (0, 1)
    assert kinds(events)[-2:] == ["message_completed", "expired"]
    (answer,) = await stage.answers(n)
    assert (msgspec.json.decode(answer.content), answer.reason) == ("Once", "run_expired")
    assert (await stage.state(n)).ended_at == START + 5


async def test_a_timer_that_is_faster_than_the_clock_ends_the_run_all_the_same(stage: Stage) -> None:
    stage.play([[TextDelta(("Once",))], asyncio.Event()])
    n = await stage.run(seconds=5)
    async with stage.working():
        await stage.until(n, "content")
        stage.clock.skip(5, slow=0.001)
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["message_completed", "expired"]


async def test_a_pause_before_the_next_attempt_does_not_outlast_the_run(stage: Stage) -> None:
    provider = stage.play([ModelError("rate_limit_exceeded", "Slow.", True, 60.0)])
    n = await stage.run(seconds=5)
    async with stage.working():
        await stage.until(n, "retry")
        stage.clock.skip(5)
        assert kinds(await stage.events(n))[-2:] == ["retry", "expired"]
    assert len(provider.asked) == 1


async def test_a_run_that_waits_for_its_caller_too_long_is_expired_by_the_sweeper(stage: Stage) -> None:
    stage.play(calls(("add", "{}")))
    n = await stage.run(functions=["add"], seconds=5)
    sweeper = stage.sweeper()
    async with stage.working():
        await stage.events(n, until=WAITS)
        stage.clock.skip(5)
        assert await sweeper.expire() == 0
        stage.clock.skip(GRACE)
        assert await sweeper.expire() == 1
        assert statuses(await stage.events(n))[-2:] == ["requires_action", "expired"]
    assert await sweeper.expire() == 0
    with pytest.raises(InputRefused):
        await stage.cancel(n)


@pytest.mark.parametrize("status", [RunStatus.PENDING, RunStatus.QUEUED])
async def test_a_run_that_nobody_begins_expires(stage: Stage, status: RunStatus) -> None:
    n = await stage.run(status=status, seconds=5)
    stage.clock.skip(5 + GRACE)
    assert await stage.sweeper().expire() == 1
    async with stage.working():
        assert kinds(await stage.events(n)) == [status, "expired"]
    assert stage.provider.asked == []


async def test_a_run_that_is_begun_too_late_asks_nobody(stage: Stage) -> None:
    n = await stage.run(seconds=5)
    stage.clock.skip(5)
    async with stage.working():
        assert kinds(await stage.events(n)) == ["queued", "in_progress", "expired"]
    assert stage.provider.asked == []


async def test_a_run_whose_worker_does_not_end_it_is_ended_by_the_sweeper(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.play([[TextDelta(("Once",))], gate, [TextDelta((" upon",))]])
    n = await stage.run(seconds=5)
    async with stage.working():
        await stage.until(n, "content")
    stage.clock.skip(5 + GRACE)
    assert await stage.sweeper().expire() == 1
    assert statuses(await stage.events(n)) == ["queued", "in_progress", "expired"]


async def test_the_worker_closes_its_model_call_when_the_sweeper_was_faster(stage: Stage) -> None:
    provider = stage.play([[TextDelta(("Once",))], asyncio.Event()])
    n = await stage.run(seconds=1000)
    worker = stage.worker()
    async with stage.working(worker):
        await stage.until(n, "content")
        stage.clock.skip(0, slow=-1000 - GRACE)  # the clock on the wall was set
        assert await stage.sweeper().expire() == 1
        await worker.drain(10)
        assert (worker.at_work, provider.closed) == (0, 1)
    assert await stage.status(n) is RunStatus.EXPIRED


async def test_a_run_that_ends_while_the_sweeper_looks_at_it_is_left_alone(stage: Stage) -> None:
    ends = await stage.run(status=RunStatus.PENDING, seconds=5)
    stays = await stage.run(status=RunStatus.PENDING, seconds=5)
    stage.clock.skip(5 + GRACE)

    async def cancel() -> None:
        await stage.cancel(ends)

    store = MomentaryStore(stage.store, Moments(0, cancel, frozenset({When.AFTER_STORE})))
    await Sweeper(store, stage.driver, stage.clock).expire()
    assert [await stage.status(n) for n in (ends, stays)] == [RunStatus.CANCELLED, RunStatus.EXPIRED]


async def test_a_sweeper_at_work_expires_runs_by_itself(stage: Stage) -> None:
    n = await stage.run(status=RunStatus.PENDING, seconds=5)
    async with sweeping(stage.sweeper(every=1.0)):
        await stage.quiet()
        stage.clock.skip(5 + GRACE)
        assert kinds(await stage.events(n)) == ["pending", "expired"]


async def test_a_sweeper_at_work_throws_away_what_nothing_needs(stage: Stage) -> None:
    done = await stage.run()
    view = stage.store.of(OWNER)
    await view.write([claim("key", made_at=stage.clock() + 60 - ANSWERS_KEPT)])
    async with stage.working(), sweeping(stage.sweeper(every=1.0, prune_every=60.0)):
        await stage.events(done)
        stage.clock.skip(60)
        await stage.quiet()
    assert await view.one(queries.IDEMPOTENCY, key="key", since=0) is None
    assert text_of(await stage.events(done)) == "Hello from the script."


async def test_a_sweeper_goes_on_when_the_store_was_not_there_for_a_moment(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    n = await stage.run(status=RunStatus.PENDING, seconds=5)
    async with sweeping(stage.sweeper(every=1.0)):
        await stage.quiet()
        await stage.store.close()
        stage.clock.skip(5 + GRACE)
        await others_go_first()
        await stage.store.open()
        assert "not available" in caplog.text
        await stage.quiet()
        stage.clock.skip(1)
        assert kinds(await stage.events(n)) == ["pending", "expired"]


@asynccontextmanager
async def sweeping(sweeper: Sweeper) -> AsyncGenerator[None]:
    """A sweeper at work."""
    task = asyncio.create_task(sweeper.serve())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()


async def test_a_run_that_is_over_does_not_expire(stage: Stage) -> None:
    stage.play(say("Done."))
    n = await stage.run(seconds=5)
    async with stage.working():
        assert text_of(await stage.events(n)) == "Done."
    stage.clock.skip(1000)
    assert await stage.sweeper().expire() == 0
    assert await stage.status(n) is RunStatus.COMPLETED


@pytest.mark.parametrize("jump", [86_400.0, -86_400.0])
async def test_a_clock_that_is_set_takes_no_time_from_a_run_and_gives_it_none(stage: Stage, jump: float) -> None:
    n = await stage.run(status=RunStatus.PENDING, seconds=600.0)
    stage.clock.skip(10.0)
    async with sweeping(stage.sweeper(every=1.0)):
        await stage.quiet()
        stage.clock.skip(2.0, slow=2.0 - jump)
        async with asyncio.timeout(EVENT_TIMEOUT):
            while (await stage.row(n)).expires_at == START + 600.0:
                await stage.quiet()
        for seconds in (500.0, 200.0):
            assert await stage.status(n) is RunStatus.PENDING
            stage.clock.skip(seconds)
            await stage.quiet()
        assert kinds(await stage.events(n)) == ["pending", "expired"]


async def test_a_clock_that_is_set_moves_a_deadline_once_if_two_processes_see_it(stage: Stage) -> None:
    n = await stage.run(status=RunStatus.PENDING, seconds=600.0)
    async with sweeping(stage.sweeper(every=1.0)), sweeping(stage.sweeper(every=1.0)):
        await stage.quiet()
        stage.clock.skip(2.0, slow=2.0 - 3600.0)
        async with asyncio.timeout(EVENT_TIMEOUT):
            while (await stage.row(n)).expires_at == START + 600.0:
                await stage.quiet()
        for _ in range(3):
            stage.clock.skip(1.0)
            await stage.quiet()
    assert (await stage.row(n)).expires_at == pytest.approx(START + 600.0 + 3598.0, abs=1.0)
