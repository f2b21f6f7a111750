"""Live readers take what their process committed from memory, and see what the store has, byte for byte."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

import pytest

from projectdavid.adapters.buses.local import MAX_PENDING, LocalBus
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.engine.deltas import FinishDelta, ReasoningDelta, TextDelta, TokenUsage
from projectdavid.engine.inputs import CancelRequested
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.bus import Payload
from projectdavid.ports.store import Op, R, RowQuery
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.runs.journal import JournalPart, committed_part, tail
from projectdavid.runtime.topics import journal_topic
from tests.contracts.rows import tell
from tests.runtime.stage import BOUND, OWNER, Event, Stage, kinds, of_kind, others_go_first

pytestmark = pytest.mark.anyio

WORDS = [f" wörd{number}\u2028" for number in range(20)]

Publish = Callable[[str, Sequence[Payload]], None]


class OddBus(LocalBus):
    """A bus whose words go through `odd` first, which gets the number of each."""

    def __init__(self, odd: Callable[[int, str, Sequence[Payload], Publish], None]) -> None:
        super().__init__()
        self._odd = odd
        self._said = 0

    def publish(self, topic: str, payloads: Sequence[Payload] = ()) -> None:
        self._said += 1
        self._odd(self._said, topic, payloads, super().publish)


def _twice(_: int, topic: str, payloads: Sequence[Payload], publish: Publish) -> None:
    publish(topic, payloads)
    publish(topic, payloads)


def _swapped() -> Callable[[int, str, Sequence[Payload], Publish], None]:
    held: deque[tuple[str, Sequence[Payload]]] = deque()

    def swap(number: int, topic: str, payloads: Sequence[Payload], publish: Publish) -> None:
        if payloads and number % 2:
            held.append((topic, payloads))
            publish(topic, ())
            return
        publish(topic, payloads)
        while held:
            publish(*held.popleft())

    return swap


ODD: dict[str, Callable[[int, str, Sequence[Payload], Publish], None]] = {
    "with all": lambda _, topic, payloads, publish: publish(topic, payloads),
    "without payloads": lambda _, topic, __, publish: publish(topic, ()),
    "some without payloads": lambda number, topic, payloads, publish: publish(topic, payloads if number % 3 else ()),
    "some lost": lambda number, topic, payloads, publish: publish(topic, payloads) if number % 2 else None,
    "twice": _twice,
    "out of order": _swapped(),
}


async def use(stage: Stage, bus: LocalBus) -> None:
    """Let the stage have this bus."""
    stage.bus = bus
    stage.driver = RunDriver(stage.store, bus, stage.clock, stage.ids)


async def events(stage: Stage, n: int, after: int = 0) -> list[Event]:
    """What a reader sees that looks at the store at once when no word comes."""
    seen: list[Event] = []
    async with asyncio.timeout(BOUND), aclosing(tail(stage.store, stage.bus, n, after, 0.001)) as parts:
        async for part in parts:
            seen += [Event(at, told.kind, item) for told in part for at, item in enumerate(told.items, told.position)]
    return seen


def spoken() -> list[Any]:
    return [
        [ReasoningDelta(("Hm", " so"))],
        *([TextDelta((word, "!"))] for word in WORDS),
        [FinishDelta("stop"), TokenUsage(1, 1)],
    ]


class CountingStore(SQLiteStore):
    """Counts reads of journals."""

    reads = 0

    async def all(self, query: RowQuery[R], **params: Any) -> list[R]:
        self.reads += query is queries.JOURNAL_AFTER
        return await super().all(query, **params)


@pytest.mark.parametrize("odd", ODD)
async def test_a_live_reader_sees_what_the_store_has_whatever_becomes_of_words(stage: Stage, odd: str) -> None:
    await use(stage, OddBus(ODD[odd]))
    stage.play(spoken())
    n = await stage.run()
    live = asyncio.create_task(events(stage, n))
    async with stage.working():
        whole = await live
    assert whole == await stage.events(n)
    assert [event.position for event in whole] == list(range(1, len(whole) + 1))
    assert "".join(of_kind(whole, "content")) == "".join(word + "!" for word in WORDS)


async def test_live_readers_go_on_behind_any_event(stage: Stage) -> None:
    gates = [asyncio.Event() for _ in WORDS]
    stage.play([step for gate, word in zip(gates, WORDS, strict=True) for step in ([TextDelta((word, "!"))], gate)])
    n = await stage.run()
    readers = [asyncio.create_task(events(stage, n, after)) for after in range(2 * len(WORDS))]
    async with stage.working():
        for gate in gates:
            await stage.quiet()
            gate.set()
        read = await asyncio.gather(*readers)
    whole = await stage.events(n)
    for after, seen in enumerate(read):
        assert seen == whole[after:]


async def test_many_readers_share_what_one_of_them_encoded(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.play([gate, *([TextDelta((word, "!"))] for word in WORDS)])
    n = await stage.run()

    async def read() -> list[JournalPart]:
        async with asyncio.timeout(BOUND), aclosing(tail(stage.store, stage.bus, n, 0, BOUND)) as parts:
            return [told async for part in parts for told in part if told.kind == "content"]

    readers = [asyncio.create_task(read()) for _ in range(20)]
    async with stage.working():
        await stage.quiet()
        gate.set()
        first, *others = await asyncio.gather(*readers)
    for other in others:
        assert all(one is another for one, another in zip(first, other, strict=True))


async def test_a_live_reader_does_not_read_the_store_for_each_commit(stage: Stage) -> None:
    counting = CountingStore(stage.path)
    await stage.store.close()
    stage.store = counting
    await stage.store.open()
    await use(stage, LocalBus())
    gates = [asyncio.Event() for _ in WORDS]
    stage.play([step for gate, word in zip(gates, WORDS, strict=True) for step in ([TextDelta((word, "!"))], gate)])
    n = await stage.run()
    async with stage.working(), asyncio.timeout(BOUND):
        async for seen in stage.watch(n):
            if seen[-1].kind == "content":
                gates[len(WORDS) - len([gate for gate in gates if not gate.is_set()])].set()
    assert counting.reads < len(WORDS)


async def test_what_another_process_writes_between_is_not_left_out(stage: Stage) -> None:
    n = await stage.run(status=RunStatus.PENDING)
    elsewhere = RunDriver(stage.store, LocalBus(), stage.clock, stage.ids)
    readers = [asyncio.create_task(events(stage, n, after)) for after in range(len(WORDS))]
    for position, word in enumerate(WORDS, 2):
        await stage.store.write([tell(n, word)])
        if position % 3:  # else the word is of another process, and not heard here
            stage.bus.publish(journal_topic(n), [committed_part(position, 1, "content", f'["{word}"]', 1000)])
        await others_go_first()
    await elsewhere.decide(n, CancelRequested(stage.clock()))
    whole = await stage.events(n)
    assert of_kind(whole, "content") == WORDS
    for after, seen in enumerate(await asyncio.gather(*readers)):
        assert seen == whole[after:]


async def test_a_reader_that_falls_behind_reads_on_in_the_store(stage: Stage) -> None:
    bus = LocalBus()
    await use(stage, bus)
    large = ["x" * (MAX_PENDING // 8) + str(number) for number in range(10)]
    gate = asyncio.Event()
    stage.play([[TextDelta(("first",))], gate, *([TextDelta((text,))] for text in large)])
    n = await stage.run()
    async with asyncio.timeout(BOUND), aclosing(stage.watch(n)) as slow:
        async with stage.working():
            seen: list[Event] = []
            while not of_kind(seen, "content"):
                seen += await anext(slow)
            gate.set()
            await stage.until(n, "completed")
            assert bus.pending <= MAX_PENDING
        async for part in slow:
            seen += part
    assert seen == await stage.events(n)
    assert of_kind(seen, "content") == ["first", *large]
    assert bus.pending == 0


async def test_readers_that_leave_keep_nothing_in_memory(stage: Stage) -> None:
    bus = LocalBus()
    await use(stage, bus)
    gate = asyncio.Event()
    stage.play([[TextDelta(("first",))], gate, *([TextDelta((word,))] for word in WORDS), asyncio.Event()])
    n = await stage.run()
    async with asyncio.timeout(BOUND), stage.working():
        await stage.until(n, "content")
        readers = [stage.watch(n) for _ in range(5)]
        for reader in readers:
            await anext(reader)
        gate.set()
        async with aclosing(stage.watch(n)) as reading:
            async for part in reading:
                if of_kind(part, "content")[-1:] == WORDS[-1:]:
                    break
        assert bus.pending > 0
        for reader in readers:
            await reader.aclose()
        assert bus.pending == 0


async def test_a_run_that_is_deleted_while_it_is_read_lets_its_reader_go(stage: Stage) -> None:
    bus = LocalBus()
    await use(stage, bus)
    gate = asyncio.Event()
    stage.play([[TextDelta(("first",))], gate, *([TextDelta((word,))] for word in WORDS), asyncio.Event()])
    n = await stage.run()
    worker = stage.worker()
    async with asyncio.timeout(BOUND), stage.working(worker):
        await stage.until(n, "content")
        live = asyncio.create_task(events(stage, n))
        await stage.store.of(OWNER).write([Op(queries.THREAD_DELETE, {"id": (await stage.row(n)).thread_id})])
        stage.bus.publish(journal_topic(n))
        gate.set()
        assert "completed" not in kinds(await live)
        assert bus.pending == 0
