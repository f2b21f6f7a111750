"""Too many sessions at once: bounded, queued, told; and nobody takes all."""

import asyncio

import pytest

from projectdavid.ports.tool import ToolError
from tests.runtime.stage import others_go_first
from tests.tools.conversation import BOUND, Conversation
from tests.tools.test_sessions import Place
from tests.tools.toys import ToySandbox

pytestmark = pytest.mark.anyio


def threads(count: int, owner: str = "user_ann") -> list[Conversation]:
    return [Conversation(f"{owner}_{number}", owner) for number in range(count)]


class Calls:
    """Calls that hold their session until they may end, and the order in which they got one."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.order: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def begin(self, *conversations: Conversation) -> None:
        for conversation in conversations:
            name = conversation.thread_id
            self.gates[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._call(conversation))
        await others_go_first()

    async def _call(self, conversation: Conversation) -> None:
        async with self.place.hold(conversation):
            self.order.append(conversation.thread_id)
            await self.gates[conversation.thread_id].wait()

    async def end(self, *names: str) -> None:
        for name in names:
            self.gates[name].set()
            async with asyncio.timeout(BOUND):
                await self.tasks[name]
        await others_go_first()

    async def end_all(self) -> None:
        for gate in self.gates.values():
            gate.set()
        async with asyncio.timeout(BOUND):
            await asyncio.gather(*self.tasks.values())


async def test_who_comes_when_all_are_in_use_waits_in_order_and_is_told() -> None:
    calls = Calls(Place(sessions=2, keep=0.0))
    all_of_them = threads(4)
    await calls.begin(*all_of_them)
    assert calls.order == ["user_ann_0", "user_ann_1"]
    assert [one.states() for one in all_of_them] == [["started"], ["started"], ["waiting"], ["waiting"]]
    await calls.end("user_ann_1")
    assert calls.order == ["user_ann_0", "user_ann_1", "user_ann_2"]
    await calls.end("user_ann_0")
    assert calls.order[3] == "user_ann_3"
    await calls.end_all()
    assert all_of_them[3].states() == ["waiting", "started"]
    assert calls.place.sandbox.peak == 2


async def test_the_idle_session_that_was_not_used_for_the_longest_time_makes_room() -> None:
    place = Place(sessions=3, keep=10.0)
    first, second, third, fourth = threads(4)
    for one in (first, second, third, first):
        await place.use(one)
        place.clock.now += 10
    await place.use(fourth)
    await others_go_first()
    assert [session.closed.is_set() for session in place.sandbox.opened] == [False, True, False, False]
    held = await place.use(second)
    assert "to make room for another one" in held.note


async def test_a_session_that_was_just_used_is_not_ended_to_make_room() -> None:
    place = Place(sessions=1, keep=15.0)
    calls = Calls(place)
    busy, waits = threads(2)
    await place.use(busy)
    await calls.begin(waits)
    place.clock.now += 14
    place.sessions.reap()
    await others_go_first()
    assert calls.order == []
    assert not (await place.use(busy)).new
    place.clock.now += 15
    place.sessions.reap()
    await others_go_first()
    assert calls.order == [waits.thread_id]
    await calls.end_all()


async def test_one_owner_does_not_take_all_and_holds_up_nobody() -> None:
    place = Place(sessions=3, owner=2, keep=0.0)
    calls = Calls(place)
    await calls.begin(*threads(4, "user_ann"))
    (bob,) = threads(1, "user_bob")
    await calls.begin(bob)
    assert calls.order == ["user_ann_0", "user_ann_1", "user_bob_0"]
    await calls.end("user_bob_0")
    assert calls.order[3:] == [], "the place that is free is not for the owner who has enough"
    await calls.end("user_ann_0")
    assert calls.order[3:] == ["user_ann_2"]
    await calls.end_all()


async def test_an_owner_who_has_enough_gives_up_an_idle_session_of_their_own() -> None:
    place = Place(sessions=10, owner=2, keep=0.0)
    (bob,) = threads(1, "user_bob")
    await place.use(bob)
    for one in threads(3):
        place.clock.now += 1
        await place.use(one)
    await others_go_first()
    assert [session.closed.is_set() for session in place.sandbox.opened] == [False, True, False, False]


async def test_who_waited_long_enough_is_told_that_the_server_is_busy() -> None:
    place = Place(sessions=1, patience=0.01)
    calls = Calls(place)
    first, second = threads(2)
    await calls.begin(first)
    with pytest.raises(ToolError, match="all sandbox sessions of this server are in use; try again"):
        await place.use(second)
    await calls.end_all()
    place.clock.now += 100
    assert (await place.use(second)).new, "no seat was lost"


async def test_who_waited_long_enough_for_a_sandbox_that_starts_is_told_so() -> None:
    place = Place(sessions=1, patience=0.01)
    place.sandbox.most, place.sandbox.report = 0, None
    (first,) = threads(1)
    with pytest.raises(ToolError, match="the sandbox of this server is still starting; try again"):
        await place.use(first)


async def test_who_stops_waiting_leaves_the_queue() -> None:
    calls = Calls(Place(sessions=1, keep=0.0))
    await calls.begin(*threads(3))
    calls.tasks["user_ann_1"].cancel()
    await others_go_first()
    await calls.end("user_ann_0")
    assert calls.order == ["user_ann_0", "user_ann_2"]
    await calls.end("user_ann_2")


async def test_who_stops_waiting_in_the_moment_of_being_let_in_loses_no_seat() -> None:
    calls = Calls(Place(sessions=1, keep=0.0))
    first, second, third = threads(3)
    async with calls.place.hold(first):
        await calls.begin(second, third)
    calls.tasks[second.thread_id].cancel()
    await others_go_first()
    assert calls.order == [third.thread_id]
    await calls.end(third.thread_id)


async def test_a_thousand_at_once_are_bounded_and_all_served() -> None:
    place = Place(sessions=20, owner=20, waiting=1000, keep=0.0)
    all_of_them = threads(1000)
    async with asyncio.timeout(BOUND):
        held = await asyncio.gather(*map(place.use, all_of_them))
    assert all(one.new for one in held)
    assert place.sandbox.peak == 20
    assert sum("waiting" in one.states() for one in all_of_them) > 900
    assert place.sessions.live == 20


async def test_more_than_may_wait_are_turned_away_at_once() -> None:
    calls = Calls(Place(sessions=1, waiting=2))
    await calls.begin(*threads(4))
    with pytest.raises(ToolError, match="in use"):
        await calls.tasks["user_ann_3"]
    del calls.tasks["user_ann_3"]
    calls.place.clock.now += 100
    for name in list(calls.tasks):
        calls.gates[name].set()
        await others_go_first()
        calls.place.clock.now += 100
        calls.place.sessions.reap()
    await calls.end_all()


async def test_a_sandbox_that_is_full_is_asked_again_when_an_idle_session_has_made_room() -> None:
    place = Place(ToySandbox(most=2), keep=0.0)
    first, second, third = threads(3)
    await place.use(first)
    await place.use(second)
    held = await place.use(third)
    assert held.new
    assert place.sandbox.opened[0].closed.is_set()
    assert third.states() == ["waiting", "started"]
    assert place.sandbox.peak == 2


async def test_a_sandbox_that_stays_full_is_not_waited_for_for_ever() -> None:
    place = Place(ToySandbox(most=0), patience=0.01)
    with pytest.raises(ToolError, match="in use"):
        await place.use(threads(1)[0])
    assert place.sandbox.asked == 1
