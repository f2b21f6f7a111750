"""A program in a sandbox's shell finds its way out, and no other way."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest

from projectdavid.egress import EgressService
from projectdavid.ports.sandbox import OutputText, RunDone, SandboxSession, SessionSpec
from tests.fakes.plain_sandbox import PlainSandbox
from tests.outbound.servers import Names, moved, reply, serving

pytestmark = pytest.mark.anyio

ASK = """\
import json, sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(sys.argv[1], timeout=120)
except urllib.error.HTTPError as error:
    answer = error
except urllib.error.URLError as error:
    print(json.dumps([0, str(error.reason)]))
    sys.exit()
print(json.dumps([answer.status, answer.read().decode()]))
"""


@asynccontextmanager
async def shell(egress: EgressService) -> AsyncGenerator[SandboxSession]:
    sandbox = PlainSandbox()
    session = await sandbox.open(SessionSpec("shell", tunnel=egress("asst_1", "user_ann", "thread_1")))
    try:
        await printed(session, f"cat > ask.py <<'END'\n{ASK}END")
        yield session
    finally:
        await sandbox.close()
        await egress.close()


async def printed(session: SandboxSession, command: str) -> str:
    """What a command prints, which succeeds."""
    text = ""
    async for event in session.run(command, 30):
        match event:
            case OutputText():
                text += event.text
            case RunDone():
                assert (event.status, event.exit_status) == ("ok", 0), text
            case _:
                pass
    return text


async def answer(session: SandboxSession, url: str) -> tuple[int, str]:
    """Status and text that a program in the shell gets from a URL."""
    last = (await printed(session, f"python3 ask.py '{url}'")).strip().splitlines()[-1]
    status, text = json.loads(last)
    return status, text


async def test_programs_in_a_shell_reach_what_is_listed_and_nothing_else():
    async with serving(reply(body=b"simple")) as server:
        names = Names(pypi_example=[["127.0.0.1"]])
        egress = EgressService({"*": [f"pypi.example:{server.port}", "127.0.0.1/32"]}, resolver=names)
        async with shell(egress) as session:
            assert await answer(session, f"http://pypi.example:{server.port}/") == (200, "simple")
            status, why = await answer(session, f"http://other.example:{server.port}/")
            assert (status, f"'other.example:{server.port}'" in why) == (403, True)
            status, why = await answer(session, f"https://other.example:{server.port}/")
            assert (status, "Ask the operator to add" in why) == (0, True), "it is in the first line, too"
    assert len(server.requests) == 1


async def test_a_redirect_to_the_metadata_of_a_cloud_ends_at_the_proxy():
    async with serving(moved("http://169.254.169.254/latest/")) as server:
        names = Names(pypi_example=[["127.0.0.1"]])
        egress = EgressService({"*": [f"pypi.example:{server.port}", "127.0.0.1/32"]}, resolver=names)
        async with shell(egress) as session:
            status, why = await answer(session, f"http://pypi.example:{server.port}/")
    assert (status, "169.254.169.254 is not on the list" in why) == (403, True)
