"""Webhooks are sent at least once, in order per run, until each has arrived."""

import asyncio
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import msgspec
import pytest

from projectdavid.egress import TargetUnreachable
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.rows import DeliveryRow
from projectdavid.ports.store import Op, StoreUnavailable
from projectdavid.runtime.delivery.outbox import DeliveryLimits
from tests.contracts.rows import user
from tests.runtime.receiver import OTHER_SECRET, SECRET, Got, Receiver, reply
from tests.runtime.stage import BOUND, OWNER, START, Stage, calls

pytestmark = pytest.mark.anyio

URL = "https://hooks.example/in"
DAY = 24 * 3600.0


@pytest.fixture
async def hooked(stage: Stage) -> Stage:
    """A stage whose assistant has a webhook that wants to hear of the end, too."""
    await stage.webhook(URL, SECRET, "run.completed", "run.cancelled")
    return stage


async def ended(stage: Stage, *, owner: str = OWNER, **of: Any) -> int:
    """A run that is over, and promised to tell so."""
    n = await stage.run(owner=owner, status=RunStatus.PENDING, **of)
    await stage.cancel(n)
    return n


async def settled(stage: Stage, count: int = 1) -> list[DeliveryRow]:
    """All deliveries, once so many attempts have come to something."""
    async with asyncio.timeout(BOUND):
        while sum(len(lines(row)) for row in await stage.deliveries()) < count:
            await stage.quiet()
    return await stage.deliveries()


def lines(row: DeliveryRow) -> list[Any]:
    return msgspec.json.decode(row.log)


async def redeliver(stage: Stage, delivery_id: str) -> None:
    await stage.store.of(OWNER).write([Op(queries.DELIVERY_REDELIVER, {"id": delivery_id, "now": stage.clock()})])
    stage.bus.publish("outbox")


async def test_what_was_promised_is_sent_once_and_signed(hooked: Stage) -> None:
    receiver = Receiver()
    n = await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        (got,) = await receiver.until(1)
        (row,) = await settled(hooked)
        hooked.clock.skip(DAY)
        await hooked.quiet()
    assert len(receiver.got) == 1
    run = await hooked.row(n)
    assert (got.url, got.body, got.headers["webhook-id"]) == (URL, row.body.encode(), row.id)
    assert (got.event["type"], got.event["id"], got.event["data"]["run_id"]) == ("run.cancelled", row.id, run.id)
    assert got.headers["webhook-timestamp"] == str(int(START))
    assert (got.signed_by(SECRET), got.signed_by(OTHER_SECRET)) == (True, False)
    assert (row.status, row.ended_at, row.sending, row.attempts) == ("delivered", int(START), 0, 1)
    assert lines(row) == [{"at": int(START), "status": 200, "error": None, "duration_ms": 0, "note": None}]


async def test_what_is_promised_while_the_outbox_is_at_work_is_sent_without_waiting(hooked: Stage) -> None:
    receiver = Receiver()
    async with hooked.working(hooked.outbox(receiver, look=10**6)):
        await hooked.quiet()
        await ended(hooked)
        await receiver.until(1)


async def test_a_failed_attempt_is_repeated_after_pauses_that_double(hooked: Stage) -> None:
    receiver = Receiver([reply(500), TargetUnreachable("https://hooks.example", "refused"), reply(302), reply()])
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        await receiver.until(1)
        for attempt, pause in enumerate((5, 10, 20), 1):
            await settled(hooked, attempt)
            hooked.clock.skip(pause - 0.5)
            await hooked.quiet()
            assert len(receiver.got) == attempt
            hooked.clock.skip(0.5)
            await receiver.until(attempt + 1)
        (row,) = await settled(hooked, 4)
    assert row.status == "delivered"
    assert [line["error"] for line in lines(row)] == [
        "The receiver responded with status 500.",
        "https://hooks.example cannot be reached: refused.",
        "The receiver responded with status 302.",
        None,
    ]
    assert len({(got.headers["webhook-id"], got.body) for got in receiver.got}) == 1
    assert len({got.headers["webhook-timestamp"] for got in receiver.got}) == 4


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 2.5), (0.5, 3.75), (1.0, 5.0)])
async def test_a_pause_is_shorter_by_chance(hooked: Stage, chance: float, pause: float) -> None:
    await ended(hooked)
    async with hooked.working(hooked.outbox(Receiver([reply(500)]), chance=chance)):
        (row,) = await settled(hooked)
    assert row.next_at == START + pause


