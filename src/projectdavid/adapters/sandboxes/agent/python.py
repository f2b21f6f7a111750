"""The agent's side of a Python worker: a fork of the agent, with pipes for its output and a connection for messages."""

import contextlib
import fcntl
import os
import re
import select
import signal
import termios
from collections import deque
from collections.abc import Iterator
from time import monotonic
from typing import NoReturn

from . import environment
from .event_loop import Interest
from .frames import BODY
from .line import DATAGRAM, MessageAssembler, WorkerLink, datagrams, pair
from .processes import become_a_child, fork, keep_only, out_of_the_way
from .python_runner import CodeRunner
from .workers import WorkerOutputs, WorkerPlace, WorkerResult

_PIPE = 1 << 20
_UNREAD = 100
"""Unread messages of a worker above which no more are sent."""
_ENDING = 0.5
"""Seconds that a worker without a connection has to exit."""
_TYPES = 50
_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,60}/[A-Za-z0-9!#$&^_.+;= -]{1,100}")
_STATUSES = ("ok", "error", "interrupted")


class PythonWorker:
    """Runs Python code, one run after the other, in one namespace."""

    what = "The Python process"

    def __init__(self, place: WorkerPlace, ends: WorkerOutputs) -> None:
        self._ends = ends
        self._line, theirs = pair()
        self._line.setblocking(False)
        self._gatherer = MessageAssembler(BODY)
        self._to_send: deque[bytes] = deque()
        self._broken = False
        self._until = 0.0
        self._number = 0
        self._begun = self._interrupt_waits = False
        pipes = {"stdout": os.pipe(), "stderr": os.pipe()}
        self.pid = fork()
        if self.pid == 0:
            _begin(place, theirs.detach(), *(write_fd for _, write_fd in pipes.values()))
        theirs.close()
        # Kept open on this side, too: a run that closes all its files must not look like the end of the worker.
        self._writes = [write_fd for _, write_fd in pipes.values()]
        self._reads = {name: read_fd for name, (read_fd, _) in pipes.items()}
        for fd in self._reads.values():
            os.set_blocking(fd, False)
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)

    def interests(self) -> Iterator[Interest]:
        """What the loop waits for."""
        if not self._broken:
            yield self._line.fileno(), select.POLLIN | (select.POLLOUT if self._to_send else 0), self._on_line
        for name, fd in self._reads.items():
            yield fd, select.POLLIN, lambda _events, name=name: self._take(name, _PIPE)

    def wait(self) -> float | None:
        """Seconds until a worker without a connection must have exited."""
        return max(0.0, self._until - monotonic()) if self._broken else None

    def look(self) -> None:
        """Kill a worker that has closed its connection but continues."""
        if self._broken and monotonic() >= self._until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def run(self, number: int, source: bytes) -> None:
        """Start a run."""
        self._number = number
        self._begun = self._interrupt_waits = False
        self._to_send.extend(datagrams({"kind": "run", "number": number}, source))
        self._write()

    def interrupt(self) -> None:
        """Interrupt like Ctrl-C, including child processes. A run that has not started is interrupted when it does."""
        if not self._begun:
            self._interrupt_waits = True
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGINT)

    def kill(self) -> bool:
        """Kill the worker: nothing smaller can be killed."""
        return False

    def resize(self, rows: int, columns: int) -> None:
        """Do nothing: it has no terminal."""

    def drain(self) -> None:
        """Read the output that is available now. Waiting for more might never end."""
        for name, fd in self._reads.items():
            waiting = fcntl.ioctl(fd, termios.FIONREAD, b"\0" * 4)
            self._take(name, int.from_bytes(waiting, "little"))

    def close(self) -> None:
        """Close its pipes and its connection."""
        self._line.close()
        for fd in (*self._reads.values(), *self._writes):
            os.close(fd)

    def _take(self, name: str, most: int) -> None:
        if most:
            with contextlib.suppress(BlockingIOError):
                self._ends.outputs.take(name, os.read(self._reads[name], most))

    def _on_line(self, events: int) -> None:
        if events & select.POLLOUT:
            self._write()
        if not events & (select.POLLIN | select.POLLHUP | select.POLLERR):
            return
        try:
            datagram = self._line.recv(DATAGRAM)
        except BlockingIOError:
            return
        except OSError:
            datagram = b""
        if not datagram:
            # It has exited or closed its end: without a connection it is useless.
            self._broken = True
            self._until = monotonic() + _ENDING
            return
        if message := self._gatherer.take(datagram):
            self._take_message(*message)

    def _take_message(self, header: dict[str, object], body: bytes) -> None:
        match header:
            case {"kind": "display", "sizes": list(sizes), "result": bool(result)}:
                self.drain()
                self._ends.outputs.flush()
                if self._ends.outputs.running and _fit(sizes, len(body)):
                    self._ends.channel.send("display", body, sizes=sizes, result=result)
                if len(self._to_send) < _UNREAD:
                    self._to_send.append(b"taken")
                    self._write()
            case {"kind": "begun", "number": int(number)} if number == self._number:
                self._begun = True
                if self._interrupt_waits:
                    self._interrupt_waits = False
                    self.interrupt()
            case {"kind": "done", "number": int(number), "status": str(status)} if status in _STATUSES:
                self.drain()
                self._ends.done(number, WorkerResult(status, body))
            case _:
                pass

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while self._to_send:
                self._line.send(self._to_send[0])
                self._to_send.popleft()


def _fit(sizes: list[object], whole: int) -> bool:
    """Return True if these are types with their sizes: the host ends a session that sends invalid frames."""
    total = 0
    for one in sizes:
        match one:
            case [str(name), int(size)] if size >= 0 and _TYPE.fullmatch(name):
                total += size
            case _:
                return False
    return total == whole and len(sizes) <= _TYPES


def _begin(place: WorkerPlace, line: int, stdout: int, stderr: int) -> NoReturn:
    """The main function of the new process."""
    try:
        become_a_child()
        line, stdout, stderr = (out_of_the_way(fd) for fd in (line, stdout, stderr))
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        keep_only((line, stdout, stderr))
        environment.replace(place.environment)
        os.chdir(place.root)
        CodeRunner(WorkerLink(line), place.root, stdout, stderr).serve()
    finally:
        os._exit(1)
