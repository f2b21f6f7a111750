"""What the tests of tools share."""

from collections.abc import AsyncGenerator

import pytest

from projectdavid.ports.sandbox import Limits, Sandbox
from projectdavid.sandboxes.local import LocalSandbox, Options
from projectdavid.tools.sessions import Sessions
from tests.fakes.plain_sandbox import PlainSandbox
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock

LIMITS = Limits(disk=10 << 20, output=100_000)


@pytest.fixture
async def conversation() -> Conversation:
    """A thread in which nothing has happened yet."""
    return Conversation()


@pytest.fixture(params=["plain", "local"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    """A sandbox that runs code: one that isolates nothing, and the one of this machine."""
    sandbox = PlainSandbox() if request.param == "plain" else LocalSandbox(Options(preload=(), spares=0))
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def sessions(sandbox: Sandbox) -> AsyncGenerator[Sessions]:
    """Sessions of it, with small limits."""
    sessions = Sessions(sandbox, Clock(), LIMITS)
    yield sessions
    await sessions.close()
