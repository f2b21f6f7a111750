"""Start servers in processes of their own, and read from the system what they have cost."""

import json
import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NANOSECONDS = 1e9
STOP_SECONDS = 10


class Process:
    """A running command that has printed one line of JSON: where it is (`told`)."""

    def __init__(self, *command: str, cwd: Path, **environment: str) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PROJECTDAVID_", "OPENAI_"))}
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=cwd,
            env={**env, "PYTHONPATH": str(ROOT), **environment},
            text=True,
        )
        self.told = self._line()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._popen.pid

    def ask(self, question: dict[str, Any]) -> Any:
        """Write one line of JSON to it; returns the line that it answers."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps(question) + "\n")
        self._popen.stdin.flush()
        return self._line()

    def _line(self) -> Any:
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._popen.args} ended: {self._popen.wait()}")
        return json.loads(line)

    def stop(self) -> None:
        """Terminate it, and wait."""
        self._popen.terminate()
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for pipe in (self._popen.stdin, self._popen.stdout):
            if pipe is not None:
                pipe.close()

    def cpu(self) -> float:
        """Seconds of CPU that its threads have used, by the scheduler's own count."""
        tasks = Path(f"/proc/{self._popen.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text().split()[0]) for task in tasks) / NANOSECONDS

    def memory(self) -> float:
        """Megabytes of memory that are its own, with its share of what it shares (PSS)."""
        lines = Path(f"/proc/{self._popen.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


@contextmanager
def running(module: str, *arguments: str, cwd: Path, **environment: str) -> Generator[Process]:
    """A module of Python as a process that is stopped at the end."""
    with running_command(sys.executable, "-m", module, *arguments, cwd=cwd, **environment) as process:
        yield process


@contextmanager
def running_command(*command: str, cwd: Path, **environment: str) -> Generator[Process]:
    """A process that is stopped at the end."""
    process = Process(*command, cwd=cwd, **environment)
    try:
        yield process
    finally:
        process.stop()
