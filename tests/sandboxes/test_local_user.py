"""Who the processes of a sandbox are: never root, and the same walls stand where the server is an ordinary user."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from projectdavid.ports.sandbox import Limits, Lost, Spec
from projectdavid.sandboxes.local.jail.trees import processes
from tests.contracts.sandbox import as_user
from tests.sandboxes.seen import agents, done, field, sandbox, supervisors

pytestmark = pytest.mark.anyio


async def test_no_process_of_a_sandbox_is_root():
    async with sandbox() as box:
        session = await box.open(Spec("python"))
        await done(session, "import subprocess; subprocess.Popen(['sleep', '1000'])")
        below = processes(supervisors()[0])
        assert len(below) >= 6  # supervisor, bubblewrap, zygote, agent, worker, sleep
        assert {uid for pid in below for uid in field(pid, "Uid")} == {str(os.geteuid() or 310_000)}
        assert {group for pid in below for group in field(pid, "Groups")} <= set(field(os.getpid(), "Groups"))
        if os.geteuid() == 0:
            assert {group for pid in below for group in field(pid, "Groups")} == set()


async def test_the_code_has_no_capabilities():
    async with sandbox() as box:
        await done(await box.open(Spec("python")), "1")
        for pid in processes(agents()[0]):
            assert {field(pid, f"Cap{kind}")[0] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}


async def test_many_processes_together_use_no_more_memory_than_they_may():
    limits = Limits(memory=128 << 20)
    async with sandbox() as box:
        session = await box.open(Spec("python", limits))
        try:
            end = (await done(session, _MANY_AND_HUNGRY, 60)).status
        except Lost as lost:
            end = lost.reason
        assert end in ("died", "The session used more than its 128 MiB of memory and was ended.")
        assert (await done(await box.open(Spec("python", limits)), "1")).status == "ok"


async def test_all_of_this_holds_for_an_ordinary_user():
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/sandboxes", "-k", _SAME]
    module = as_user.__name__
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *command), cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.PIPE
    )
    output, _ = await run.communicate()
    assert run.returncode == 0, output.decode()
    assert b"skipped" not in output


_SAME = "(test_local_life or test_local_user) and not ordinary_user"
_MANY_AND_HUNGRY = """
import os
for _ in range(8):
    if os.fork() == 0:
        break
kept = []
while True:
    kept.append(bytes([1]) * (1 << 20))
"""
