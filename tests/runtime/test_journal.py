"""Journals: every reader sees the same events at the same positions, whenever it reads."""

import asyncio
from contextlib import aclosing

import pytest

from projectdavid.adapters.providers.scripted import ScriptedProvider, say
from projectdavid.engine.deltas import FinishDelta, ReasoningDelta, TextDelta, TokenUsage
from projectdavid.engine.run import RunStatus
from projectdavid.ports import queries
from projectdavid.ports.store import Op
from projectdavid.runtime.runs.journal import events_before, tail
from projectdavid.runtime.topics import journal_topic
from tests.contracts.rows import sweep, tell
from tests.runtime.moments import MomentaryStore, Moments, When
from tests.runtime.stage import BOUND, OWNER, Event, Stage, calls, kinds, of_kind

pytestmark = pytest.mark.anyio

WORDS = [f" word{number}" for number in range(30)]


async def one_by_one(stage: Stage) -> tuple[int, list[Event]]:
    """A run whose every piece is read live, before the next one is said; its number, and what was read."""
    gates = [asyncio.Event() for _ in WORDS]
    steps = [step for gate, word in zip(gates, WORDS, strict=True) for step in ([TextDelta((word, "!"))], gate)]
    reasoning = [[ReasoningDelta(("Hm", "."))], [ReasoningDelta((" So",))]]
    stage.play([*reasoning, *steps, *calls(("add", '{"a": "é𝄞"}'))], say("Done."))
    n = await stage.run(functions=["add"])
    seen: list[Event] = []
    async with stage.working(), asyncio.timeout(BOUND):
        async for events in stage.watch(n):
            seen += events
            for gate in gates[: len(of_kind(seen, "content")) // 2]:
                gate.set()
            for event in events:
                if event.kind == "tool_call_manifest":
                    await stage.answer(n, (event.data["tool_call_id"], "3"))
    return n, seen


async def test_what_is_stored_closer_together_reads_the_same_byte_for_byte(stage: Stage) -> None:
    n, live = await one_by_one(stage)
    rows = await stage.store.all(queries.JOURNAL_AFTER, run=n, after=0, limit=1000)
    assert max(row.entries for row in rows) >= 2 * len(WORDS), "nothing was stored closer together"
    assert await stage.events(n) == live
    assert [event.position for event in live] == list(range(1, len(live) + 1))


async def test_a_reader_can_go_on_behind_any_event(stage: Stage) -> None:
    n, live = await one_by_one(stage)
    for after in range(len(live) + 1):
        assert await stage.events(n, after=after) == live[after:]


async def test_what_was_told_before_a_place_is_all_up_to_it_and_nothing_behind(stage: Stage) -> None:
    n, live = await one_by_one(stage)

    async def told(position: int | None) -> list[tuple[int, str, bytes]]:
        return [
            (place, part.kind, item)
            async for part in events_before(stage.store, n, position)
            for place, item in enumerate(part.items, part.position)
        ]

    whole = [(event.position, event.kind, event.raw) for event in live]
    assert await told(None) == whole
    for position in range(len(live) + 2):
        assert await told(position) == whole[:position]


async def test_a_reader_behind_the_end_is_told_nothing_and_not_kept(stage: Stage) -> None:
    n = await stage.run()
    async with stage.working():
        events = await stage.events(n)
    assert await stage.events(n, after=len(events)) == []
    assert await stage.events(n, after=len(events) + 100) == []


async def test_an_end_that_comes_while_a_reader_looks_is_not_missed(stage: Stage) -> None:
    n = await stage.run()

    async def cancel() -> None:
        await stage.cancel(n)

    store = MomentaryStore(stage.store, Moments(0, cancel, frozenset({When.AFTER_STORE})))
    async with asyncio.timeout(BOUND), aclosing(tail(store, stage.bus, n, 1, 5.0)) as parts:
        assert [told.status() async for part in parts for told in part] == ["cancelled"]


async def test_readers_that_come_early_late_and_in_the_middle_see_the_same(stage: Stage) -> None:
    gate = asyncio.Event()
    stage.play([[TextDelta(("a", "b"))], gate, [TextDelta(("c",))], [FinishDelta("stop"), TokenUsage(1, 3)]])
    n = await stage.run()
    early = asyncio.create_task(stage.events(n))
    async with stage.working():
        seen = await stage.until(n, "content")
        middle = [asyncio.create_task(stage.events(n, after=event.position)) for event in seen]
        gate.set()
        whole = await early
    late = await stage.events(n)
    assert whole == late
    for event, rest in zip(seen, await asyncio.gather(*middle), strict=True):
        assert rest == whole[event.position :]


async def test_a_reader_that_only_wants_a_pause_stops_at_it(stage: Stage) -> None:
    stage.play(calls(("add", "{}")), say("Done."))
    n = await stage.run(functions=["add"])
    pauses = frozenset({"requires_action", "completed"})
    async with stage.working():
        first = await stage.events(n, until=pauses)
        (call,) = of_kind(first, "tool_call_manifest")
        assert await stage.events(n, after=first[-1].position, until=pauses) == []  # it still waits there
        await stage.answer(n, (call["tool_call_id"], "1"))
        second = await stage.events(n, after=first[-1].position, until=pauses)
    assert (kinds(first)[-1], kinds(second)[-1]) == ("requires_action", "completed")
    assert await stage.events(n) == first + second
    assert await stage.events(n, until=pauses) == first


async def test_a_reader_of_a_silent_run_is_kept_alive(stage: Stage) -> None:
    n = await stage.run(status=RunStatus.PENDING)
    async with aclosing(tail(stage.store, stage.bus, n, 0, 0.001)) as parts:
        first = await anext(parts)
        assert [told.kind for told in first] == ["status"]
        assert await anext(parts) == []
        assert await anext(parts) == []


@pytest.mark.parametrize("hinted", [True, False])
async def test_a_reader_of_a_run_that_is_deleted_is_let_go(stage: Stage, hinted: bool) -> None:
    n = await stage.run(status=RunStatus.PENDING)
    thread_id, poll = (await stage.row(n)).thread_id, 2 * BOUND if hinted else 0.001
    async with asyncio.timeout(BOUND), aclosing(tail(stage.store, stage.bus, n, 0, poll)) as parts:
        await anext(parts)
        rest = asyncio.create_task(anext(parts, None))
        await stage.store.of(OWNER).write([Op(queries.THREAD_DELETE, {"id": thread_id})])
        if hinted:
            stage.bus.publish(journal_topic(n))
        while (part := await rest) == []:
            rest = asyncio.create_task(anext(parts, None))
        assert part is None
    await sweep(stage.store)
    assert await stage.events(n) == []


async def test_a_run_whose_thread_is_deleted_while_it_is_worked_on_leaves_nothing_behind(stage: Stage) -> None:
    gate = asyncio.Event()
    provider = stage.play([[TextDelta(("a",))], gate, [TextDelta(("b",))], asyncio.Event()])
    n = await stage.run()
    worker = stage.worker()
    async with stage.working(worker):
        await stage.until(n, "content")
        await stage.store.of(OWNER).write([Op(queries.THREAD_DELETE, {"id": (await stage.row(n)).thread_id})])
        gate.set()
        await worker.drain(10)
        assert (worker.at_work, provider.closed) == (0, 1)
    await sweep(stage.store)
    assert await stage.journal(n) == []


async def test_a_long_journal_is_read_to_its_end(stage: Stage) -> None:
    pieces = [f"{number} " for number in range(1200)]
    stage.provider = ScriptedProvider(
        [[*([TextDelta((piece,))] for piece in pieces), [FinishDelta("stop"), TokenUsage(1, 1)]]]
    )
    n = await stage.run()
    async with stage.working():
        live = await stage.events(n)
    assert of_kind(live, "content") == pieces
    assert await stage.events(n) == live


async def test_a_journal_of_many_rows_is_read_at_once(stage: Stage) -> None:
    n = await stage.run()
    await stage.store.write([tell(n, f"{number}") for number in range(1500)])
    await stage.cancel(n)
    events = await stage.events(n)
    assert of_kind(events, "content") == [f"{number}" for number in range(1500)]


async def test_a_long_journal_of_a_worker_that_is_gone_is_read_to_its_end(stage: Stage) -> None:
    pieces = [f"{number} " for number in range(1200)]
    stage.provider = ScriptedProvider([[*([TextDelta((piece,))] for piece in pieces), asyncio.Event()]])
    n = await stage.run()
    async with stage.working(), asyncio.timeout(BOUND):
        async for events in stage.watch(n):
            if of_kind(events, "content")[-1:] == pieces[-1:]:
                await stage.cancel(n)  # what the journal was told is read again, to be kept
    events = await stage.events(n)
    assert of_kind(events, "content") == pieces
    (answer,) = await stage.answers(n)
    assert answer.content == f'"{"".join(pieces)}"'
