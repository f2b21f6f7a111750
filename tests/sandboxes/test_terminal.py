"""The terminal of a session, as those who look on see it."""

import asyncio

import pytest

from projectdavid.adapters.sandboxes.terminal import KEPT
from projectdavid.ports.sandbox import SessionLost
from tests.sandboxes.agents import Agent, session_with_agent

pytestmark = pytest.mark.anyio

SHOW = {"type": "output", "stream": "terminal"}


def shown(agent: Agent, data: bytes) -> None:
    for start in range(0, len(data), 1 << 18):
        agent.say(SHOW, data[start : start + (1 << 18)])


async def test_each_piece_says_where_it_ends():
    async with session_with_agent("shell") as (session, agent, _):
        watching = session.terminal()
        shown(agent, b"one")
        assert await anext(watching) == (3, b"one")
        shown(agent, b"two!")
        assert await anext(watching) == (7, b"two!")
        assert await anext(session.terminal(after=5)) == (7, b"o!")


async def test_who_comes_late_gets_the_last_mebibyte():
    data = bytes(range(256)) * (3 * KEPT // 256)
    async with session_with_agent("shell") as (session, agent, _):
        first = session.terminal()
        shown(agent, data)
        seen = 0
        while seen < len(data):
            seen, _ = await anext(first)
        got = b""
        async for end, piece in session.terminal():
            got += piece
            if end == len(data):
                break
        assert got == data[-KEPT:]


async def test_several_may_watch_and_each_sees_all():
    async with session_with_agent("shell") as (session, agent, _):

        async def watch() -> bytes:
            return b"".join([piece async for _, piece in session.terminal()])

        watching = [asyncio.create_task(watch()) for _ in range(3)]
        shown(agent, b"abc")
        await anext(session.terminal(after=2))
        await session.close()
        assert await asyncio.gather(*watching) == [b"abc"] * 3


async def test_a_watcher_of_a_session_that_is_lost_hears_of_it():
    async with session_with_agent("shell") as (session, agent, _):
        watching = session.terminal()
        shown(agent, b"abc")
        agent.writer.close()
        assert await anext(watching) == (3, b"abc")
        with pytest.raises(SessionLost, match="lightning"):
            await anext(watching)


async def test_a_position_that_was_not_reached_yet_is_waited_for():
    async with session_with_agent("shell") as (session, agent, _):
        first = asyncio.create_task(anext(session.terminal(after=4)))
        shown(agent, b"abc")
        await anext(session.terminal())
        shown(agent, b"def")
        assert await first == (6, b"ef")
