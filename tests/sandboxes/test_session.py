"""The host's end of a session believes nothing, and waits for nothing for ever."""

import asyncio

import pytest
from anyio.lowlevel import checkpoint

from projectdavid.adapters.sandboxes.agent.frames import BODY
from projectdavid.adapters.sandboxes.control import SandboxTimeouts
from projectdavid.adapters.sandboxes.link import CLOSED, LIAR, SILENT
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import DisplayOutput, Event, OutputText, RunDone, SandboxFileRefused, SessionLost
from tests.sandboxes.agents import Killed, session_with_agent

pytestmark = pytest.mark.anyio

SHOWN = {"type": "display", "sizes": [["text/plain", 1]], "result": False}


async def events_of(session: FramedSession, timeout: float = 1000.0) -> list[Event]:
    return [event async for event in session.run("code", timeout)]


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
        assert sum(len(event.text) for event in told if isinstance(event, OutputText)) == 1000
        assert sum(isinstance(event, DisplayOutput) for event in told) == 6
        assert told[-1] == RunDone("ok", dropped=9000 + 4 * (5 << 20))


async def test_a_reader_who_is_slow_gets_small_pieces_together():
    async with session_with_agent(output=1 << 20) as (session, agent, _):
        events = session.run("code", 1000.0)
        first = asyncio.create_task(anext(events))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"first")
        assert await first == OutputText("stdout", "first")
        for _ in range(1000):
            agent.say({"type": "output", "stream": "stdout"}, b"x")
        agent.done()
        await agent.writer.drain()
        later = [event async for event in events]
        assert sum(len(event.text) for event in later if isinstance(event, OutputText)) == 1000
        assert len(later) < 100


async def test_a_sandbox_that_ends_is_lost_with_the_reason_of_its_adapter():
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"last words")
        agent.writer.write(b"\0\0")
        agent.writer.close()
        with pytest.raises(SessionLost) as lost:
            await running
        assert lost.value.reason == "It was struck by lightning."
        for ask in (session.list(), session.interrupt(), session.stats(), session.resize(1, 1), events_of(session)):
            with pytest.raises(SessionLost, match="lightning"):
                await ask


async def test_what_was_told_before_the_end_is_read_before_the_loss():
    async with session_with_agent() as (session, agent, _):
        events = session.run("code", 1000.0)
        first = asyncio.create_task(anext(events))
        await agent.told("run")
        agent.say({"type": "output", "stream": "stdout"}, b"one")
        agent.say({"type": "output", "stream": "stderr"}, b"two")
        agent.writer.close()
        assert await first == OutputText("stdout", "one")
        assert await anext(events) == OutputText("stderr", "two")
        with pytest.raises(SessionLost):
            await anext(events)


async def test_a_run_that_takes_too_long_is_interrupted_then_killed_then_given_up():
    patience = SandboxTimeouts(grace=0.01, kill=0.01)
    async with session_with_agent(patience=patience) as (session, agent, control):
        running = asyncio.create_task(events_of(session, 0.01))
        for kind in ("run", "interrupt", "restart"):
            await agent.told(kind)
        with pytest.raises(SessionLost) as lost:
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
        assert await running == [RunDone("timeout", state_lost=status == "died")]


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
    async with session_with_agent(patience=SandboxTimeouts(answer=0.01)) as (session, _, control):
        with pytest.raises(SessionLost) as lost:
            await session.list()
        assert lost.value.reason == SILENT
        assert control.times == 1


async def test_an_agent_that_takes_nothing_is_given_up():
    async with session_with_agent(patience=SandboxTimeouts(answer=0.05)) as (session, _, _):

        async def endless():
            while True:
                yield b"x" * 100_000

        with pytest.raises(SessionLost) as lost:
            await session.put("name", 1 << 40, endless())
        assert lost.value.reason == SILENT


async def test_an_answer_that_nobody_waits_for_is_not_taken_for_another():
    async with session_with_agent() as (session, agent, _):
        first = asyncio.create_task(session.list())
        await agent.told("list")
        first.cancel()
        await asyncio.wait({first})
        second = asyncio.create_task(session.list())
        await checkpoint()
        agent.say({"type": "listing", "complete": False}, b'[["old", 1, "m", 1]]')
        await agent.told("list")
        agent.say({"type": "listing", "complete": True}, b'[["new", 1, "m", 1]]')
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
        with pytest.raises(SandboxFileRefused) as refused:
            await reading
        assert refused.value == SandboxFileRefused("name", "\N{REPLACEMENT CHARACTER}" * 200)


async def test_code_that_is_too_long_is_an_error_and_does_not_travel():
    async with session_with_agent() as (session, _, control):
        (done,) = [event async for event in session.run("x" * (BODY + 1), 1.0)]
        assert isinstance(done, RunDone)
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
        await checkpoint()
        assert not closing.done()
        control.may.set()
        await asyncio.gather(closing, again)
        with pytest.raises(SessionLost) as lost:
            await running
        assert lost.value.reason == LIAR


async def test_closing_ends_what_is_under_way():
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(events_of(session))
        await agent.told("run")
        waiting = asyncio.create_task(session.list())
        await checkpoint()
        await session.close()
        for task in (running, waiting):
            with pytest.raises(SessionLost) as lost:
                await task
            assert lost.value.reason == CLOSED


async def test_stats_are_those_of_the_adapter():
    async with session_with_agent() as (session, _, control):
        assert await session.stats() == await Killed.stats(control)
