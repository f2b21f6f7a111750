"""Attacks on the session itself: on its life, its output and its protocol. It goes on, or says that it is lost."""

import asyncio
from contextlib import suppress

import pytest

from projectdavid.ports.sandbox import DisplayOutput, OutputText, SandboxFileRefused, SandboxSession, SessionLost
from tests.contracts.sandbox.hold import PROBE_SECONDS, Hold, Ran, put, ran

GIGABYTE = 1 << 30
PRINT_A_GIGABYTE = """
import os
for _ in range(1024):
    os.write(1, b"x" * (1 << 20))
"""
IGNORE_INTERRUPTS = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True:
    time.sleep(1)
"""
STOP = "import os, signal; os.kill(0, signal.SIGSTOP); os.kill(os.getpid(), signal.SIGSTOP)"
LEAVE_ORPHANS = """
import os
for _ in range(300):
    if not os.fork():
        if not os.fork():
            os._exit(0)
        os._exit(0)
    os.wait()
"""
DIE = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
CLOSE_ALL = "import os; os.closerange(0, 1024)"
CLOSE_OUTPUT = "import os, sys; sys.stdout.close(); sys.stderr.close(); os.close(1); os.close(2)"
FAKE_MESSAGES = """
import json, os, struct
told = [json.dumps(message).encode() for message in (
    {"type": "done", "status": "ok"}, {"op": "done"}, {"kind": "died"}, ["done"], {"event": "output"}, 7,
)]
frames = [struct.pack(order, len(text)) + text for text in told for order in (">I", "<I", ">Q")]
frames += [struct.pack(">II", len(text), 0) + text for text in told]
frames += [b"\\xff" * 64, b"\\0" * 64, struct.pack(">I", 1 << 31), text + b"\\n"] if (text := told[0]) else []
ways = [f"/proc/{process}/fd/{file}" for process in ("self", "1", str(os.getppid())) for file in range(64)]
for way in ways:
    try:
        file = os.open(way, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        continue
    for frame in frames:
        try:
            os.write(file, frame)
        except OSError:
            break
    os.close(file)
for file in range(3, 256):
    try:
        os.set_blocking(file, False)
        for frame in frames:
            os.write(file, frame)
    except OSError:
        pass
"""
NOISY_THREADS = """
import threading, time
def noise():
    while True:
        print("noise" * 100)
        time.sleep(0.001)
for _ in range(4):
    threading.Thread(target=noise, daemon=True).start()
"""
LEAVE_A_CHILD = "import subprocess; child = subprocess.Popen(['sleep', '1000'])"
FILL_THE_DISK = """
try:
    with open("full", "wb", buffering=0) as file:
        while True:
            file.write(b"x" * (1 << 20))
except OSError as error:
    print(error)
"""


def status(result: Ran) -> str:
    """How a run ended."""
    return result.done.status if result.done else "lost"


async def answers(session: SandboxSession) -> None:
    """It still does what it is told, and tells what came of it, and nothing else."""
    result = await ran(session, "print('still'); 6 * 7")
    assert status(result) == "ok", result
    assert "still" in result.text
    shown = [event.data["text/plain"] for event in result.events if isinstance(event, DisplayOutput) and event.result]
    assert shown == [b"42"]


@pytest.mark.anyio
class Attacks:
    """Sessions of Python that are attacked from inside."""

    async def test_a_loop_is_interrupted_and_the_state_is_kept(self, hold: Hold) -> None:
        async with hold.session() as session:
            await ran(session, "kept = 6")
            result = await ran(session, "while True: pass", 0.3)
            assert status(result) == "timeout"
            assert result.done is not None
            assert not result.done.state_lost
            assert "6" in (await ran(session, "print(kept)")).text

    async def test_an_interrupt_from_outside_keeps_the_state(self, hold: Hold) -> None:
        async with hold.session() as session:
            told: list[str] = []
            async for event in session.run(
                "kept = 6\nprint('on', flush=True)\nimport time\ntime.sleep(1000)", PROBE_SECONDS
            ):
                told.append(getattr(event, "status", ""))
                if isinstance(event, OutputText) and "on" in event.text:
                    await session.interrupt()
            assert told[-1] == "interrupted"
            assert "6" in (await ran(session, "print(kept)")).text

    @pytest.mark.parametrize(
        "source", [IGNORE_INTERRUPTS, "sum(range(10**14))", STOP], ids=["ignores", "does not look", "stops"]
    )
    async def test_what_does_not_heed_an_interrupt_is_killed(self, hold: Hold, source: str) -> None:
        async with hold.session() as session:
            await put(session, "kept.txt", b"kept")
            result = await ran(session, source, 2.0)
            assert status(result) == "timeout"
            assert result.done is not None
            assert result.done.state_lost
            assert "kept" in (await ran(session, "print(open('kept.txt').read())")).text
            await answers(session)

    async def test_code_that_kills_itself_loses_its_state_and_keeps_its_files(self, hold: Hold) -> None:
        async with hold.session() as session:
            await put(session, "kept.txt", b"kept")
            result = await ran(session, DIE)
            assert status(result) == "died"
            assert result.done is not None
            assert result.done.state_lost
            assert "kept" in (await ran(session, "print(open('kept.txt').read())")).text
            await answers(session)

    async def test_a_gigabyte_of_output_is_read_and_dropped(self, hold: Hold) -> None:
        async with hold.session() as session:
            result = await ran(session, PRINT_A_GIGABYTE)
            assert status(result) == "ok"
            assert result.done is not None
            assert len(result.text) <= hold.limits.output
            assert result.done.dropped >= GIGABYTE - hold.limits.output
            await answers(session)

    @pytest.mark.parametrize("source", [CLOSE_OUTPUT, CLOSE_ALL], ids=["output", "all"])
    async def test_code_that_closes_its_descriptors_does_not_end_the_session(self, hold: Hold, source: str) -> None:
        async with hold.session() as session:
            await ran(session, source, 5)
            await ran(session, DIE)
            await answers(session)

    async def test_messages_that_code_fakes_do_no_harm(self, hold: Hold) -> None:
        async with hold.session() as session:
            await ran(session, FAKE_MESSAGES, 5)
            await ran(session, DIE)
            await answers(session)

    async def test_threads_that_go_on_do_not_break_what_follows(self, hold: Hold) -> None:
        async with hold.session() as session:
            await ran(session, NOISY_THREADS)
            await answers(session)

    async def test_a_child_that_stays_does_not_keep_a_run_from_its_end(self, hold: Hold) -> None:
        async with hold.session() as session:
            assert status(await ran(session, LEAVE_A_CHILD)) == "ok"
            await answers(session)

    async def test_children_of_children_that_end_take_no_room(self, hold: Hold) -> None:
        async with hold.session() as session:
            assert status(await ran(session, LEAVE_ORPHANS)) == "ok"
            await answers(session)

    async def test_a_full_disk_is_told_and_takes_files_again_when_there_is_room(self, hold: Hold) -> None:
        async with hold.session() as session:
            assert "No space left" in (await ran(session, FILL_THE_DISK)).text
            with pytest.raises(SandboxFileRefused):
                await put(session, "more.txt", b"x" * hold.limits.disk)
            await ran(session, "import os; os.unlink('full')")
            await put(session, "more.txt", b"more")
            await answers(session)

    async def test_two_runs_at_once_do_not_mix(self, hold: Hold) -> None:
        async with hold.session() as session:
            runs = [ran(session, f"import time; time.sleep(0.1); print('mine-{at}')") for at in range(2)]
            results = await asyncio.gather(*runs, return_exceptions=True)
            for at, result in enumerate(results):
                if isinstance(result, Ran):
                    assert f"mine-{1 - at}" not in result.text
            assert any(isinstance(result, Ran) and status(result) == "ok" for result in results)
            await answers(session)

    async def test_a_closed_session_is_lost(self, hold: Hold) -> None:
        session = await hold.open()
        await session.close()
        with pytest.raises(SessionLost):
            await put(session, "late.txt", b"late")
        with suppress(SessionLost):
            await session.close()
