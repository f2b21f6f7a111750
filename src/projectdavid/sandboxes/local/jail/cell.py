"""What the supervisor knows of one session."""

import contextlib
import os
import signal
import socket
from dataclasses import dataclass

from . import trees
from .cgroups import Group, Groups, wait_until_removed
from .nursery import Nursery
from .zygote import GO


@dataclass
class Cell:
    """One session; `stream` is the server's end of its bytes, `held` the agent's.

    The supervisor keeps the agent's end open until it has told why a session ended: so the server knows that first.
    """

    number: int
    kind: str
    limits: dict[str, int]
    nursery: Nursery
    stream: socket.socket | None
    held: socket.socket
    request: int | None = None
    """Who waits for it; None: a spare."""
    pid: int = 0
    inner_pid: int = 0
    """As its zygote sees it."""
    pidfd: int = -1
    group: Group | None = None
    reason: str = ""
    """Why it was ended, if it was."""
    ending: bool = False
    given: bool = False

    def settle(self, pid: int, groups: Groups | None, process_limit: bool, memory_limit: bool) -> None:
        """Its first process is here: bound it, and let it go on.

        Raises:
            OSError: it is gone again, or the kernel refuses the bounds.
        """
        self.pid = pid
        if self.pidfd < 0:
            self.pidfd = os.pidfd_open(pid)
        if groups is not None:
            most = self.limits["processes"] if process_limit else 1 << 20
            memory = self.limits["memory"] if memory_limit else 1 << 50
            self.group = groups.make(str(self.number), memory, most, pid)
        assert self.stream is not None
        self.stream.send(GO)

    def kill(self, reason: str) -> None:
        """End it with all its processes: they go with the first one."""
        self.ending = True
        self.reason = self.reason or reason
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def stats(self) -> tuple[int, int]:
        """Bytes of memory of its own, and how many processes."""
        if self.pid == 0:
            return 0, 0
        pids = trees.processes(self.pid)
        memory = self.group.memory() if self.group is not None else trees.private(pids)
        return memory, len(pids)

    def over(self) -> bool:
        """Whether it uses more memory than it may; for where no cgroup sees to that."""
        if self.pid == 0:
            return False
        pids = trees.processes(self.pid)
        most = self.limits["memory"]
        return trees.resident(pids) > most and trees.own(pids) > most

    def why(self, status: int) -> str:
        """Why it ended, as a sentence."""
        if self.reason:
            return self.reason
        if self.group is not None and self.group.ran_out():
            return out_of_memory(self.limits["memory"])
        if status < 0:
            return f"The session's processes were killed ({signal.Signals(-status).name})."
        return f"The session ended by itself (exit status {status})."

    def end(self) -> None:
        """Let go of what it held."""
        for one in (self.stream, self.held):
            if one is not None:
                one.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
        if self.group is not None:
            wait_until_removed(self.group, 0.2)


def out_of_memory(limit: int) -> str:
    """The sentence for that."""
    return f"The session used more than its {limit >> 20} MiB of memory and was ended."
