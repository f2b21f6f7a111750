"""The escape suite over the local sandbox."""

import asyncio
import os
from collections.abc import AsyncGenerator

import pytest

from projectdavid.adapters.sandboxes.local import LocalSandbox, SandboxOptions
from projectdavid.ports.sandbox import IsolationLevel, SandboxFull, SandboxSession, SessionSpec
from tests.contracts.sandbox.attacks import Attacks, answers
from tests.contracts.sandbox.escapes import Escapes, KernelEscapes
from tests.contracts.sandbox.hold import SMALL, Hold, held, ran
from tests.contracts.sandbox.outputs import Outputs
from tests.contracts.sandbox.processes import MARKED, until, users
from tests.contracts.sandbox.shells import ShellAttacks
from tests.contracts.sandbox.tenants import Tenants

pytestmark = pytest.mark.anyio

OPTIONS = SandboxOptions(preload=(), sessions=12, spares=0)
DAEMON = """
import os, subprocess, sys
if not os.fork():
    os.setsid()
    if not os.fork():
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(1000)", "{}"])
    os._exit(0)
"""


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the module."""
    return "asyncio"


@pytest.fixture(scope="module")
async def hold() -> AsyncGenerator[Hold]:
    """One sandbox for all of them: it must stand the whole suite."""
    async with held(lambda: LocalSandbox(OPTIONS), OPTIONS.uid if os.getuid() == 0 else None) as hold:
        yield hold


class TestEscapes(Escapes):
    """Nothing is within reach."""


class TestKernelEscapes(KernelEscapes):
    """The kernel takes up nothing."""


class TestTenants(Tenants):
    """Nothing of another session."""


class TestAttacks(Attacks):
    """The session stands attacks."""


class TestShellAttacks(ShellAttacks):
    """And that of a shell."""


class TestOutputs(Outputs):
    """Only regular files come out."""


async def test_its_level_is_namespaces(hold: Hold) -> None:
    report = await hold.sandbox.probe()
    assert report.level is IsolationLevel.NAMESPACES
    async with hold.session() as session:
        assert session.level is IsolationLevel.NAMESPACES


async def test_no_process_of_a_session_is_root_on_the_host(hold: Hold) -> None:
    mark = f"marked-{hold.bait.facts['mark']}"
    async with hold.session() as session:
        await ran(session, MARKED.format(mark))
        for process in await until(mark, there=True):
            assert "0" not in users(process)


async def test_a_daemon_ends_with_its_session(hold: Hold) -> None:
    mark = f"daemon-{hold.bait.facts['mark']}"
    async with hold.session() as session:
        await ran(session, DAEMON.format(mark))
        await until(mark, there=True)
    await until(mark, there=False)


async def test_a_thousand_sessions_at_once_are_bounded_and_told(hold: Hold) -> None:
    for kept in hold.kept.values():
        await kept.close()
    hold.kept.clear()
    asked = [hold.sandbox.open(SessionSpec("python", SMALL)) for _ in range(1000)]
    answered = await asyncio.gather(*asked, return_exceptions=True)
    opened = [answer for answer in answered if not isinstance(answer, BaseException)]
    refused = [answer for answer in answered if isinstance(answer, BaseException)]
    assert len(opened) == OPTIONS.sessions
    assert all(isinstance(answer, SandboxFull) for answer in refused)
    await asyncio.gather(*(answers(session) for session in opened))
    await asyncio.gather(*(session.close() for session in opened))
    again: SandboxSession = await hold.sandbox.open(SessionSpec("python", SMALL))
    await answers(again)
    await again.close()
