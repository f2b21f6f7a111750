"""What owners may use: counted when a turn is paid, and looked at before the next one is asked for."""

import asyncio
from typing import Any

import msgspec
import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.engine.deltas import TextDelta, TokenUsage
from projectdavid.engine.inputs import CancelRequested, ModelReplied, RunClaimed
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.model import ModelError
from projectdavid.ports.rows import UsageRow
from projectdavid.ports.store import Op
from projectdavid.runtime.model_registry import ModelPrice, ModelRegistry, ModelRegistryOptions
from projectdavid.runtime.quota import LimitExceeded, OwnerLimits, Quota, room
from projectdavid.runtime.runs.decision_writer import DAY, RunLease
from projectdavid.runtime.runs.driver import RunDriver
from tests.engine.samples import a_reply
from tests.runtime.stage import OWNER, START, Stage, calls, kinds, of_kind, statuses
from tests.runtime.test_driver import new_run

pytestmark = pytest.mark.anyio

TODAY = int(START) // DAY
WAITS = frozenset({"requires_action"})


async def limit(stage: Stage, **limits: Any) -> None:
    """Let the owner use so much."""
    await stage.store.write([Op(queries.USER_LIMIT, {"id": OWNER, "limits": msgspec.json.encode(limits).decode()})])


async def used(stage: Stage, by: str = "day", first: int = TODAY, last: int = TODAY + 9) -> list[UsageRow]:
    return await stage.store.of(OWNER).all(queries.USAGE_OF, by=by, first=first, last=last)


def priced(stage: Stage, **prices: ModelPrice) -> ModelRegistry:
    """Models with prices, by which the stage's driver counts from now on."""
    models = ModelRegistry({"script": stage.provider}, options=ModelRegistryOptions(prices=prices))
    stage.driver = RunDriver(stage.store, stage.bus, stage.clock, stage.ids, models.cost)
    return models


async def test_every_turn_is_counted_on_its_day(stage: Stage) -> None:
    stage.play(calls(("add", "{}")), say("Three it is."))
    n = await stage.run(functions=["add"], seconds=2 * DAY)
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        stage.clock.skip(DAY)
        await stage.answer(n, (call["tool_call_id"], "3"))
        await stage.events(n)
    assert [tuple(row) for row in await used(stage)] == [
        (str(TODAY), 1, 20, 10, 0, 0, None, 1),
        (str(TODAY + 1), 1, 10, 3, 0, 0, None, 1),
    ]
    assert [tuple(row) for row in await used(stage, "model")] == [("script/model", 2, 30, 13, 0, 0, None, 1)]
    assert [tuple(row)[:2] for row in await used(stage, "assistant")] == [("asst_1", 2)]
    assert [tuple(row)[:2] for row in await used(stage, "key")] == [("", 2)]
    assert await used(stage, first=TODAY + 2) == []


async def test_a_turn_costs_what_its_model_does_and_others_are_told_apart(stage: Stage) -> None:
    priced(stage, **{"script/model": ModelPrice(2.5, 10.0)})
    for model in ("script/model", "script/other"):
        n = await stage.run(model=model)
        async with stage.working():
            await stage.events(n)
    assert [tuple(row) for row in await used(stage, "model")] == [
        ("script/model", 1, 10, 4, 0, 0, 65, 0),
        ("script/other", 1, 10, 4, 0, 0, None, 1),
    ]
    assert [tuple(row) for row in await used(stage)] == [(str(TODAY), 2, 20, 8, 0, 0, 65, 1)]


@pytest.mark.parametrize(
    ("named", "asked", "cost"),
    [
        ("script/a", "script/a", 9),
        ("a", "script/a", 9),
        ("script/a", "a", 9),
        ("a", "a", 9),
        ("other/a", "script/a", None),
        ("a", "script/b", None),
    ],
)
def test_a_price_is_found_by_the_full_name_or_the_bare_one(named: str, asked: str, cost: int | None) -> None:
    models = ModelRegistry(
        {"script": ScriptedProvider()}, "script", ModelRegistryOptions(prices={named: ModelPrice(0.5, 2.0)})
    )
    assert models.cost(asked, TokenUsage(10, 2)) == cost


@pytest.mark.parametrize(
    ("price", "cost"),
    [
        pytest.param(ModelPrice(10.0, 20.0, 1.0), 100 * 10 + 900 * 1 + 50 * 20, id="cached tokens have a price"),
        pytest.param(ModelPrice(10.0, 20.0), 1000 * 10 + 50 * 20, id="they cost what others cost"),
        pytest.param(ModelPrice(10.0, 20.0, 0.0), 100 * 10 + 50 * 20, id="they cost nothing"),
    ],
)
def test_cached_tokens_are_priced_apart(price: ModelPrice, cost: int) -> None:
    used = TokenUsage(1000, 50, cached_tokens=900, reasoning_tokens=40)
    assert ModelRegistry({}, options=ModelRegistryOptions(prices={"a": price})).cost("a", used) == cost


async def test_a_price_of_nothing_is_a_price(stage: Stage) -> None:
    assert (
        ModelRegistry({}, options=ModelRegistryOptions(prices={"a": ModelPrice(0.0, 0.0)})).cost("a", TokenUsage(10, 2))
        == 0
    )


