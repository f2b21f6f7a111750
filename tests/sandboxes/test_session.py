"""The host's end of a session believes nothing, and waits for nothing for ever."""

import asyncio
import json
import struct

import pytest

from projectdavid.ports.sandbox import Display, Done, Event, Lost, Output, Refused
from projectdavid.sandboxes.agent.frames import BODY, HEADER
from projectdavid.sandboxes.control import Patience
from projectdavid.sandboxes.link import CLOSED, LIAR, SILENT
from projectdavid.sandboxes.session import FramedSession
from tests.sandboxes.agents import Killed, session_with_agent

pytestmark = pytest.mark.anyio

OVER = {"type": "done", "status": "ok", "exit_status": None, "state_lost": False, "dropped": 0}
SHOWN = {"type": "display", "sizes": [["text/plain", 1]], "result": False}


async def events_of(session: FramedSession, timeout: float = 1000.0) -> list[Event]:
    return [event async for event in session.run("code", timeout)]


def raw(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("!II", len(header), len(body)) + header + body


NONSENSE = {
    "a header that is too long": struct.pack("!II", HEADER + 1, 0),
    "a body that is too long": struct.pack("!II", 2, BODY + 1),
    "the longest lengths": b"\xff" * 8,
    "no JSON": raw(b"nonsense"),
    "no UTF-8": raw(b'{"type": "\xff"}'),
    "no object": raw(b"[]"),
    "no type": raw(b"{}"),
    "an unknown type": raw(b'{"type": "run"}'),
    "a deep header": raw(b"[" * 60_000),
    "a field too few": raw(b'{"type": "output"}'),
    "a field too many": raw(b'{"type": "output", "stream": "stdout", "more": 1}'),
    "an unknown stream": raw(b'{"type": "output", "stream": "stdin"}'),
    "a stream of another kind": raw(b'{"type": "output", "stream": "terminal"}', b"x"),
    "a number as a string": raw(json.dumps(OVER | {"dropped": "0"}).encode()),
    "a negative number": raw(json.dumps(OVER | {"dropped": -1}).encode()),
    "a number that is too large": raw(json.dumps(OVER | {"dropped": 2**64}).encode()),
    "an exit status that is none": raw(json.dumps(OVER | {"exit_status": 256}).encode()),
    "an unknown status": raw(json.dumps(OVER | {"status": "timeout"}).encode()),
    "sizes that are not those of the body": raw(json.dumps(SHOWN).encode(), b"xx"),
    "a negative size": raw(json.dumps(SHOWN | {"sizes": [["a/b", -1], ["c/d", 2]]}).encode(), b"x"),
    "an answer to nothing": raw(b'{"type": "stored"}'),
    "a connection without a tunnel": raw(b'{"type": "tunnel_open", "id": 1}'),
}


@pytest.mark.parametrize("said", NONSENSE.values(), ids=NONSENSE.keys())
async def test_an_agent_that_says_nonsense_loses_its_session(said: bytes):
    async with session_with_agent() as (session, agent, control):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        agent.writer.write(said)
        with pytest.raises(Lost) as lost:
            await running
        assert lost.value.reason == LIAR
        assert control.times == 1
        with pytest.raises(Lost) as lost:
            await events_of(session)
        assert lost.value.reason == LIAR


@pytest.mark.parametrize("said", [OVER, SHOWN], ids=["done", "display"])
async def test_what_is_told_of_a_run_that_is_not_on_is_nonsense(said: dict[str, object]):
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        agent.done()
        await running
        agent.say(said, b"x" if said is SHOWN else b"")
        with pytest.raises(Lost) as lost:
            await session.list()
        assert lost.value.reason == LIAR


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"type": "stored"}, b""),
        ({"type": "opened", "size": 1}, b""),
        ({"type": "listing", "complete": True}, b"nonsense"),
        ({"type": "listing", "complete": True}, b'[["name", 1]]'),
        ({"type": "listing", "complete": True}, b'[["name", -1, "mark"]]'),
        ({"type": "listing", "complete": True}, b'[[1, 1, "mark"]]'),
        ({"type": "listing", "complete": True}, b'{"files": []}'),
        ({"type": "listing", "complete": 1}, b"[]"),
        ({"type": "listing", "complete": True}, json.dumps([["x" * 2000, 1, "mark"]]).encode()),
    ],
)
async def test_an_answer_that_is_none_is_nonsense(header: dict[str, object], body: bytes):
    async with session_with_agent() as (session, agent, _):
        listing = asyncio.create_task(session.list())
        await agent.told("list")
        agent.say(header, body)
        with pytest.raises(Lost) as lost:
            await listing
        assert lost.value.reason == LIAR


async def test_more_than_is_kept_is_dropped_whatever_the_agent_says():
    async with session_with_agent(output=1000) as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        for _ in range(100):
            agent.say({"type": "output", "stream": "stdout"}, b"x" * 100)
        for _ in range(10):
            agent.say(SHOWN | {"sizes": [["image/png", 5 << 20]]}, bytes(5 << 20))
        agent.done()
        told = await running
        assert sum(len(event.text) for event in told if isinstance(event, Output)) == 1000
        assert sum(isinstance(event, Display) for event in told) == 6
        assert told[-1] == Done("ok", dropped=9000 + 4 * (5 << 20))


async def test_a_reader_who_is_slow_gets_small_pieces_together():
    async with session_with_agent(output=1 << 20) as (session, agent, _):
        events = session.run("code", 1000.0)
        first = asyncio.create_task(anext(events))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"first")
        assert await first == Output("stdout", "first")
        for _ in range(1000):
            agent.say({"type": "output", "stream": "stdout"}, b"x")
        agent.done()
        await agent.writer.drain()
        later = [event async for event in events]
        assert sum(len(event.text) for event in later if isinstance(event, Output)) == 1000
        assert len(later) < 100


