"""The agent: the first process of a session. It runs no code of strangers, so that whatever they do, it goes on."""

import os
import signal
from collections.abc import Iterator
from time import monotonic
from typing import Any, NoReturn

from .channel import Channel
from .environment import environment
from .files import Files
from .frames import Malformed
from .outputs import Outputs
from .polling import Bell, Interest, wait
from .processes import adopt_orphans, dumpable, ended, in_words, kill_all, kill_children
from .python import PythonWorker
from .shell import ShellWorker
from .tunnel import Tunnel
from .workers import Ended, Ends, Place, Worker

SCRATCH = "/tmp"  # noqa: S108 - inside, it is the session's own
_LOOK = 5.0
"""Seconds after which the agent looks around without being told to."""
_GRACE = 1.0
"""Seconds that the worker has to tell of the end of what was killed, before it is killed itself."""


def serve(
    read_fd: int, write_fd: int, kind: str, limits: dict[str, int], root: str = "/mnt/data", scratch: str = SCRATCH
) -> NoReturn:
    """Serve one session until the host closes the line; then everything in it ends.

    Args:
        read_fd, write_fd: the line to the host; one socket may be both.
        kind: `python` or `shell`.
        limits: `output`, bytes of each run that are kept; `tunnel`, the port of the proxy inside, 0 for any, where
            there is to be one.
        root, scratch: the folders of files, and of what nobody keeps.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    adopt_orphans()
    dumpable(False)
    agent = Agent(Channel(read_fd, write_fd), kind, limits, root, scratch)
    try:
        agent.serve()
    except Malformed:
        pass
    finally:
        agent.end()
        os._exit(0)


class Agent:
    """One session: its worker, its files, its tunnel, and the line to the host."""

    def __init__(self, channel: Channel, kind: str, limits: dict[str, int], root: str, scratch: str) -> None:
        self._channel = channel
        self._bell = Bell()
        output = limits.get("output", 1 << 20)
        self._outputs = Outputs(channel, output, output if kind == "shell" else output // 16)
        self._files = Files(channel, root)
        self._kind = kind
        self._tunnel = Tunnel(channel, limits["tunnel"]) if "tunnel" in limits else None
        proxy = None if self._tunnel is None else self._tunnel.port
        self._place = Place(root, scratch, environment(root, scratch, proxy))
        self._number = 0
        self._running = False
        self._interrupted = self._killed = False
        self._kill_at: float | None = None
        self._state_lost = False
        """The worker ended while nothing ran: the next run must hear of it."""
        self._worker = self._new_worker()

    def serve(self) -> None:
        """Serve until the host is gone."""
        while not self._channel.closed:
            wait(self._interests(), self._patience())
            for header, body in self._channel.received():
                self._on_frame(header, body)
            for pid, status in ended():
                if pid == self._worker.pid:
                    self._on_death(status)
            self._look()

    def end(self) -> None:
        """Leave no process behind."""
        kill_all(self._worker.pid)
        while ended():
            kill_children()

    def _patience(self) -> float:
        """Seconds until something is to be done even if nothing comes."""
        kill = None if self._kill_at is None else max(0.0, self._kill_at - monotonic())
        return min(one for one in (_LOOK, self._outputs.wait(), self._worker.wait(), kill) if one is not None)

    def _look(self) -> None:
        """Do what is to be done by now."""
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
        if not self._channel.crowded:
            yield from self._worker.interests()

    def _on_frame(self, header: dict[str, Any], body: bytes) -> None:
        match header.get("type"):
            case "run":
                self._number += 1
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
            case "resize":
                self._worker.resize(int(header["rows"]), int(header["columns"]))
            case "interrupt" | "restart":
                pass
            case "tunnel_data" | "tunnel_taken" | "tunnel_end":
                if self._tunnel is not None:
                    self._tunnel.on_frame(header, body)
            case _:
                self._files.on_frame(header, body)

    def _new_worker(self) -> Worker:
        ends = Ends(self._outputs, self._channel, self._on_done)
        return ShellWorker(self._place, ends) if self._kind == "shell" else PythonWorker(self._place, ends)

    def _on_done(self, number: int, how: Ended) -> None:
        """The worker says that a run is over; about another one than this it has nothing to say."""
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
        killed = f"{self._worker.what} was killed: it did not heed the interruption."
        words = killed if self._running and self._killed else in_words(self._worker.what, status)
        self._worker = self._new_worker()
        if self._running:
            self._finish("died", words.encode())

    def _finish(self, status: str, error: bytes, exit_status: int | None = None) -> None:
        self._running = False
        self._kill_at = None
        dropped = self._outputs.end()
        self._channel.send(
            "done", error, status=status, exit_status=exit_status, state_lost=self._state_lost, dropped=dropped
        )
        self._state_lost = False
