"""What buses keep that connect processes: two buses stand for two processes."""

import asyncio
import importlib.util
import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import asyncpg
import pytest

from projectdavid.adapters.buses import remote
from projectdavid.adapters.buses.nats import NatsBus
from projectdavid.adapters.buses.postgres import PostgresBus
from projectdavid.adapters.buses.remote import RemoteBus, decode_hints, encode_hints
from projectdavid.ports.bus import BusState
from tests.contracts.conftest import BusService
from tests.contracts.test_bus import Committed
from tests.postgres_server import PostgresServer
from tests.timeouts import EVENT_TIMEOUT, PAUSE

pytestmark = pytest.mark.anyio
Buses = tuple[RemoteBus, RemoteBus]


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that announces nothing."""
    async with asyncio.timeout(EVENT_TIMEOUT):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(PAUSE)


def is_connected(bus: RemoteBus) -> bool:
    return bus.state.connected_since is not None


async def assert_hints_pass(one: RemoteBus, two: RemoteBus) -> None:
    """Check both directions."""
    for sender, receiver in ((one, two), (two, one)):
        with receiver.subscribe("passes") as ear:
            sender.publish("passes")
            assert await ear.wait(EVENT_TIMEOUT)


async def test_a_hint_reaches_another_process_without_its_payload(buses: Buses) -> None:
    one, two = buses
    with two.subscribe("topic") as ear, two.subscribe("other") as other:
        one.publish("topic", [Committed("a")])
        assert await ear.wait(EVENT_TIMEOUT)
        assert ear.take() is None
        assert not await other.wait(0)


async def test_the_own_process_hears_its_hint_once_with_its_payload(buses: Buses) -> None:
    one, two = buses
    with one.subscribe("topic") as ear, one.subscribe("answer") as answer, two.subscribe("topic") as other:
        one.publish("topic", [Committed("a")])
        assert await ear.wait(0)
        assert ear.take() == [Committed("a")]
        assert await other.wait(EVENT_TIMEOUT)
        two.publish("answer")
        assert await answer.wait(EVENT_TIMEOUT)  # by then, the own hint has come back
        assert not await ear.wait(0)
        assert ear.take() == []


async def test_more_topics_than_fit_into_a_message_all_arrive(buses: Buses) -> None:
    one, two = buses
    topics = [f"{number}:{'x' * 100}" for number in range(3000)]
    with ExitStack() as stack:
        ears = [stack.enter_context(two.subscribe(topic)) for topic in topics]
        silent = stack.enter_context(two.subscribe("silent"))
        for topic in topics:
            one.publish(topic)
        for ear in ears:
            assert await ear.wait(EVENT_TIMEOUT)
        assert not await silent.wait(0)


async def test_a_topic_that_is_too_long_for_a_message_is_heard_too(buses: Buses) -> None:
    one, two = buses
    with two.subscribe("x" * 100_000) as ear:
        one.publish("x" * 100_000)
        assert await ear.wait(EVENT_TIMEOUT)


async def test_too_many_hints_at_once_become_one_about_everything(buses: Buses) -> None:
    one, two = buses
    topics = [str(number) for number in range(remote.MAX_COLLECTED + 100)]
    with two.subscribe(topics[0]) as first, two.subscribe(topics[-1]) as last:
        for topic in topics:
            one.publish(topic)
        assert await first.wait(EVENT_TIMEOUT)
        assert await last.wait(EVENT_TIMEOUT)


async def test_what_was_published_before_the_end_is_sent(bus_service: BusService, buses: Buses) -> None:
    leaves = bus_service.build()
    await leaves.open()
    with buses[0].subscribe("topic") as ear:
        leaves.publish("topic")
        await leaves.close()
        await leaves.close()
        assert await ear.wait(EVENT_TIMEOUT)
    assert leaves.state.problem is not None


async def test_a_bus_serves_its_own_process_before_it_is_opened(bus_service: BusService) -> None:
    bus = bus_service.build()
    with bus.subscribe("topic") as ear:
        bus.publish("topic", [Committed("a")])
        assert ear.take() == [Committed("a")]
    await bus.close()


async def test_listeners_from_before_the_connection_look_once(bus_service: BusService) -> None:
    bus = bus_service.build()
    with bus.subscribe("topic") as ear:
        await bus.open()
        assert await ear.wait(0)
        assert ear.take() is None
    await bus.close()


async def test_a_bus_that_lost_its_service_says_so_and_comes_back(bus_service: BusService, buses: Buses) -> None:
    one, two = buses
    with one.subscribe("topic") as first, two.subscribe("any") as second:
        bus_service.stop()
        try:
            await until(lambda: one.state.problem and two.state.problem)
            one.publish("topic", [Committed("a")])  # lost for the others, but not here
            assert await first.wait(0)
            assert first.take() == [Committed("a")]
        finally:
            bus_service.start()
        assert await first.wait(EVENT_TIMEOUT)
        assert await second.wait(EVENT_TIMEOUT)
        assert (first.take(), second.take()) == (None, None)
    await until(lambda: is_connected(one) and is_connected(two))
    await assert_hints_pass(one, two)


async def test_a_bus_whose_service_is_down_opens_and_connects_later(bus_service: BusService) -> None:
    one, two = bus_service.build(), bus_service.build()
    bus_service.stop()
    try:
        await one.open()
        await two.open()
        assert not is_connected(one)
        assert one.state.problem
    finally:
        bus_service.start()
    await until(lambda: is_connected(one) and is_connected(two))
    await assert_hints_pass(one, two)
    await one.close()
    await two.close()


async def test_a_bus_is_closed_while_its_service_is_down(bus_service: BusService) -> None:
    bus = bus_service.build()
    await bus.open()
    bus_service.stop()
    try:
        await until(lambda: bus.state.problem)
        bus.publish("topic")
        await bus.close()
    finally:
        bus_service.start()


async def test_a_connection_ended_by_the_server_is_opened_again_and_wakes_everybody(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    one, two = PostgresBus(postgres_url), PostgresBus(postgres_url)
    await one.open()
    await two.open()
    for _ in range(3):
        with one.subscribe("a") as first, one.subscribe("b") as second, two.subscribe("c") as third:
            postgres_server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projectdavid bus'"
            )
            for ear in (first, second, third):
                assert await ear.wait(EVENT_TIMEOUT)
                assert ear.take() is None
        await assert_hints_pass(one, two)
    await one.close()
    await two.close()


async def test_messages_of_other_programs_are_ignored(postgres_url: str) -> None:
    bus = PostgresBus(postgres_url)
    await bus.open()
    other = await asyncpg.connect(postgres_url)
    with bus.subscribe("topic") as ear, bus.subscribe("7") as odd:
        for message in ("", "{", "[]", "7", "{}", '{"from": 7, "topics": ["topic"]}', '{"from": "x", "topics": [7]}'):
            await other.execute("SELECT pg_notify('projectdavid', $1)", message)
        await other.execute("SELECT pg_notify('another', $1)", '{"from": "x", "topics": ["topic"]}')
        await other.execute("SELECT pg_notify('projectdavid', $1)", '{"from": "x", "topics": ["7"], "later": 1}')
        assert await odd.wait(EVENT_TIMEOUT)
        assert not await ear.wait(0)
    await other.close()
    await bus.close()


@pytest.mark.parametrize("topics", [(), ("work",), ('"', "\n", "\0", "é", "\U0001f40c" * 500, "\ud800"), ("x",) * 9000])
def test_messages_stay_below_their_limit_and_are_complete(topics: Sequence[str]) -> None:
    messages = list(encode_hints("sender", topics, 7_900))
    assert all(len(message.encode()) <= 7_900 for message in messages)
    decoded = [decode_hints(message) for message in messages]
    assert all(sender == "sender" for sender, _ in decoded)
    assert [topic for _, named in decoded for topic in named or ()] == list(topics)


def test_a_hint_about_everything_names_no_topic() -> None:
    (message,) = encode_hints("sender", None, 7_900)
    assert decode_hints(message) == ("sender", None)
    assert json.loads(message) == {"from": "sender", "topics": None}


class FrozenConnection:
    """Delivers the first message, and then answers no more, as a connection that was cut does."""

    is_closed = False

    def __init__(self, receive: Callable[[str], None]) -> None:
        self._receive = receive
        self.is_asked = asyncio.Event()

    async def send(self, messages: Sequence[str]) -> None:
        if self.is_asked.is_set():
            return
        if decode_hints(messages[0])[1]:
            self.is_asked.set()
            await asyncio.Event().wait()
        self._receive(messages[0])

    async def close(self) -> None:
        self.is_closed = True


async def test_a_connection_lost_while_hints_are_sent_is_given_up_at_once() -> None:
    opened: list[tuple[FrozenConnection, Callable[[], None]]] = []

    async def connect(receive: Callable[[str], None], lose: Callable[[], None]) -> FrozenConnection:
        opened.append((FrozenConnection(receive), lose))
        return opened[-1][0]

    bus = RemoteBus("a service", connect, 1000)
    await bus.open()
    bus.publish("topic")
    connection, lose = opened[0]
    await connection.is_asked.wait()
    with bus.subscribe("any") as ear:
        lose()
        assert await ear.wait(remote.ANSWER_TIMEOUT / 2)  # connected again
    assert len(opened) == 2
    assert connection.is_closed
    await bus.close()


class DeafConnection:
    """Takes messages, and delivers none, as a proxy does that pools transactions."""

    is_closed = False

    async def send(self, messages: Sequence[str]) -> None:
        pass

    async def close(self) -> None:
        self.is_closed = True


async def test_a_connection_that_delivers_nothing_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "ANSWER_TIMEOUT", 0.01)

    async def connect(*_: object) -> DeafConnection:
        return DeafConnection()

    bus = RemoteBus("a service", connect, 1000)
    await bus.open()
    assert bus.state == BusState(problem=remote.DEAF)
    await bus.close()


@pytest.mark.parametrize(
    "build",
    [
        lambda: PostgresBus("postgresql://david:hunter2@127.0.0.1:1/x"),
        lambda: PostgresBus("postgresql://david:hun#hunter2@127.0.0.1/x"),
        lambda: PostgresBus("hunter2"),
        lambda: NatsBus("nats://david:hunter2@127.0.0.1:1"),
        lambda: NatsBus("nats://david:hun#hunter2@127.0.0.1"),
        lambda: NatsBus("nats://david:4222:hunter2"),
    ],
)
async def test_a_problem_with_an_address_does_not_show_its_password(
    build: Callable[[], RemoteBus], caplog: pytest.LogCaptureFixture
) -> None:
    bus = build()
    await bus.open()
    problem = bus.state.problem
    await bus.close()
    assert problem
    assert "hun" not in problem
    assert problem in caplog.text
    assert "hun" not in caplog.text


@pytest.mark.parametrize(("build", "extra"), [(PostgresBus, "postgres"), (NatsBus, "nats")])
def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, build: Callable[[str], RemoteBus], extra: str
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=rf"pip install '[\w-]+\[{extra}\]'"):
        build("nowhere")
