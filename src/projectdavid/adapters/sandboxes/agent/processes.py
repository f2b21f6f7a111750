"""Process helpers of the agent: inherited file descriptors, killing, and descriptions of exit statuses."""

import contextlib
import ctypes
import fcntl
import os
import resource
import signal
from collections.abc import Iterable
from pathlib import Path
from time import sleep

_DEATH_SIGNAL, _DUMPABLE, _SUBREAPER = 1, 4, 36  # linux/prctl.h
_TRIES, _PAUSE = 500, 0.01
_ABOVE = 200
"""File descriptors to keep are moved above this number, out of the way of the code's own."""


def out_of_the_way(fd: int) -> int:
    """Return a copy of `fd` with a high number, which started programs do not inherit."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _ABOVE)


def keep_only(kept: Iterable[int]) -> None:
    """Close every file descriptor but stdin, stdout, stderr and these."""
    low = 3
    for fd in sorted(kept):
        os.closerange(low, fd)
        low = fd + 1
    os.closerange(low, max(low, resource.getrlimit(resource.RLIMIT_NOFILE)[0]))


def fork() -> int:
    """Fork. At the process limit, wait until processes that are being killed are gone.

    Raises:
        OSError: it fails.
    """
    for _ in range(_TRIES):
        try:
            return os.fork()
        except BlockingIOError:
            reap_children()
            sleep(_PAUSE)
    return os.fork()


def become_a_child() -> None:
    """Set up a new child: own session, default signals, first to be killed when memory runs out."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.setsid()
    prctl(_DEATH_SIGNAL, signal.SIGKILL)  # when the agent dies; the first process of a namespace takes all with it
    dumpable(True)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500")


def dumpable(yes: bool) -> None:
    """Set whether other processes of the session can inspect this one."""
    prctl(_DUMPABLE, int(yes))


def adopt_orphans() -> None:
    """Become the parent of orphans; the first process of a namespace is it anyway."""
    prctl(_SUBREAPER, 1)


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process, if the system supports it."""
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def kill_all(worker: int) -> None:
    """Kill the worker and everything that it has started."""
    if os.getpid() == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(worker, signal.SIGKILL)
    kill_children()


def kill_children() -> None:
    """Kill the children of this process."""
    try:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return
    for pid in children.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def kill_orphans() -> None:
    """Kill the children and their orphans until none is left."""
    with contextlib.suppress(ChildProcessError):
        while True:
            kill_children()
            os.waitpid(-1, 0)


def reap_children() -> list[tuple[int, int]]:
    """Return the children that have ended, with the exit status of each from `waitpid`."""
    found: list[tuple[int, int]] = []
    with contextlib.suppress(ChildProcessError):
        while (one := os.waitpid(-1, os.WNOHANG))[0]:
            found.append(one)
    return found


def in_words(what: str, status: int) -> str:
    """Describe the exit of a process in a sentence."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"{what} exited by itself with exit status {code}."
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    why = {"SIGKILL": ", most likely because memory ran out", "SIGSEGV": ": native code crashed"}.get(name, "")
    return f"{what} was killed by {name}{why}."
