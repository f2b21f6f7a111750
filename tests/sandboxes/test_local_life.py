"""The local sandbox when its processes die: what is lost is told, what comes after works, nothing is left behind."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from projectdavid.adapters.sandboxes.local.jail.process_trees import processes
from projectdavid.ports.sandbox import SandboxFull, SandboxLimits, SandboxUnavailable, SessionLost, SessionSpec
from tests.sandboxes.seen import (
    PLAIN,
    agents,
    all_end,
    done,
    events,
    lives,
    only_agent,
    sandbox,
    sleepers,
    stale_groups,
    supervisors,
    until,
    zygotes,
)

pytestmark = pytest.mark.anyio
PYTHON = SessionSpec("python")
ROOT = Path(__file__).resolve().parents[2]


async def test_a_session_that_is_killed_from_outside_is_lost_and_the_next_one_works():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        assert (await done(session, "a = 1")).status == "ok"
        agent = await only_agent()
        os.kill(agent, signal.SIGKILL)
        with pytest.raises(SessionLost, match=r"^The session's processes were killed \(SIGKILL\)\.$"):
            await events(session, "a")
        other = await box.open(PYTHON)
        assert "NameError" in ((await done(other, "a")).error or "")


async def test_a_session_that_is_killed_while_it_runs_says_so_to_who_reads():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        told = session.run("print('here', flush=True)\nwhile True: pass", 60)
        assert "here" in str(await anext(told))
        os.kill(await only_agent(), signal.SIGKILL)
        with pytest.raises(SessionLost, match="killed"):
            await anext(told)


async def test_when_the_zygote_is_killed_its_sessions_are_lost_and_there_is_a_new_one():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        for zygote in zygotes():
            os.kill(zygote, signal.SIGKILL)
        await all_end(agents())
        with pytest.raises(SessionLost, match="sessions are forked from was killed"):
            await events(session, "1")
        assert (await done(await box.open(PYTHON), "1")).status == "ok"


async def test_when_the_supervisor_is_killed_nothing_of_it_is_left_and_there_is_a_new_one():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        below = [*supervisors(), *zygotes(), await only_agent()]
        os.kill(supervisors()[0], signal.SIGKILL)
        await all_end(below)
        with pytest.raises(SessionLost, match="supervisor of the sandbox exited"):
            await events(session, "1")
        assert (await done(await box.open(PYTHON), "1")).status == "ok"
        assert len(supervisors()) == 1


async def test_closing_leaves_nothing_behind():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        assert (await done(session, "import os\nif os.fork() == 0: os.setsid(); os.pause()")).status in ("ok", "died")
        below = [*supervisors(), *zygotes(), await only_agent()]
        assert len(below) == 3
    await all_end(below)
    await until(lambda: not stale_groups())  # the process that removes them ends last
    with pytest.raises(SessionLost):
        await session.list()


async def test_closing_while_it_starts_leaves_nothing_behind(tmp_path: Path):
    slow = tmp_path / "bwrap"
    slow.write_text("#!/bin/sh\nsetsid sleep 1000 &\nwait\n")
    slow.chmod(0o755)
    async with sandbox(replace(PLAIN, bubblewrap=slow)) as box:
        opening = asyncio.create_task(box.open(PYTHON))
        await until(lambda: bool(sleepers()))
        below = [*supervisors(), *sleepers()]
        assert len(below) == 2
    await all_end(below)
    with pytest.raises(SandboxUnavailable, match="closed"):
        await opening


async def test_what_a_session_started_ends_with_it():
    async with sandbox() as box:
        session = await box.open(PYTHON)
        daemon = "import subprocess\nsubprocess.Popen(['sleep', '1000'], start_new_session=True).pid"
        assert (await done(session, daemon)).status == "ok"
        assert (await session.stats()).processes == 3
        agent = await only_agent()
        sleeping = processes(agent)
        assert len(sleeping) == 3
        await session.close()
        assert not any(map(lives, sleeping))


async def test_the_server_killed_leaves_nothing(tmp_path: Path):
    program = tmp_path / "server.py"
    program.write_text(_SERVER)
    server = await asyncio.create_subprocess_exec(
        sys.executable, str(program), stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert server.stdout
    assert await server.stdout.readline() == b"open\n"
    below = [*supervisors(server.pid), *zygotes(server.pid), await only_agent(server.pid)]
    assert len(below) == 3
    server.kill()
    await server.communicate()
    await all_end(below)
    async with sandbox() as box:
        await box.probe()
        await until(lambda: not stale_groups())


async def test_there_are_no_more_sessions_than_there_may_be():
    async with sandbox(replace(PLAIN, sessions=2)) as box:
        first, _ = await asyncio.gather(box.open(PYTHON), box.open(PYTHON))
        with pytest.raises(SandboxFull, match="All 2 sessions"):
            await box.open(PYTHON)
        await first.close()
        assert (await done(await box.open(PYTHON), "1")).status == "ok"


async def test_a_thousand_sessions_asked_for_at_once_are_opened_or_refused():
    async with sandbox(replace(PLAIN, sessions=8)) as box:
        asked = await asyncio.gather(*(box.open(PYTHON) for _ in range(1000)), return_exceptions=True)
        opened = [one for one in asked if not isinstance(one, BaseException)]
        assert len(opened) == 8
        assert all(isinstance(one, SandboxFull) for one in asked if isinstance(one, BaseException))
        assert [(await done(one, "1")).status for one in opened] == ["ok"] * 8


@pytest.mark.parametrize("spares", [0, 2])
async def test_an_old_zygote_makes_room_for_a_new_one_and_ends_with_its_last_session(spares: int):
    async with sandbox(replace(PLAIN, lifetime_sessions=4, spares=spares)) as box:
        await box.probe()
        old = zygotes()
        session = await box.open(PYTHON)
        while not (new := [pid for pid in zygotes() if pid not in old]):
            await (await box.open(PYTHON)).close()
        assert (await done(session, "1")).status == "ok"
        await session.close()
        await all_end(old)
        assert any(map(lives, new))


async def test_a_spare_is_as_good_as_any():
    async with sandbox(replace(PLAIN, spares=1)) as box:
        await box.probe()
        await until(lambda: [len(processes(agent)) for agent in agents()] == [2])
        (spare,) = agents()
        session = await box.open(PYTHON)
        assert lives(spare)
        assert (await done(session, "1 + 1")).status == "ok"
        os.kill(spare, signal.SIGKILL)
        await all_end([spare])
        with pytest.raises(SessionLost):
            await events(session, "1")


async def test_other_limits_get_a_session_of_their_own():
    async with sandbox(replace(PLAIN, spares=1)) as box:
        session = await box.open(SessionSpec("python", SandboxLimits(open_files=333)))
        seen = await events(session, "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))")
        assert "(333, 333)" in str(seen[0])


_SERVER = """
import asyncio
from projectdavid.ports.sandbox import SessionSpec
from tests.sandboxes.seen import PLAIN, done, sandbox

async def main():
    async with sandbox(PLAIN) as box:
        session = await box.open(SessionSpec("python"))
        await done(session, "a = 1")
        print("open", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