async def test_after_a_day_it_is_given_up_and_the_next_of_the_run_gets_its_turn(hooked: Stage) -> None:
    hooked.play(calls(("add", "{}")))
    n = await hooked.run(functions=["add"], seconds=10 * DAY)
    async with hooked.working():
        await hooked.until(n, "requires_action")
    await hooked.cancel(n)
    receiver = Receiver([reply(500)])
    async with hooked.working(hooked.outbox(receiver)):
        while hooked.clock() < START + DAY:
            first, second = await hooked.deliveries()
            assert (first.status, second.attempts) == ("pending", 0)
            hooked.clock.skip(1800)
            await hooked.quiet()
        await hooked.quiet()
    first, second = await hooked.deliveries()
    assert (first.status, second.status) == ("failed", "failed")
    assert (second.attempts, len(lines(second))) == (1, 1)
    assert 24 < first.attempts < 50
    assert len(lines(first)) == first.attempts


async def test_a_log_keeps_the_latest_fifty_attempts(hooked: Stage) -> None:
    await ended(hooked)
    receiver = Receiver([reply(500)])
    async with hooked.working(hooked.outbox(receiver, longest=5)):
        for attempt in range(1, 61):
            await receiver.until(attempt)
            await hooked.quiet()
            hooked.clock.skip(5)
    (row,) = await hooked.deliveries()
    assert (row.attempts, len(lines(row)), lines(row)[-1]["at"]) == (60, 50, int(START) + 59 * 5)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (format_datetime(datetime.fromtimestamp(START + 90, UTC), usegmt=True), 90),
        ("1", 5),
        ("soon", 5),
        (format_datetime(datetime.fromtimestamp(START - 90, UTC), usegmt=True), 5),
    ],
)
async def test_nothing_is_sent_before_the_time_that_the_receiver_asks_for(
    hooked: Stage, said: str, seconds: float
) -> None:
    await ended(hooked)
    async with hooked.working(hooked.outbox(Receiver([reply(503, retry_after=said)]))):
        (row,) = await settled(hooked)
    assert (row.status, row.next_at) == ("pending", START + seconds)


async def test_410_stops_all_that_waits_until_the_url_is_set_again(hooked: Stage) -> None:
    receiver = Receiver([reply(410), reply()])
    first, second = await ended(hooked), await ended(hooked)
    async with hooked.working(hooked.outbox(receiver, DeliveryLimits(assistant=1))):
        await settled(hooked, 2)
        rows = await hooked.deliveries()
        assert [(row.status, row.attempts) for row in rows] == [("failed", 1), ("failed", 0)]
        assert all("410" in lines(row)[-1]["error"] for row in rows)
        assistant = msgspec.json.decode((await hooked.store.of(OWNER).one(queries.ASSISTANT, id="asst_1")).body)
        assert assistant["webhook_disabled_at"] == int(START)
        await ended(hooked)
        assert len(await hooked.deliveries()) == 2
        await redeliver(hooked, rows[0].id)
        assert (await settled(hooked, 3))[0].status == "failed"
        await hooked.webhook("https://other.example/", SECRET, "run.cancelled")
        await redeliver(hooked, rows[0].id)
        await receiver.until(2)
    assert [got.url for got in receiver.got] == [URL, "https://other.example/"]
    assert first != second


async def test_410_from_an_url_that_was_changed_meanwhile_stops_nothing(hooked: Stage) -> None:
    class Moved(Receiver):
        async def post(self, url: str, body: bytes, headers: Any) -> Any:
            if not self.got:
                await hooked.webhook("https://other.example/", SECRET, "run.cancelled")
                self.got.append(Got(url, body, headers))
                return reply(410)
            return await super().post(url, body, headers)

    receiver = Moved()
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        (row,) = await settled(hooked)
        assert (row.status, lines(row)[0]["status"]) == ("pending", 410)
        hooked.clock.skip(5)
        await receiver.until(2)
    assert receiver.got[1].url == "https://other.example/"


async def test_events_of_a_run_are_sent_one_after_the_other_those_of_another_are_not_held_up(hooked: Stage) -> None:
    held = asyncio.Event()
    receiver = Receiver([held, reply()])
    hooked.play(calls(("add", "{}")))
    n = await hooked.run(functions=["add"])
    async with hooked.working():
        await hooked.until(n, "requires_action")
    await hooked.cancel(n)
    async with hooked.working(hooked.outbox(receiver)):
        await receiver.until(1)
        await ended(hooked)
        await receiver.until(2)
        await hooked.quiet()
        assert len(receiver.got) == 2
        held.set()
        await receiver.until(3)
    types = [(got.event["type"], got.event["data"]["run_id"]) for got in receiver.got]
    ours = (await hooked.row(n)).id
    assert [kind for kind, run_id in types if run_id == ours] == ["run.action_required", "run.cancelled"]


