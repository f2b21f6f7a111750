"""The local sandbox on each event loop that the platform runs on, and with each interpreter that it may be given."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from projectdavid.ports.sandbox import SessionLost, SessionSpec
from tests.sandboxes.seen import PLAIN, all_end, events, only_agent, sandbox

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    return "asyncio", {"use_uvloop": request.param}


async def test_a_session_runs_and_tells_why_it_ends():
    async with sandbox() as box:
        session = await box.open(SessionSpec("python"))
        assert "b'2'" in str(await events(session, "1 + 1"))
        killed = await only_agent()
        os.kill(killed, signal.SIGKILL)
        await all_end([killed])
        with pytest.raises(SessionLost, match="killed"):
            await events(session, "1")


async def test_the_interpreter_is_the_one_that_was_asked_for_and_what_it_lacks_is_said():
    python = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    async with sandbox(replace(PLAIN, python=python, preload=("json", "no_such_module"))) as box:
        assert "The interpreter of the sandbox lacks no_such_module." in (await box.probe()).reasons
        session = await box.open(SessionSpec("python"))
        assert f"'{sys.base_prefix}'" in str(await events(session, "import sys; sys.prefix"))
