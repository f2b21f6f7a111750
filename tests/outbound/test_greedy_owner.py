"""One owner takes every sandbox session and every connection they can; another owner's call gets both at once."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from projectdavid.egress import EgressService
from projectdavid.egress.proxy.shares import ProxyConnectionLimits
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool, SlotLimits
from tests.fakes.plain_sandbox import PlainSandbox
from tests.outbound.servers import serving
from tests.tools.conversation import Conversation

pytestmark = pytest.mark.anyio

HOLD = """\
python3 - <<'END'
import os, socket, time
from urllib.parse import urlsplit
proxy, held = urlsplit(os.environ["http_proxy"]), []
for _ in range({count}):
    line = socket.create_connection((proxy.hostname, proxy.port))
    line.sendall(b"CONNECT {where} HTTP/1.1\\r\\nHost: {where}\\r\\n\\r\\n")
    print("answered", line.recv(4096).split()[1].decode(), flush=True)
    held.append(line)
print("holds", "all", flush=True)
time.sleep({seconds})
END"""


async def test_another_owner_gets_a_session_and_a_connection_while_one_holds_all_they_can() -> None:
    async with serving(then="silent") as server, AsyncExitStack() as stack:
        where = f"127.0.0.1:{server.port}"
        egress = EgressService({"*": [where]}, limits=ProxyConnectionLimits(total=16, owner=4, session=4))
        sandbox = PlainSandbox()
        sessions = SessionPool(sandbox, time.time, room=SlotLimits(sessions=3, owner=2))
        for closed in (egress, sandbox, sessions):
            stack.push_async_callback(closed.close)
        tool = ComputerTool(sessions, egress=egress)
        greedy = [Conversation(f"greedy_{number}", "user_greedy") for number in range(3)]
        held = HOLD.format(count=3, where=where, seconds=1000)
        calls = [asyncio.create_task(one.run(tool, commands=[held])) for one in greedy]
        try:
            for one in greedy[:2]:
                await one.until_output("holds all")
            await greedy[2].until("sandbox", state="waiting")
            told = "".join(one.output() for one in greedy)
            assert (told.count("answered 200"), told.count("answered 503")) == (4, 2)
            ann = Conversation("thread_ann", "user_ann")
            output = await ann.run(tool, commands=[HOLD.format(count=1, where=where, seconds=0)])
            assert "answered 200" in output.text
            assert ("sandbox", "waiting") not in [(kind, data.get("state")) for kind, data in ann.told]
        finally:
            for call in calls:
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
