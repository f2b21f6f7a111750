"""What the host's end of a session does with what no agent says: it ends the session."""

import asyncio
import json
import struct

import pytest

from projectdavid.adapters.sandboxes.agent.frames import BODY, HEADER
from projectdavid.adapters.sandboxes.link import LIAR
from projectdavid.adapters.sandboxes.session import FramedSession
from projectdavid.ports.sandbox import SessionLost
from tests.sandboxes.agents import session_with_agent

pytestmark = pytest.mark.anyio

OVER = {"type": "done", "status": "ok", "exit_status": None, "state_lost": False, "dropped": 0}
SHOWN = {"type": "display", "sizes": [["text/plain", 1]], "result": False}


async def code(session: FramedSession) -> None:
    async for _ in session.run("code", 1000.0):
        pass


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
        running = asyncio.create_task(code(session))
        await agent.told("run")
        agent.writer.write(said)
        with pytest.raises(SessionLost) as lost:
            await running
        assert lost.value.reason == LIAR
        assert control.times == 1
        with pytest.raises(SessionLost) as lost:
            await code(session)
        assert lost.value.reason == LIAR


@pytest.mark.parametrize("said", [OVER, SHOWN], ids=["done", "display"])
async def test_what_is_told_of_a_run_that_is_not_on_is_nonsense(said: dict[str, object]):
    async with session_with_agent() as (session, agent, _):
        running = asyncio.create_task(code(session))
        await agent.told("run")
        agent.done()
        await running
        agent.say(said, b"x" if said is SHOWN else b"")
        with pytest.raises(SessionLost) as lost:
            await session.list()
        assert lost.value.reason == LIAR


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ({"type": "stored"}, b""),
        ({"type": "opened", "size": 1}, b""),
        ({"type": "listing", "complete": True}, b"nonsense"),
        ({"type": "listing", "complete": True}, b'[["name", 1]]'),
        ({"type": "listing", "complete": True}, b'[["name", -1, "mark", 1]]'),
        ({"type": "listing", "complete": True}, b'[[1, 1, "mark", 1]]'),
        ({"type": "listing", "complete": True}, b'[["name", 1, "mark", "now"]]'),
        ({"type": "listing", "complete": True}, b'{"files": []}'),
        ({"type": "listing", "complete": 1}, b"[]"),
        ({"type": "listing", "complete": True}, json.dumps([["x" * 2000, 1, "mark", 1]]).encode()),
    ],
)
async def test_an_answer_that_is_none_is_nonsense(header: dict[str, object], body: bytes):
    async with session_with_agent() as (session, agent, _):
        listing = asyncio.create_task(session.list())
        await agent.told("list")
        agent.say(header, body)
        with pytest.raises(SessionLost) as lost:
            await listing
        assert lost.value.reason == LIAR
