"""What the tests of tools share."""

from collections.abc import AsyncGenerator

import pytest

from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.ports.sandbox import Sandbox, SandboxLimits
from projectdavid.tools.sessions.sessions import SessionPool
from tests.fakes.plain_sandbox import PlainSandbox
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock

LIMITS = SandboxLimits(disk=10 << 20, output=100_000)


@pytest.fixture
async def conversation() -> Conversation:
    """A thread in which nothing has happened yet."""
    return Conversation()


@pytest.fixture(params=["plain", "local"])
async def sandbox(request: pytest.FixtureRequest) -> AsyncGenerator[Sandbox]:
    """A sandbox that runs code: one that isolates nothing, and the one of this machine."""
    sandbox = PlainSandbox() if request.param == "plain" else LocalSandbox(SandboxOptions(preload=(), spares=0))
    await sandbox.start()
    yield sandbox
    await sandbox.close()


@pytest.fixture
async def sessions(sandbox: Sandbox) -> AsyncGenerator[SessionPool]:
    """Sessions of it, with small limits."""
    sessions = SessionPool(sandbox, Clock(), LIMITS)
    yield sessions
    await sessions.close()