async def test_a_slow_receiver_takes_its_own_room_and_holds_up_nobody_else(hooked: Stage) -> None:
    await hooked.store.write([user("user_bob")])
    await hooked.webhook(URL, SECRET, "run.cancelled", assistant_id="asst_slow")
    await hooked.webhook(URL, SECRET, "run.cancelled", assistant_id="asst_bob", owner="user_bob")
    slow, quick = Receiver([asyncio.Event()]), Receiver()

    class Both:
        async def post(self, url: str, body: bytes, headers: Any) -> Any:
            event = msgspec.json.decode(body)
            return await (slow if event["data"]["assistant_id"] == "asst_slow" else quick).post(url, body, headers)

    for _ in range(40):
        await ended(hooked, assistant_id="asst_slow")
    await ended(hooked)
    await ended(hooked, assistant_id="asst_bob", owner="user_bob")
    async with hooked.working(hooked.outbox(Both(), DeliveryLimits(assistant=3, owner=6, all=16))):
        await slow.until(3)
        await quick.until(2)
        await hooked.quiet()
        assert slow.at_once == 3
    assert len(slow.got) == 3


async def test_an_owner_with_many_slow_receivers_leaves_room_for_others(hooked: Stage) -> None:
    await hooked.store.write([user("user_bob")])
    await hooked.webhook(URL, SECRET, "run.cancelled", assistant_id="asst_bob", owner="user_bob")
    receiver = Receiver([asyncio.Event()])
    for number in range(5):
        await hooked.webhook(URL, SECRET, "run.cancelled", assistant_id=f"asst_{number}")
        await ended(hooked, assistant_id=f"asst_{number}")
    await ended(hooked, assistant_id="asst_bob", owner="user_bob")
    async with hooked.working(hooked.outbox(receiver, DeliveryLimits(assistant=3, owner=4, all=10))):
        await receiver.until(5)
        await hooked.quiet()
    assert [got.event["data"]["assistant_id"] for got in receiver.got][-1] == "asst_bob"
    assert len(receiver.got) == 5


async def test_when_it_is_crowded_each_gets_less_so_that_there_is_room_for_who_comes(hooked: Stage) -> None:
    receiver = Receiver([asyncio.Event()])
    for number in range(6):
        await hooked.store.write([user(f"user_{number}")])
        who = {"assistant_id": f"asst_{number}_", "owner": f"user_{number}"}
        await hooked.webhook(URL, SECRET, "run.cancelled", **who)
        for _ in range(4):
            await ended(hooked, **who)
    async with hooked.working(hooked.outbox(receiver, DeliveryLimits(assistant=4, owner=4, all=16))):
        await receiver.until(12)
        await hooked.quiet()
    at_once = Counter(got.event["data"]["assistant_id"] for got in receiver.got)
    assert sorted(at_once.values()) == [1, 1, 1, 1, 4, 4]


