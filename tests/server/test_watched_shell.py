"""A model works in a real shell, and somebody watches."""

import asyncio
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.fakes.plain_sandbox import PlainSandbox
from tests.server.conftest import FOREIGN
from tests.server.script import player
from tests.server.talking import ok
from tests.server.watching import Theatre, frame, theatre
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


@pytest.fixture
async def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Theatre]:
    """A server with the tool `computer`, whose shells anybody with a ticket may watch."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    sandbox = PlainSandbox()
    sessions = SessionPool(sandbox, time.time)
    serving = {
        "terminals": sessions,
        "tools": {"computer": ComputerTool(sessions)},
        "providers": {"scripted": player()},
    }
    async with theatre(tmp_path, time.time, serving) as workshop:
        yield workshop
        await sessions.close()
    await sandbox.close()


async def test_who_watches_sees_the_commands_of_the_model_as_they_run(workshop: Theatre) -> None:
    client, thread = workshop.client, await workshop.thread()
    tools = [{"type": "computer"}]
    assistant = ok(await client.post("/v1/assistants", json={"model": "scripted/sheller", "tools": tools}))
    async with asyncio.timeout(EVENT_TIMEOUT), workshop.watching(thread) as early:
        said = {"thread_id": thread, "content": "Look around."}
        ok(await client.post("/v1/messages", json=said))
        ok(await client.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": thread}))
        shown, ended = "", []
        while len(ended) < 2:
            one = await frame(early)
            if one["type"] == "shell_output":
                shown += one["content"]
            elif one["type"] == "command_complete":
                ended.append((one["command"], one["exit_status"]))
        assert ended == [("ls", 0), ("false", 1)]
        async with workshop.watching(thread) as late:
            again = ""
            while "$ false" not in again:
                again += (await frame(late))["content"]
    assert "$ ls" in shown
    assert "$ ls" in again, "who comes late sees what the terminal still keeps"
