"""A call that arrives while the sandbox starts, or starts again, waits for it: its model never hears that it is off."""

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from projectdavid import Entity
from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.sandbox import SandboxSession, SessionSpec
from projectdavid.tools.code_interpreter import CodeInterpreter
from projectdavid.tools.sessions.sessions import SessionPool
from tests.sandboxes.seen import supervisors, zygotes
from tests.server.script import player
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.slow

FLAKY = """\
#!/bin/sh
for ticket in {tickets}/*; do
    if rmdir "$ticket" 2> /dev/null; then
        echo 'bwrap: the machine is busy' >&2
        exit 1
    fi
done
exec {bubblewrap} "$@"
"""


class FlakyBubblewrap:
    """A bubblewrap that fails a given number of times, and works from then on.

    The user and the mount namespace that it is started in have no /tmp of the host: what it counts with is elsewhere.
    """

    def __init__(self, folder: Path) -> None:
        bubblewrap = shutil.which("bwrap")
        assert bubblewrap is not None
        folder.chmod(0o755)
        self._tickets = folder / "tickets"
        self._tickets.mkdir()
        self._tickets.chmod(0o777)
        self.path = folder / "bwrap"
        self.path.write_text(FLAKY.format(tickets=self._tickets, bubblewrap=bubblewrap))
        self.path.chmod(0o755)

    def fail(self, times: int) -> None:
        """Let the next starts fail."""
        for number in range(times):
            (self._tickets / str(number)).mkdir()

    @property
    def failures_left(self) -> int:
        """How many starts are still to fail."""
        return len(list(self._tickets.iterdir()))


@pytest.fixture
def bubblewrap() -> Iterator[FlakyBubblewrap]:
    with TemporaryDirectory(dir="/var/tmp") as folder:
        yield FlakyBubblewrap(Path(folder))


class Sandbox(LocalSandbox):
    """Knows the loop in which its sessions live."""

    loop: asyncio.AbstractEventLoop

    async def open(self, spec: SessionSpec) -> SandboxSession:
        self.loop = asyncio.get_running_loop()
        return await super().open(spec)


@pytest.fixture
def client(tmp_path: Path, bubblewrap: FlakyBubblewrap) -> Iterator[Entity]:
    sandbox = Sandbox(SandboxOptions(preload=(), spares=0, bubblewrap=bubblewrap.path))
    sessions = SessionPool(sandbox, time.time)
    tools = {"code_interpreter": CodeInterpreter(sessions)}
    server = EmbeddedPlatform(tmp_path / "data", providers={"scripted": player()}, tools=tools)
    server.start()
    with Entity(server.base_url, server.api_key) as client:
        yield client
    for closing in (sessions.close(), sandbox.close()):
        asyncio.run_coroutine_threadsafe(closing, sandbox.loop).result(EVENT_TIMEOUT)
    server.stop()


def run_code(client: Entity) -> str:
    """Have code run in a new thread; the model of the answer repeats what it hears of its call."""
    coder = client.assistants.create_assistant(model="scripted/coder", tools=[{"type": "code_interpreter"}])
    return client.runs.run(coder, client.threads.create_thread(), content="What is 1 + 1?").text


def test_a_call_waits_for_a_sandbox_whose_start_fails_at_first(client: Entity, bubblewrap: FlakyBubblewrap) -> None:
    bubblewrap.fail(3)
    assert run_code(client) == "They said: 2"
    assert bubblewrap.failures_left == 0


def test_a_call_waits_for_a_sandbox_that_was_killed_and_whose_restart_fails_at_first(
    client: Entity, bubblewrap: FlakyBubblewrap
) -> None:
    assert run_code(client) == "They said: 2"
    bubblewrap.fail(3)
    os.kill(supervisors()[0], signal.SIGKILL)
    assert run_code(client) == "They said: 2"
    assert bubblewrap.failures_left == 0


def test_a_call_waits_for_a_sandbox_whose_processes_to_fork_from_were_killed(
    client: Entity, bubblewrap: FlakyBubblewrap
) -> None:
    assert run_code(client) == "They said: 2"
    bubblewrap.fail(3)
    os.kill(zygotes()[0], signal.SIGKILL)
    assert run_code(client) == "They said: 2"
    assert bubblewrap.failures_left == 0
