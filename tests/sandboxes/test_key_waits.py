"""Programs that wait for a key that never comes are found; programs that work in silence are not."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from projectdavid.adapters.sandboxes.agent.key_waits import KeyWaits
from projectdavid.tools.computer import ComputerTool
from projectdavid.tools.sessions.sessions import SessionPool
from tests.contracts.sandbox.driving import opened, ran
from tests.fakes.plain_sandbox import PlainSandbox
from tests.timeouts import EVENT_TIMEOUT
from tests.tools.conversation import Conversation
from tests.tools.toys import Clock

RAW = "import tty; terminal = open('/dev/tty', 'rb', buffering=0); tty.setcbreak(terminal); "
WORKS = "print('begun', flush=True)\nwhile True: sum(range(1000))"


@contextmanager
def started(program: str) -> Iterator[tuple[KeyWaits, int]]:
    """A program of Python on a terminal of its own, and what watches it; it has begun."""
    terminal, slave = pty.openpty()

    def own() -> None:
        os.setsid()
        fcntl.ioctl(1, termios.TIOCSCTTY, 0)

    command = [sys.executable, "-c", f"import os, sys, time, select, threading, subprocess\n{program}"]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, preexec_fn=own)
    try:
        shown = b""
        while b"begun" not in shown:
            shown += os.read(terminal, 1000)
        yield KeyWaits(terminal, os.ttyname(slave), patience=0.0), process.pid
    finally:
        os.killpg(process.pid, 9)
        process.wait()
        os.close(terminal)
        os.close(slave)


@pytest.mark.parametrize(
    "program",
    [
        "print('begun', flush=True); open('/dev/tty').read(1)",
        "print('begun', flush=True); os.read(1, 10)",
        "print('begun', flush=True); subprocess.run(['sh', '-c', 'read x </dev/tty; true'])",
        "print('begun', flush=True); os.execlp('cat', 'cat', '/dev/tty')",
        RAW + "print('begun', flush=True); terminal.read(1)",
        RAW + "print('begun', flush=True); select.select([terminal], [], [])",
        RAW + "print('begun', flush=True); poll = select.poll(); poll.register(terminal); poll.unregister(terminal)\n"
        "while True: poll.poll(3_600_000)",
    ],
)
def test_what_waits_for_a_key_is_found(program: str) -> None:
    with started(program) as (waits, group):
        until = time.monotonic() + EVENT_TIMEOUT
        while (name := waits.look(group)) is None:
            assert time.monotonic() < until
            time.sleep(0.1)
        assert name


@pytest.mark.parametrize(
    "program",
    [
        "print('begun', flush=True); time.sleep(60)",
        "print('begun', flush=True); os.read(os.pipe()[0], 1)",
        "print('begun', flush=True); select.select([os.pipe()[0]], [], [])",
        WORKS,
        RAW + "\n" + WORKS,
        RAW + "print('begun', flush=True); time.sleep(60)",
        # It would take a key, and works.
        "threading.Thread(target=lambda: open('/dev/tty').read(1)).start()\n" + WORKS,
        RAW + "\nif os.fork(): print('begun', flush=True); select.select([terminal], [], [])\n"
        "while True: sum(range(1000))",
        "child = pid = os.fork()\nif not pid:\n    while True: sum(range(1000))\nprint('begun', flush=True); os.wait()",
        # Another terminal is not this one.
        "import pty\nmaster, slave = pty.openpty()\nprint('begun', flush=True); os.read(master, 1)",
    ],
)
def test_what_works_in_silence_is_left_alone(program: str) -> None:
    with started(program) as (waits, group):
        for _ in range(6):
            assert waits.look(group) is None
            time.sleep(0.2)


@pytest.mark.anyio
async def test_a_program_that_waits_for_a_key_is_ended_and_the_command_goes_on() -> None:
    sandbox = PlainSandbox()
    async with opened(sandbox, "shell") as session:
        told = await ran(session, "X=5; cat </dev/tty; echo went on")
        assert "[cat waited for a key and was killed: this terminal has no keyboard." in told.terminal
        assert told.terminal.endswith("]\nwent on\n")
        assert (told.done.status, told.done.state_lost) == ("ok", False)
        assert (await ran(session, "echo $X")).terminal == "$ echo $X\n5\n"
    await sandbox.close()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("command", "says", "status"),
    [
        ("git -C r log --format=%an.%ae", "sandbox@localhost", 0),
        ("git -C r commit --allow-empty", "Aborting commit due to empty commit message", 1),
        ("for i in $(seq 40); do git -C r commit -q --allow-empty -m $i; done; git -C r log", "    one\n", 0),
        ("cd r; git config user.name A; git commit -q --allow-empty -m a; git log -1 --format=%an", "\nA\n", 0),
        ("seq 1 1000 | less | tail -n 1", "\n1000\n", 0),
        ("printf 'a\\nb\\n' > t; more -d t", "\na\nb\n", 0),
        ("sudo apt-get install cowsay", "there is no root here, and nothing can be installed", 1),
        ("sh -c 'sudo true'", "there is no root here", 1),
        ("python3 -m pip install no-such-thing-7 2>&1", "No matching distribution found", 1),
        ("${EDITOR} t", "", 1),
    ],
)  # fmt: skip
async def test_programs_show_all_at_once_and_ask_for_nothing(command: str, says: str, status: int) -> None:
    sandbox, conversation = PlainSandbox(), Conversation()
    sessions = SessionPool(sandbox, Clock())
    setup = "git init -q r; git -C r commit -q --allow-empty -m one" if "git" in command else ""
    output = await conversation.run(ComputerTool(sessions), commands=[setup, command])
    await sessions.close()
    await sandbox.close()
    assert output.details["outputs"][1]["exit_status"] == status, output.text
    assert says in output.text