async def test_a_reply_that_comes_while_its_run_is_being_cancelled_is_counted(stage: Stage) -> None:
    n = await stage.run()
    now = stage.clock()
    await stage.driver.decide(n, RunClaimed(now), claim=RunLease("one", now + 30))
    await stage.driver.decide(n, CancelRequested(now))
    await stage.driver.decide(n, ModelReplied(a_reply("Too late."), now), holder="one")
    assert await stage.status(n) is RunStatus.CANCELLED
    assert [tuple(row)[1:4] for row in await used(stage)] == [(1, 10, 5)]


async def test_a_turn_that_is_asked_again_is_counted_each_time_it_was_answered(stage: Stage) -> None:
    stage.play([[TextDelta(("I",))], ModelError("server_error", "No.", True, 0.0)], say("Yes."))
    n = await stage.run()
    async with stage.working():
        await stage.events(n)
    assert [tuple(row)[1:4] for row in await used(stage)] == [(1, 14, 5)]


async def test_a_run_asks_no_model_once_the_tokens_of_the_day_are_used_up(stage: Stage) -> None:
    provider = stage.play(calls(("add", "{}")), say("Three."))
    await limit(stage, tokens_per_day=30)
    n = await stage.run(functions=["add"])
    async with stage.working():
        (call,) = of_kind(await stage.events(n, until=WAITS), "tool_call_manifest")
        await stage.answer(n, (call["tool_call_id"], "3"))
        events = await stage.events(n)
    assert kinds(events)[-2:] == ["error", "failed"]
    failure = (await stage.state(n)).failure
    assert (failure.code, failure.retryable) == ("tokens_per_day_exceeded", False)
    assert failure.retry_after == DAY - START % DAY
    assert "30 tokens" in failure.message
    assert "1970-01-13 00:00 UTC" in failure.message
    assert len(provider.asked) == 1


async def test_money_is_looked_at_as_well(stage: Stage) -> None:
    priced(stage, **{"script/model": ModelPrice(1.0, 1.0)})
    stage.play(say("One."))
    await limit(stage, money_per_day=0.000021)
    codes: list[str | None] = []
    for _ in range(3):
        n = await stage.run()
        async with stage.working():
            await stage.events(n)
        failure = (await stage.state(n)).failure
        codes.append(failure and failure.code)
    assert codes == [None, None, "money_per_day_exceeded"]
    assert sum(row.cost for row in await used(stage)) == 22


async def test_no_limit_of_money_holds_where_no_price_is_known(stage: Stage) -> None:
    await limit(stage, money_per_day=0.000001)
    for _ in range(2):
        n = await stage.run()
        async with stage.working():
            assert statuses(await stage.events(n))[-1] == "completed"


async def test_the_next_day_begins_with_everything(stage: Stage) -> None:
    await limit(stage, tokens_per_day=1)
    ends: list[str] = []
    for _ in range(3):
        n = await stage.run(seconds=2 * DAY)
        async with stage.working():
            ends.append(statuses(await stage.events(n))[-1])
        if len(ends) == 2:
            stage.clock.skip(DAY - START % DAY)
    assert ends == ["completed", "failed", "completed"]


async def test_a_limit_that_is_set_meanwhile_holds_for_the_next_turn(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.play([[TextDelta(("Let me see.",))], gate, *calls(("fly", "{}"))], say("Done."))
    n = await stage.run()
    async with stage.working():
        await stage.until(n, "content")
        await limit(stage, tokens_per_day=1)
        gate.set()
        assert kinds(await stage.events(n))[-2:] == ["error", "failed"]


async def test_the_limits_of_a_user_come_before_those_of_the_server(stage: Stage) -> None:
    quota = Quota(stage.store, stage.clock, OwnerLimits(concurrent_runs=3, tokens_per_day=5))
    assert await quota.of(OWNER) == OwnerLimits(concurrent_runs=3, tokens_per_day=5)
    await limit(stage, tokens_per_day=100, money_per_day=2.5)
    assert await quota.of(OWNER) == OwnerLimits(None, 3, 100, 2.5)
    assert await quota.of("nobody") == OwnerLimits(concurrent_runs=3, tokens_per_day=5)


async def test_what_others_use_is_not_counted(stage: Stage) -> None:
    n = await stage.run()
    async with stage.working():
        await stage.events(n)
    quota = Quota(stage.store, stage.clock)
    await quota.check("user_bob", OwnerLimits(tokens_per_day=1))
    with pytest.raises(LimitExceeded):
        await quota.check(OWNER, OwnerLimits(tokens_per_day=1))


async def test_a_run_is_not_written_where_the_owner_has_no_room_for_it(stage: Stage) -> None:
    n = await stage.run()
    thread_id = (await stage.row(n)).thread_id
    (op,) = room(OwnerLimits(concurrent_runs=1), new_run("thread_new"))
    with pytest.raises(LimitExceeded) as exceeded:
        await stage.store.of(OWNER).write([op, Op(queries.THREAD_DELETE, {"id": thread_id})])
    assert (exceeded.value.code, exceeded.value.retry_after) == ("concurrent_runs_exceeded", 5.0)
    assert await stage.store.of(OWNER).one(queries.THREAD, id=thread_id) is not None
    await stage.cancel(n)
    await stage.store.of(OWNER).write([op])
