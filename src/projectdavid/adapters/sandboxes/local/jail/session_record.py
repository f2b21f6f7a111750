"""The supervisor's record of one session."""

import contextlib
import os
import signal
import socket
from dataclasses import dataclass

from . import process_trees
from .cgroups import SessionGroup, SupervisorGroups, wait_until_removed
from .zygote import GO
from .zygote_process import ZygoteProcess


@dataclass
class SessionRecord:
    """One session; `stream` is the server's end of its bytes, `held` the agent's.

    The supervisor keeps the agent's end open until it has reported why a session ended, so the server learns that
    first.
    """

    number: int
    kind: str
    limits: dict[str, int]
    nursery: ZygoteProcess
    stream: socket.socket | None
    held: socket.socket
    request: int | None = None
    """The request that waits for it; None for a spare."""
    pid: int = 0
    inner_pid: int = 0
    """As seen by its zygote."""
    pidfd: int = -1
    group: SessionGroup | None = None
    watch: process_trees.MemoryWatch | None = None
    reason: str = ""
    """Why it was ended, if known."""
    ending: bool = False
    given: bool = False

    def settle(self, pid: int, groups: SupervisorGroups | None, process_limit: bool, memory_limit: bool) -> None:
        """Apply limits to its first process, and let it continue.

        Raises:
            OSError: it is gone, or the kernel refuses the limits.
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
        """Kill it with all its processes, which end with the first one."""
        self.ending = True
        self.reason = self.reason or reason
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)

    def stats(self) -> tuple[int, int]:
        """Return its bytes of memory, and its number of processes."""
        if self.pid == 0:
            return 0, 0
        pids = process_trees.processes(self.pid)
        memory = self.group.memory() if self.group is not None else process_trees.private(pids)
        return memory, len(pids)

    def over(self) -> bool:
        """Return True if it exceeds its memory limit; a cgroup covers all but the socket buffers of some kernels."""
        if self.pid == 0:
            return False
        if self.watch is None:
            self.watch = process_trees.MemoryWatch(self.pid)
        most = self.limits["memory"]
        return self.watch.over(most) if self.group is None else self.watch.waiting > most

    def why(self, status: int) -> str:
        """Return why it ended, as a sentence."""
        if self.reason:
            return self.reason
        if self.group is not None and self.group.ran_out():
            return out_of_memory(self.limits["memory"])
        if status < 0:
            return f"The session's processes were killed ({signal.Signals(-status).name})."
        return f"The session exited by itself (exit status {status})."

    def end(self) -> None:
        """Release its resources."""
        for one in (self.stream, self.held):
            if one is not None:
                one.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)
        if self.group is not None:
            wait_until_removed(self.group, 0.2)


def out_of_memory(limit: int) -> str:
    """Return the sentence for the memory limit."""
    return f"The session used more than its {limit >> 20} MiB of memory and was ended."
