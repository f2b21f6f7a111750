"""What runs inside: the parts of the agent that no session shows by itself."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from projectdavid.adapters.sandboxes.agent.frames import FrameUnpacker, MalformedFrame, pack
from projectdavid.ports.sandbox import SessionLost, SessionSpec
from tests.contracts.sandbox.driving import PATIENCE, opened, ran, value
from tests.fakes.plain_sandbox import AGENT, PlainSandbox

pytestmark = pytest.mark.anyio


@pytest.fixture
async def sandbox() -> AsyncIterator[PlainSandbox]:
    plain = PlainSandbox()
    yield plain
    await plain.close()


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
def test_frames_come_out_as_they_went_in_however_they_are_cut(size: int):
    frames = [({"type": "a", "n": n}, bytes([n]) * n * 10) for n in range(20)]
    data = b"".join(pack(header, body) for header, body in frames)
    unpacker = FrameUnpacker()
    found = [frame for start in range(0, len(data), size) for frame in unpacker.feed(data[start : start + size])]
    assert found == frames


@pytest.mark.parametrize("data", [b"\xff" * 8, b"\0\0\0\x01\0\0\0\0x", b"\0\0\0\x02\0\0\0\0[]"])
def test_what_is_no_frame_is_not_taken_for_one(data: bytes):
    with pytest.raises(MalformedFrame):
        list(FrameUnpacker().feed(data))


async def test_libraries_that_were_imported_before_are_there_at_once_and_no_thread_is_left():
    plain = PlainSandbox(warm=True)
    async with opened(plain) as session:
        source = "import sys, threading\n'matplotlib.pyplot' in sys.modules, threading.active_count()"
        assert await value(session, source) == "(True, 1)"
        told = await ran(session, "import numpy as np\nnp.random.rand(3).tolist()")
    async with opened(plain) as session:
        assert (await ran(session, "import numpy as np\nnp.random.rand(3).tolist()")).result != told.result
    await plain.close()


def test_what_cannot_be_imported_is_named():
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import agent; print(agent.warm(['json', 'no_such_one']))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(AGENT.parent)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['no_such_one']\n"


async def test_the_agent_needs_nothing_but_its_folder(tmp_path: Path):
    folder = tmp_path / "anything"
    shutil.copytree(AGENT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    data = tmp_path / "data"
    data.mkdir()
    frame = pack(
        {"type": "run"}, b"import sys\n'projectdavid' in sys.modules, [p for p in sys.path if 'anything' in p]"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", str(folder), f"--root={data}", f"--scratch={tmp_path}",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={},
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    unpacker, said = FrameUnpacker(), []
    async with asyncio.timeout(PATIENCE):
        process.stdin.write(frame)
        while not any(header["type"] == "done" for header, _ in said):
            said += unpacker.feed(await process.stdout.read(65536))
        process.stdin.close()
        assert await process.wait() == 0
    assert [body for header, body in said if header["type"] == "display"] == [b"(False, [])"]


async def test_the_end_of_the_host_ends_the_agent_and_all_that_it_started(sandbox: PlainSandbox):
    session = await sandbox.open(SessionSpec("python"))
    source = "import os, subprocess\nchildren = [subprocess.Popen(['sleep', '1000'], start_new_session=True)]\n"
    source += "[os.getppid(), os.getpid(), children[0].pid]"
    pids = json.loads(str(await value(session, source)))
    await session.close()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_the_death_of_the_agent_is_the_end_of_the_session(sandbox: PlainSandbox):
    session = await sandbox.open(SessionSpec("python"))
    with pytest.raises(SessionLost, match="SIGKILL"):
        await ran(session, "import os\nos.kill(os.getppid(), 9)\nwhile True: pass")
    await session.close()


async def test_a_worker_that_cannot_begin_is_not_begun_over_and_over(sandbox: PlainSandbox):
    async with opened(sandbox) as session:
        folder = await value(session, "import os; os.getcwd()")
        shutil.rmtree(str(folder).strip("'"))
        assert (await ran(session, "os._exit(1)")).done.status == "died"
        for _ in range(3):
            assert (await ran(session, "1")).done.status == "died"


FORGE = """
import json, os, socket, stat
for fd in range(200, 300):
    try:
        if stat.S_ISSOCK(os.fstat(fd).st_mode): break
    except OSError: pass
line = socket.socket(fileno=os.dup(fd))
def say(**header): line.send(b'h' + json.dumps({'size': 0, **header}).encode())
"""


@pytest.mark.parametrize(
    "forged",
    [
        "say(kind='done', number=1, status='ok')\nsay(kind='done', number=2, status='ok')",
        "say(kind='done', number='x', status='ok')\nsay(kind='done', number=2, status='timeout')\nsay(kind=[])",
        "say(kind='done', number=2, status='interrupted')",
        "say(kind='display', sizes=[['text/plain', 10**30]], result=True)",
        "say(kind='display', sizes=[['text/plain', -1], ['a/b', 1]], result=True)",
        "say(kind='display', sizes=[['\\ud800/x', 0]], result=True)",
        "say(kind='display', sizes={}, result=True)\nsay(kind='display', sizes=[], result=1)",
        "for _ in range(1000): say(kind='display', sizes=[], result=True)",
        "for _ in range(1000): line.send(b'b' + bytes(60_000))",
        "line.send(b'h' + b'[' * 60_000)\nline.send(b'h' + b'9' * 60_000)\nline.send(b'h\\xff')\nline.send(b'x')",
        "line.shutdown(socket.SHUT_RD)",
        "line.shutdown(socket.SHUT_WR)",
    ],
)
async def test_what_the_code_forges_in_the_name_of_its_worker_spoils_its_own_run_only(
    sandbox: PlainSandbox, forged: str
):
    async with opened(sandbox) as session:
        await ran(session, FORGE)
        await ran(session, forged)
        await ran(session, "1")  # whatever the forgery has left unsaid is said by now
        assert (await ran(session, "print('on')\n1 + 1")).result == "2"
