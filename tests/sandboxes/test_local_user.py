"""Who the processes of a sandbox are: never root, and the same walls stand where the server is an ordinary user."""

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from projectdavid.adapters.sandboxes.local.jail.process_trees import processes
from projectdavid.ports.sandbox import Event, OutputText, SandboxLimits, SessionLost, SessionSpec
from tests.contracts.sandbox import as_user
from tests.sandboxes.seen import PLAIN, done, events, field, only_agent, sandbox, supervisors

pytestmark = pytest.mark.anyio


async def test_no_process_of_a_sandbox_is_root():
    async with sandbox() as box:
        session = await box.open(SessionSpec("python"))
        await done(session, "import subprocess; subprocess.Popen(['sleep', '1000'])")
        below = processes(supervisors()[0])
        assert len(below) >= 6  # supervisor, bubblewrap, zygote, agent, worker, sleep
        assert {uid for pid in below for uid in field(pid, "Uid")} == {str(os.geteuid() or 310_000)}
        assert {group for pid in below for group in field(pid, "Groups")} <= set(field(os.getpid(), "Groups"))
        if os.geteuid() == 0:
            assert {group for pid in below for group in field(pid, "Groups")} == set()


async def test_the_code_has_no_capabilities():
    async with sandbox() as box:
        await done(await box.open(SessionSpec("python")), "1")
        for pid in processes(await only_agent()):
            assert {field(pid, f"Cap{kind}")[0] for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {"0" * 16}


async def test_many_processes_together_use_no_more_memory_than_they_may():
    limits = SandboxLimits(memory=128 << 20)
    async with sandbox() as box:
        session = await box.open(SessionSpec("python", limits))
        found: list[Event] = []
        with suppress(SessionLost):
            found = await events(session, _MANY_AND_HUNGRY, 60)
        at_once = max((int(event.text) for event in found if isinstance(event, OutputText)), default=0)
        assert at_once <= 1, found
        assert (await done(await box.open(SessionSpec("python", limits)), "1")).status == "ok"


async def test_an_interpreter_below_the_folder_that_sessions_cover_works_and_cannot_be_written(tmp_path: Path):
    python = tmp_path / "environment" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    (tmp_path / "environment" / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    (tmp_path / "of the host").touch()
    async with sandbox(replace(PLAIN, python=python)) as box:
        session = await box.open(SessionSpec("python"))
        seen = await done(session, _OF_INTERPRETER.format(python=str(python), folder=str(tmp_path)))
        assert seen.status == "ok", seen.error


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
# Each child takes most of what all may use together, and says so while it has it. Where the kernel does not count the
# memory of all together, a watch does so some times a second, so there may be a moment with too many.
_MANY_AND_HUNGRY = """
import os, time
children, pipes = [], []
for _ in range(8):
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            kept = bytes([1]) * (80 << 20)
            os.write(writer, b"1")
            time.sleep(1000)
        finally:
            os._exit(0)
    os.close(writer)
    children.append(child)
    pipes.append(reader)
for reader in pipes:
    os.read(reader, 1)
end = time.monotonic() + 50
while len(children) > 1 and time.monotonic() < end:
    time.sleep(0.05)
    children = [child for child in children if os.waitpid(child, os.WNOHANG)[0] == 0]
print(len(children))
"""
_OF_INTERPRETER = """
import json, os, subprocess, sys
assert sys.executable == {python!r}, sys.executable
assert subprocess.run([sys.executable, "-c", "1"]).returncode == 0
assert os.listdir({folder!r}) == ["environment"]
open("/tmp/mine", "w").close()
try:
    open({folder!r} + "/environment/bin/other", "w")
except OSError:
    pass
else:
    raise AssertionError("written")
"""
