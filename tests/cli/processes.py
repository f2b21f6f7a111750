"""Commands as processes, and a fake of a model's server."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.timeouts import PROCESS_TIMEOUT

PATIENCE = PROCESS_TIMEOUT
"""Seconds after which a test gives up; none of them needs so long."""
ROOT = Path(__file__).resolve().parents[2]
COMMAND = str(Path(sys.executable).with_name("projectdavid"))
INTERRUPTIBLE = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from projectdavid.cli import main
main()
"""
"""The command, where whoever started the tests told them to ignore SIGINT."""


def surroundings(home: Path, **variables: str) -> dict[str, str]:
    """An environment with nothing of this machine's configuration, and no way to the network but loopback."""
    nowhere = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    path = f"{Path(COMMAND).parent}{os.pathsep}{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(home), "COLUMNS": "100", **nowhere, **variables}


def finished(
    *arguments: str, home: Path, stdin: str = "", environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        input=stdin,
        env=surroundings(home, **(environment or {})),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@contextmanager
def started(
    *command: str, home: Path, environment: Mapping[str, str] | None = None, stdin: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A process that runs while the test does."""
    process = subprocess.Popen(
        command,
        env=surroundings(home, **(environment or {})),
        cwd=home,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def upstream() -> Iterator[str]:
    """The base URL of a fake of a model's server."""
    command = [sys.executable, "-m", "tests.fakes.upstream"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}/v1"
        finally:
            process.terminate()


def stopped(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """Send a signal and wait: the exit code, and what was still to be read."""
    process.send_signal(number)
    rest, errors = process.communicate(timeout=PATIENCE)
    return process.returncode, rest, errors


def read_until(handle: int, wanted: str) -> str:
    """Read until a text is there."""
    seen = ""
    while wanted not in seen:
        assert is_there(handle, PATIENCE), f"{wanted!r} did not come: {seen!r}"
        chunk = os.read(handle, 4096)
        assert chunk, f"{wanted!r} did not come: {seen!r}"
        seen += chunk.decode()
    return seen


def is_there(handle: int, seconds: float) -> bool:
    """Whether there is something to read within a time."""
    return bool(select.select([handle], [], [], seconds)[0])
