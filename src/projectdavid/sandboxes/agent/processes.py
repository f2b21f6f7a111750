"""Processes as the agent needs them: what a child keeps open, who is killed, and how an end is said in words."""

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path
from time import sleep

_TRIES, _PAUSE = 500, 0.01
_ABOVE = 200
"""File descriptors that must stay are put above this number, out of the way of the code's own."""


def out_of_the_way(fd: int) -> int:
    """A copy of `fd` with a high number, which programs that are started do not get."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)


def keep_only(kept: Iterable[int]) -> None:
    """Close every file descriptor but stdin, stdout, stderr and these."""
    low = 3
    for fd in sorted(kept):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, max(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


def fork() -> int:
    """Fork. Where as many processes as may be are just being killed, wait until they are gone.

    Raises:
        OSError: it cannot be done.
    """
    for _ in range(_TRIES):
        try:
            return os.fork()
        except BlockingIOError:
            ended()
            sleep(_PAUSE)
    return os.fork()


def become_a_child() -> None:
    """In a new child: a session of its own, the signals as any program expects them, and first to go without memory."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    dumpable(True)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def dumpable(yes: bool) -> None:
    """Whether other processes of the session may look into this one."""
    prctl(4, int(yes))


def adopt_orphans() -> None:
    """Become the parent of what the children leave behind; the first process of a namespace is it anyway."""
    prctl(36, 1)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process; what the system does not know is left."""
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def kill_all(worker: int) -> None:
    """Kill the worker and everything that it or its like have started."""
    if os.getpid() == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker, signal.SIGKILL)
    kill_children()


def kill_children() -> None:
    """Kill those that this process is the parent of."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return
    for pid in children.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def ended() -> list[tuple[int, int]]:
    """The children that have ended since the last look, with what `waitpid` says of each."""
    found: list[tuple[int, int]] = []
    with contextlib.suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def in_words(what: str, status: int) -> str:
    """How a process ended, as a sentence."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"{what} ended by itself with exit status {code}."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    why = {"SIGKILL": ", most often because memory ran out", "SIGSEGV": ": native code crashed"}.get(name, "")
    return f"{what} was ended by {name}{why}."