async def test_an_outcome_outlasts_a_store_that_is_not_there(hooked: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = Receiver()
    await ended(hooked)
    write = hooked.store.write
    refused: list[str] = []

    async def without_room(ops: Any) -> Any:
        if ops and ops[0].query is queries.DELIVERY_SETTLE and len(refused) < 3:
            refused.append(ops[0].query.name)
            raise StoreUnavailable("the disk is full")
        return await write(ops)

    monkeypatch.setattr(hooked.store, "write", without_room)
    async with hooked.working(hooked.outbox(receiver)):
        await receiver.until(1)
        for attempt in range(1, 4):
            await hooked.quiet()
            assert len(refused) == attempt
            hooked.clock.skip(1)
        (row,) = await settled(hooked)
    assert (row.status, row.attempts, len(receiver.got)) == ("delivered", 1, 1)


async def test_an_assistant_without_a_secret_is_sent_nothing_until_it_has_one(hooked: Stage) -> None:
    receiver = Receiver()
    await hooked.store.of(OWNER).write([Op(queries.WEBHOOK_SECRETS_RETIRE, {"assistant_id": "asst_1", "until": 0})])
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        (row,) = await settled(hooked)
        assert (row.status, receiver.got) == ("pending", [])
        assert "rotate" in lines(row)[0]["error"]
        await hooked.webhook(URL, SECRET)
        hooked.clock.skip(5)
        await receiver.until(1)


async def test_what_has_ended_is_kept_for_its_time_and_then_thrown_away(hooked: Stage) -> None:
    receiver = Receiver()
    await hooked.store.of(OWNER).write([Op(queries.WEBHOOK_SECRETS_RETIRE, {"assistant_id": "asst_1", "until": 0})])
    await hooked.webhook(URL, OTHER_SECRET, "run.cancelled")
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        await settled(hooked)
    sweeper = hooked.sweeper(keep_deliveries=100)
    for seconds, left in ((99, 1), (1, 0)):
        hooked.clock.skip(seconds)
        await sweeper.prune()
        assert len(await hooked.deliveries()) == left
    await ended(hooked)
    hooked.clock.skip(1000)
    await sweeper.prune()
    assert len(await hooked.deliveries()) == 1
    target = await hooked.store.one(queries.DELIVERY_TARGET, assistant_id="asst_1", of=OWNER, now=0)
    assert msgspec.json.decode(target.secrets) == [OTHER_SECRET]


async def test_what_was_being_sent_when_the_process_died_is_sent_again_by_the_next(hooked: Stage) -> None:
    receiver = Receiver([asyncio.Event(), reply()])
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        await receiver.until(1)
    second = hooked.outbox(receiver)
    async with hooked.working(second):
        await hooked.quiet()
        assert len(receiver.got) == 1
        await second.recover()
        hooked.bus.publish("outbox")
        await receiver.until(2)
        (row,) = await settled(hooked)
    assert (row.status, row.attempts) == ("delivered", 2)


async def test_a_claim_runs_out_by_itself_and_whoever_comes_late_changes_nothing(hooked: Stage) -> None:
    held = asyncio.Event()
    slow, quick = Receiver([held]), Receiver()
    await ended(hooked)
    async with hooked.working(hooked.outbox(slow)):
        await slow.until(1)
        async with hooked.working(hooked.outbox(quick)):
            hooked.clock.skip(60)
            await quick.until(1)
            (before,) = await settled(hooked)
        held.set()
        await hooked.quiet()
    (row,) = await hooked.deliveries()
    assert row == before


async def test_two_outboxes_on_one_store_send_nothing_twice(hooked: Stage) -> None:
    receiver = Receiver()
    for _ in range(20):
        await ended(hooked)
    async with hooked.working(hooked.outbox(receiver), hooked.outbox(receiver)):
        await settled(hooked, 20)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == len(receiver.got) == 20


async def test_redelivery_sends_the_same_event_at_once_however_it_ended(hooked: Stage) -> None:
    receiver = Receiver()
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        (row,) = await settled(hooked)
        hooked.clock.skip(3 * DAY)
        await redeliver(hooked, row.id)
        (again,) = await settled(hooked, 2)
    first, second = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (second.body, second.headers["webhook-id"])
    assert (again.status, again.attempts, len(lines(again))) == ("delivered", 2, 2)


async def test_redelivery_of_what_is_being_sent_sends_it_again_after_that(hooked: Stage) -> None:
    held = asyncio.Event()
    receiver = Receiver([held, reply()])
    await ended(hooked)
    async with hooked.working(hooked.outbox(receiver)):
        await receiver.until(1)
        (row,) = await hooked.deliveries()
        await redeliver(hooked, row.id)
        await hooked.quiet()
        assert len(receiver.got) == 1
        held.set()
        await receiver.until(2)
        (row,) = await settled(hooked, 2)
    assert (row.status, row.attempts) == ("delivered", 2)


async def test_the_secrets_of_an_overlap_both_sign_and_the_old_one_ends(hooked: Stage) -> None:
    receiver = Receiver()
    ann = hooked.store.of(OWNER)
    assistant: dict[str, Any] = {"assistant_id": "asst_1"}
    await ann.write(
        [
            Op(queries.WEBHOOK_SECRETS_RETIRE, {**assistant, "until": int(START) + 100}),
            Op(queries.WEBHOOK_SECRET_INSERT, {**assistant, "secret": OTHER_SECRET, "now": int(START)}),
        ]
    )
    async with hooked.working(hooked.outbox(receiver)):
        await ended(hooked)
        await receiver.until(1)
        hooked.clock.skip(100)
        await ended(hooked)
        await receiver.until(2)
    assert [(got.signed_by(SECRET), got.signed_by(OTHER_SECRET)) for got in receiver.got] == [
        (True, True),
        (False, True),
    ]
    assert len(receiver.got[1].headers["webhook-signature"].split(" ")) == 1


async def test_an_assistant_that_is_gone_is_told_in_the_log(hooked: Stage) -> None:
    receiver = Receiver()
    await ended(hooked)
    await hooked.store.of(OWNER).write([Op(queries.ASSISTANT_DELETE, {"id": "asst_1"})])
    async with hooked.working(hooked.outbox(receiver)):
        (row,) = await settled(hooked)
    assert (row.status, lines(row)[0]["error"], receiver.got) == ("failed", "The assistant was deleted.", [])
