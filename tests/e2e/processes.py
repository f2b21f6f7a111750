"""The processes of the tests: the fake model, the nursery of servers, and the servers themselves."""

import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec

from tests.timeouts import EVENT_TIMEOUT

ROOT = Path(__file__).parents[2]
PATIENCE = EVENT_TIMEOUT
"""Seconds after which whatever is waited for counts as never coming."""
OURS = ("PROJECTDAVID_", "OPENAI_", "OLLAMA_")


class _Process:
    """A process that answers lines with lines of JSON."""

    def __init__(self, *arguments: str, prefix: Sequence[str] = ()) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._process = subprocess.Popen(
            [*prefix, sys.executable, "-W", "error", *arguments],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        """Say something, and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        return self.heard()

    def heard(self) -> dict[str, Any]:
        """The next line."""
        stdout = self._process.stdout
        assert stdout is not None
        ready, _, _ = select.select([stdout], [], [], PATIENCE)
        assert ready, "the process says nothing"
        return json.loads(stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
        self._process.stdout.close()


class Asked(msgspec.Struct):
    """What the fake model was asked once, and whether it could say all that it had to."""

    turn: int
    last_user: str
    finished: bool
    n_messages: int


class Fake(_Process):
    """The fake of a model's server; it outlives the servers that ask it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__("-m", "tests.fakes.upstream", "--host", host)
        self.url = f"http://{host}:{self.heard()['port']}/v1"

    def asked(self, words: str) -> list[Asked]:
        """The requests of the conversations whose last message of the user begins with `words`, in order."""
        with urllib.request.urlopen(f"{self.url}/requests", timeout=PATIENCE) as answer:
            every = msgspec.json.decode(answer.read(), type=list[Asked])
        assert len(every) < 20_000, "the fake has forgotten its first requests"
        return [request for request in every if request.last_user.startswith(words)]

    def reset(self) -> None:
        """Forget everything."""
        urllib.request.urlopen(f"{self.url}/reset", data=b"", timeout=PATIENCE).close()


class Nursery(_Process):
    """Starts servers; `prefix` is a command that runs it on another host."""

    def __init__(self, prefix: Sequence[str] = ()) -> None:
        super().__init__("-m", "tests.e2e.serve_child", prefix=prefix)
        self._lock = threading.Lock()

    def ask(self, **command: Any) -> dict[str, Any]:
        """One at a time."""
        with self._lock:
            return super().ask(**command)


class Server:
    """A server over one folder; it can be killed and started again, each time with another address."""

    def __init__(
        self, nursery: Nursery, data: Path, environ: dict[str, str], log: Path | None = None, **settings: Any
    ) -> None:
        self.data = data
        self.log = log or data.parent / f"{data.name}.log"
        self.key = ""
        self.starts = 0
        self.user = os.getuid()
        """Whose rights it has."""
        self.ahead = 0.0
        """By how many seconds its clock is, from the next start on."""
        self.silence: float | None = None
        """Seconds without a byte after which a connection counts as cut."""
        self.deadly = False
        """Whether it has a tool that ends its process, see `serve_child`."""
        self.port = 0
        """The port that it listens on, from the next start on; 0: any."""
        self.schema: tuple[str, ...] = ()
        """The scripts of the release to come that it is of, from the next start on."""
        self._nursery = nursery
        self._environ = environ
        self._settings = {"drain_seconds": 0, "stream_keep_alive": 1, **settings, "data": str(data), "port": 0}
        self._pid = 0
        self._url = ""
        self._changed = threading.Condition()

    def start(self) -> None:
        """Start; returns when requests are answered."""
        told = self._nursery.ask(**self._command())
        if "error" in told:
            self._nursery.ask(wait=told["pid"])
            raise CannotStart(told["error"])
        with self._changed:
            self._pid, self._url, self.key = told["pid"], told["url"], told["key"]
            self.starts += 1
            self._changed.notify_all()

    def start_and_kill(self, seconds: float) -> None:
        """Start, and be killed after that time, whether it answers by then or not."""
        self._nursery.ask(**self._command(), lives=seconds)

    def _command(self) -> dict[str, Any]:
        told = {"environ": self._environ, "log": str(self.log), "user": self.user, "ahead": self.ahead}
        return {"start": {**self._settings, "port": self.port}, **told, "deadly": self.deadly, "schema": self.schema}

    def kill(self) -> None:
        """`kill -9`, without waiting for anything."""
        with self._changed:
            os.kill(self._pid, signal.SIGKILL)
            self._url = ""

    def terminate(self) -> None:
        """Ask it to stop."""
        with self._changed:
            os.kill(self._pid, signal.SIGTERM)
            self._url = ""

    def ended(self) -> int:
        """Wait until it is gone, and with it its hold on the folder; returns its exit code."""
        status = self._nursery.ask(wait=self._pid)["status"]
        self._pid = 0
        return status

    def url(self) -> str:
        """The address; waits while it is down."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._url, PATIENCE), "the server did not come back"
            return self._url

    def limit_files(self, size: int | None) -> None:
        """From now on no file of the server may grow beyond `size` bytes (None: beyond nothing)."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY if size is None else size, -1))

    @property
    def is_up(self) -> bool:
        """True if it answers requests."""
        return bool(self._url)

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._pid

    @property
    def has_ended(self) -> bool:
        """True if its process ended by itself."""
        return Path(f"/proc/{self._pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "Z"

    @property
    def database(self) -> Path:
        """Its file."""
        return self.data / "projectdavid.db"

    def logged(self) -> str:
        """What it had to complain of."""
        return self.log.read_text(encoding="utf-8")

    def close(self) -> None:
        """Kill it, if it is there."""
        if self._pid:
            self.kill()
            self.ended()


class CannotStart(Exception):
    """The server did not start; the message says why."""
