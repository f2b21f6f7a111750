"""The host's end of the tunnel: too many connections, or more under way than may be, are not believed."""

import asyncio

import pytest

from projectdavid.adapters.sandboxes.agent.tunnel import MOST, PIECE, WINDOW
from projectdavid.adapters.sandboxes.link import LIAR
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import SessionLost
from tests.sandboxes.agents import session_with_agent

pytestmark = pytest.mark.anyio


async def idle(read, write) -> None:
    """Serve for ever, and read nothing."""
    await asyncio.Event().wait()


async def loses(session: FramedSession) -> None:
    with pytest.raises(SessionLost) as lost:
        [event async for event in session.run("code", 1000.0)]
    assert lost.value.reason == LIAR


async def test_too_many_connections_are_nonsense():
    async with session_with_agent(tunnel=idle) as (session, agent, _):
        for number in range(1, 3 * MOST):
            agent.say({"type": "tunnel_open", "id": number})
        await loses(session)


async def test_a_connection_that_is_opened_twice_is_nonsense():
    async with session_with_agent(tunnel=idle) as (session, agent, _):
        agent.say({"type": "tunnel_open", "id": 1})
        agent.say({"type": "tunnel_open", "id": 1})
        await loses(session)


@pytest.mark.parametrize("kind", ["tunnel_data", "tunnel_taken", "tunnel_end", "tunnel_gone"])
async def test_a_connection_that_was_never_opened_is_nonsense(kind: str):
    async with session_with_agent(tunnel=idle) as (session, agent, _):
        agent.say({"type": kind, "id": 1} | ({"size": 1} if kind == "tunnel_taken" else {}), b"x")
        await loses(session)


async def test_more_under_way_than_may_be_is_nonsense():
    async with session_with_agent(tunnel=idle) as (session, agent, _):
        agent.say({"type": "tunnel_open", "id": 1})
        for _ in range(WINDOW // PIECE + 1):
            agent.say({"type": "tunnel_data", "id": 1}, bytes(PIECE))
        await loses(session)


async def test_the_host_sends_no_more_than_is_taken():
    sent = 0

    async def serve(read, write) -> None:
        nonlocal sent
        while True:
            await write(b"x" * 1000)
            sent += 1000

    async with session_with_agent(tunnel=serve) as (_, agent, _):
        agent.say({"type": "tunnel_open", "id": 1})
        came = 0
        while came < WINDOW:
            came += len(await agent.told("tunnel_data"))
        assert came == WINDOW
        agent.say({"type": "tunnel_taken", "id": 1, "size": 10})
        assert len(await agent.told("tunnel_data")) == 10


async def test_a_server_that_has_ended_ends_the_connection_and_late_words_are_ignored():
    async def serve(read, write) -> None:
        await write(await read())

    async with session_with_agent(tunnel=serve) as (session, agent, _):
        agent.say({"type": "tunnel_open", "id": 1})
        agent.say({"type": "tunnel_data", "id": 1}, b"echo")
        await agent.told("tunnel_taken")
        assert await agent.told("tunnel_data") == b"echo"
        await agent.told("tunnel_end")
        agent.say({"type": "tunnel_data", "id": 1}, b"late")
        agent.say({"type": "tunnel_gone", "id": 1})
        asking = asyncio.create_task(session.list())
        await agent.told("list")
        agent.say({"type": "listing", "complete": True}, b"[]")
        assert (await asking).complete


async def test_the_end_of_the_session_ends_those_who_serve():
    ended = asyncio.Event()

    async def serve(read, write) -> None:
        try:
            await read()
        finally:
            ended.set()

    async with session_with_agent(tunnel=serve) as (session, agent, _):
        agent.say({"type": "tunnel_open", "id": 1})
        agent.say({"type": "tunnel_taken", "id": 1, "size": 1})
        asking = asyncio.create_task(session.list())
        await agent.told("list")
        await session.close()
        assert ended.is_set()
        with pytest.raises(SessionLost):
            await asking
