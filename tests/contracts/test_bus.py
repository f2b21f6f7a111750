"""What every bus keeps."""

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
from anyio.lowlevel import checkpoint

from projectdavid.ports.bus import Bus
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Committed:
    """Something to publish."""

    name: str
    size: int = 1


async def test_a_word_said_before_the_wait_is_not_lost(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        bus.publish("topic")
        assert await ear.wait(0)


async def test_words_are_heard_once_however_many_were_said(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        bus.publish("topic")
        bus.publish("topic")
        assert await ear.wait(0)
        assert not await ear.wait(0)


async def test_a_wait_that_hears_nothing_says_so(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        assert await ear.wait(0.001) is False


async def test_a_word_ends_a_wait_that_has_begun(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        async with asyncio.timeout(EVENT_TIMEOUT):
            waiting = asyncio.create_task(ear.wait(1000))
            await checkpoint()  # by then the wait has begun
            bus.publish("topic")
            assert await waiting


async def test_everybody_who_listens_hears(bus: Bus) -> None:
    with bus.subscribe("topic") as one, bus.subscribe("topic") as two:
        bus.publish("topic")
        assert await one.wait(0)
        assert await two.wait(0)


async def test_a_word_is_heard_only_under_its_topic(bus: Bus) -> None:
    with bus.subscribe("one") as one, bus.subscribe("two") as two:
        bus.publish("two")
        assert not await one.wait(0)
        assert await two.wait(0)


async def test_a_word_said_after_a_wait_in_vain_is_heard_by_the_next(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        assert not await ear.wait(0)
        bus.publish("topic")
        assert await ear.wait(0)


async def test_a_wait_that_is_cancelled_leaves_the_word_to_the_next(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        waiting = asyncio.create_task(ear.wait(1000))
        await checkpoint()
        waiting.cancel()
        await asyncio.wait([waiting])
        bus.publish("topic")
        assert await ear.wait(0)


async def test_who_came_late_hears_nothing_of_before(bus: Bus) -> None:
    with bus.subscribe("topic"):
        bus.publish("topic")
    with bus.subscribe("topic") as ear:
        assert not await ear.wait(0)


async def test_a_listener_that_left_is_not_missed_by_the_others(bus: Bus) -> None:
    with bus.subscribe("topic") as stays:
        with bus.subscribe("topic"):
            pass
        bus.publish("topic")
        assert await stays.wait(0)


async def test_saying_something_to_nobody_is_fine(bus: Bus) -> None:
    bus.publish("topic")
    with bus.subscribe("topic"):
        pass
    bus.publish("topic")


async def test_a_listener_that_fails_stops_listening(bus: Bus) -> None:
    with pytest.raises(KeyError), bus.subscribe("topic"):
        raise KeyError
    with bus.subscribe("topic") as ear:
        bus.publish("topic")
        assert await ear.wait(0)


async def test_payloads_are_taken_in_order_and_once(bus: Bus) -> None:
    a, b, c = Committed("a"), Committed("b"), Committed("c")
    with bus.subscribe("topic") as one, bus.subscribe("topic") as two:
        bus.publish("topic", [a, b])
        bus.publish("topic", [c])
        assert await one.wait(0)
        assert one.take() == [a, b, c]
        assert one.take() == []
        bus.publish("topic", [a])
        assert two.take() == [a, b, c, a]


async def test_a_word_without_payload_asks_to_read_the_store(bus: Bus) -> None:
    with bus.subscribe("topic") as ear:
        bus.publish("topic", [Committed("a")])
        bus.publish("topic")
        bus.publish("topic", [Committed("b")])
        assert await ear.wait(0)
        assert ear.take() is None
        bus.publish("topic", [Committed("c")])
        assert ear.take() == [Committed("c")]


@pytest.mark.parametrize("sizes", [(2**40,), (2**10,) * 2**12], ids=["one", "many"])
async def test_payloads_too_large_to_keep_are_read_in_the_store(bus: Bus, sizes: tuple[int, ...]) -> None:
    with bus.subscribe("topic") as ear:
        for size in sizes:
            bus.publish("topic", [Committed("a", size)])
        assert await ear.wait(0)
        assert ear.take() is None
        bus.publish("topic", [Committed("b")])
        assert ear.take() == [Committed("b")]


async def test_payloads_of_all_listeners_together_are_bounded(bus: Bus) -> None:
    with ExitStack() as stack:
        ears = [stack.enter_context(bus.subscribe(f"topic {number}")) for number in range(2**10)]
        for number in range(2**10):
            bus.publish(f"topic {number}", [Committed("a", 2**16)])
        kept = sum(ear.take() is not None for ear in ears)
        assert 0 < kept < 2**10
    with bus.subscribe("topic") as ear:
        bus.publish("topic", [Committed("a", 2**16)])
        assert ear.take() is not None
