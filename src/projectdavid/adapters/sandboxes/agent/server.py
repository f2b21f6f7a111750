"""The agent: the first process of a session. It runs no code of users, so it survives whatever the code does."""

import os
import signal
from collections.abc import Iterator
from time import monotonic
from typing import Any, NoReturn

from .channel import AgentChannel
from .environment import environment
from .event_loop import ChildSignal, Interest, wait
from .files import FileService
from .frames import MalformedFrame
from .outputs import OutputBuffer
from .processes import adopt_orphans, dumpable, in_words, kill_all, kill_children, kill_orphans, reap_children
from .python import PythonWorker
from .shell import ShellWorker
from .tunnel import AgentTunnel
from .workers import CodeWorker, WorkerOutputs, WorkerPlace, WorkerResult

SCRATCH = "/tmp"  # noqa: S108 - inside, it is the session's own
_LOOK = 5.0
"""Seconds between two checks without an event."""
_GRACE = 1.0
"""Seconds that the worker has to report the end of a killed program, before it is killed itself."""


def serve(
    read_fd: int, write_fd: int, kind: str, limits: dict[str, int], root: str = "/mnt/data", scratch: str = SCRATCH
) -> NoReturn:
    """Serve one session until the host closes the connection; then kill everything in it.

    Args:
        read_fd, write_fd: the connection to the host; one socket can be both.
        kind: `python` or `shell`.
        limits: `output`, bytes of each run that are kept; `tunnel`, the port of the proxy inside (0 for any), if the
            session has one.
        root, scratch: the folders of files, and of temporary files.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    dumpable(False)
    agent = SessionAgent(AgentChannel(read_fd, write_fd), kind, limits, root, scratch)
    try:
        agent.serve()
    except MalformedFrame:
        pass
    finally:
        agent.end()
        os._exit(0)


class SessionAgent:
    """One session: its worker, its files, its tunnel, and the connection to the host."""

    def __init__(self, channel: AgentChannel, kind: str, limits: dict[str, int], root: str, scratch: str) -> None:
        self._channel = channel
        self._bell = ChildSignal()
        output = limits.get("output", 1 << 20)
        self._outputs = OutputBuffer(channel, output, output if kind == "shell" else output // 16)
        self._files = FileService(channel, root)
        self._kind = kind
        self._tunnel = AgentTunnel(channel, limits["tunnel"]) if "tunnel" in limits else None
        proxy = None if self._tunnel is None else self._tunnel.port
        self._place = WorkerPlace(root, scratch, environment(root, scratch, proxy))
        self._number = 0
        self._running = False
        self._interrupted = self._killed = False
        self._kill_at: float | None = None
        self._state_lost = False
        """The worker exited between runs: the next run must report it."""
        self._worker = self._new_worker()
        self._fresh = True
        """The worker has run nothing yet: if it exits, a new one is only started when needed, since it could exit
        again.
        """
        self._gone = False
        """There is no worker."""

    def serve(self) -> None:
        """Serve until the host is gone."""
        while not self._channel.closed:
            wait(self._interests(), self._patience())
            for header, body in self._channel.take_frames():
                self._on_frame(header, body)
            for pid, status in reap_children():
                if pid == self._worker.pid and not self._gone:
                    self._on_death(status)
            self._look()

    def end(self) -> None:
        """Kill all processes."""
        if not self._gone:
            kill_all(self._worker.pid)
        if os.getpid() != 1:  # the first process of a namespace takes all others with it
            kill_orphans()

    def _patience(self) -> float:
        """Seconds until the next action is due without an event."""
        kill = None if self._kill_at is None else max(0.0, self._kill_at - monotonic())
        worker = None if self._gone else self._worker.wait()
        return min(one for one in (_LOOK, self._outputs.wait(), worker, kill) if one is not None)

    def _look(self) -> None:
        """Perform the actions that are due."""
        if not self._gone:
            self._worker.look()
        self._outputs.look()
        if self._kill_at is not None and monotonic() >= self._kill_at:
            self._kill_at = None
            kill_all(self._worker.pid)

    def _interests(self) -> Iterator[Interest]:
        yield self._bell.interest()
        yield from self._channel.interests()
        if self._tunnel is not None:
            yield from self._tunnel.interests()
        if not self._channel.crowded and not self._gone:
            yield from self._worker.interests()

    def _on_frame(self, header: dict[str, Any], body: bytes) -> None:
        match header.get("type"):
            case "run":
                self._number += 1
                if self._gone:
                    self._begin_anew()
                self._fresh = False
                self._running = True
                self._outputs.begin()
                self._interrupted = self._killed = False
                self._worker.run(self._number, body)
            case "interrupt" if self._running:
                self._interrupted = True
                self._worker.interrupt()
            case "restart" if self._running:
                self._killed = True
                self._kill_at = monotonic() + (_GRACE if self._worker.kill() else 0.0)
            case "resize" if not self._gone:
                self._worker.resize(int(header["rows"]), int(header["columns"]))
            case "interrupt" | "restart" | "resize":
                pass
            case "tunnel_data" | "tunnel_taken" | "tunnel_end":
                if self._tunnel is not None:
                    self._tunnel.on_frame(header, body)
            case _:
                self._files.on_frame(header, body)

    def _new_worker(self) -> CodeWorker:
        ends = WorkerOutputs(self._outputs, self._channel, self._on_done)
        return ShellWorker(self._place, ends) if self._kind == "shell" else PythonWorker(self._place, ends)

    def _on_done(self, number: int, how: WorkerResult) -> None:
        """Handle the worker's report that a run has ended; reports about other runs are ignored."""
        if not self._running or number != self._number:
            return
        status = how.status
        if status == "interrupted" and not self._interrupted:
            status = "error"
        elif self._interrupted and how.exit_status is not None and how.exit_status > 128:
            status = "interrupted"
        self._finish(status, how.error, how.exit_status)

    def _on_death(self, status: int) -> None:
        self._worker.drain()
        self._worker.close()
        if os.getpid() == 1:
            kill_all(self._worker.pid)
        else:
            kill_children()
        self._state_lost = True
        killed = f"{self._worker.what} was killed: it did not react to the interruption."
        words = killed if self._running and self._killed else in_words(self._worker.what, status)
        self._gone = True
        if self._running or not self._fresh:
            self._begin_anew()
        if self._running:
            self._finish("died", words.encode())

    def _begin_anew(self) -> None:
        self._worker = self._new_worker()
        self._fresh, self._gone = True, False

    def _finish(self, status: str, error: bytes, exit_status: int | None = None) -> None:
        self._running = False
        self._kill_at = None
        dropped = self._outputs.end()
        self._channel.send(
            "done", error, status=status, exit_status=exit_status, state_lost=self._state_lost, dropped=dropped
        )
        self._state_lost = False