async def test_a_sandbox_that_ends_is_lost_with_the_reason_of_its_adapter():
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"last words")
        agent.writer.write(b"\0\0")
        agent.writer.close()
        with pytest.raises(Lost) as lost:
            await running
        assert lost.value.reason == "It was struck by lightning."
        for ask in (session.list(), session.interrupt(), session.stats(), session.resize(1, 1), events_of(session)):
            with pytest.raises(Lost, match="lightning"):
                await ask


async def test_what_was_told_before_the_end_is_read_before_the_loss():
    async with session_with_agent() as (session, agent, _):
        events = session.run("code", 1000.0)
        first = asyncio.create_task(anext(events))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"one")
        agent.say({"type": "output", "stream": "stderr"}, b"two")
        agent.writer.close()
        assert await first == Output("stdout", "one")
        assert await anext(events) == Output("stderr", "two")
        with pytest.raises(Lost):
            await anext(events)


async def test_a_run_that_takes_too_long_is_interrupted_then_killed_then_given_up():
    patience = Patience(grace=0.01, kill=0.01)
    async with session_with_agent(patience=patience) as (session, agent, control):
        running = asyncio.create_task(events_of(session, 0.01))
        for kind in ("run", "interrupt", "restart"):
            await agent.told(kind)
        with pytest.raises(Lost) as lost:
            await running
        assert lost.value.reason == SILENT
        assert control.times == 1


@pytest.mark.parametrize("status", ["ok", "error", "interrupted", "died"])
async def test_a_run_that_ends_behind_its_time_is_a_timeout_however_it_ends(status: str):
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session, 0.01))
        await agent.told("run")
        await agent.told("interrupt")
        agent.done(status, state_lost=status == "died")
        assert await running == [Done("timeout", state_lost=status == "died")]


async def test_a_run_that_nobody_reads_is_ended_before_the_next_one_begins():
    async with session_with_agent() as (session, agent, _):
        events = session.run("code", 1000.0)
        first = asyncio.create_task(anext(events))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"on")
        await first
        await events.aclose()
        listing = asyncio.create_task(session.list())
        await agent.told("interrupt")
        agent.done("interrupted")
        await agent.told("list")
        agent.say({"type": "listing", "complete": True}, b"[]")
        assert (await listing).files == ()


async def test_an_agent_that_does_not_answer_is_given_up():
    async with session_with_agent(patience=Patience(answer=0.01)) as (session, _, control):
        with pytest.raises(Lost) as lost:
            await session.list()
        assert lost.value.reason == SILENT
        assert control.times == 1


async def test_an_agent_that_takes_nothing_is_given_up():
    async with session_with_agent(patience=Patience(answer=0.05)) as (session, _, _):

        async def endless():
            while True:
                yield b"x" * 100_000

        with pytest.raises(Lost) as lost:
            await session.put("name", 1 << 40, endless())
        assert lost.value.reason == SILENT


async def test_an_answer_that_nobody_waits_for_is_not_taken_for_another():
    async with session_with_agent() as (session, agent, _):
        first = asyncio.create_task(session.list())
        await agent.told("list")
        first.cancel()
        await asyncio.wait({first})
        second = asyncio.create_task(session.list())
        await asyncio.sleep(0)
        agent.say({"type": "listing", "complete": False}, b'[["old", 1, "m"]]')
        await agent.told("list")
        agent.say({"type": "listing", "complete": True}, b'[["new", 1, "m"]]')
        assert [one.name for one in (await second).files] == ["new"]


async def test_a_file_gives_no_more_than_it_said_at_first():
    async with session_with_agent() as (session, agent, _):
        chunks = session.get("name")
        first = asyncio.create_task(anext(chunks))
        await agent.told("get")
        agent.say({"type": "opened", "size": 5})
        await agent.told("read")
        agent.say({"type": "data"}, b"more than that")
        assert await first == b"more "
        with pytest.raises(StopAsyncIteration):
            await anext(chunks)


async def test_the_reason_of_a_refusal_is_cut():
    async with session_with_agent() as (session, agent, _):
        reading = asyncio.create_task(anext(session.get("name")))
        await agent.told("get")
        agent.say({"type": "refused"}, b"\xff" * 1000)
        with pytest.raises(Refused) as refused:
            await reading
        assert refused.value == Refused("name", "\N{REPLACEMENT CHARACTER}" * 200)


async def test_code_that_is_too_long_is_an_error_and_does_not_travel():
    async with session_with_agent() as (session, _, control):
        (done,) = [event async for event in session.run("x" * (BODY + 1), 1.0)]
        assert isinstance(done, Done)
        assert done.status == "error"
        assert "longer than" in str(done.error)
        assert control.times == 0


async def test_closing_waits_until_nothing_is_left_also_when_it_is_ending_already():
    async with session_with_agent() as (session, agent, control):
        control.may.clear()
        agent.writer.write(b"\xff" * 8)
        running = asyncio.create_task(events_of(session))
        await control.asked.wait()
        closing = asyncio.create_task(session.close())
        again = asyncio.create_task(session.close())
        await asyncio.sleep(0)
        assert not closing.done()
        control.may.set()
        await asyncio.gather(closing, again)
        with pytest.raises(Lost) as lost:
            await running
        assert lost.value.reason == LIAR


async def test_closing_ends_what_is_under_way():
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        waiting = asyncio.create_task(session.list())
        await asyncio.sleep(0)
        await session.close()
        for task in (running, waiting):
            with pytest.raises(Lost) as lost:
                await task
            assert lost.value.reason == CLOSED


async def test_stats_are_those_of_the_adapter():
    async with session_with_agent() as (session, _, control):
        assert await session.stats() == await Killed.stats(control)
