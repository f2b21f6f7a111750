"""The warm process: single-threaded, forks for each file, and ends children that the server no longer waits for."""

import json
import os
import selectors
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from projectdavid.adapters.documents.limits import ReaderLimits
from projectdavid.adapters.documents.reader.child import run
from projectdavid.adapters.documents.reader.encodings import DETECTION
from projectdavid.adapters.documents.reader.kinds import READERS, FileHint

LONGEST = 65_536
"""Bytes per request."""
CPU_TOLERANCE = 1.0
"""Difference by which the system's accounting can be below its limit, in seconds."""
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP}
)


class ReaderChild(NamedTuple):
    """The process of a file: the socket of its result, and its CPU limit in seconds."""

    answer: socket.socket
    seconds: int


def serve(control: socket.socket) -> None:
    """Accept files until the server is gone; then end the children."""
    children: dict[int, ReaderChild] = {}
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        later = [*READERS.values(), DETECTION]
        while True:
            events = selector.select(0 if later and children else None)
            if not events:  # the current request is served; this frees memory for the next
                with suppress(ImportError):  # the child of a file that needs it reports the error
                    import_module(later.pop())
            for key, _ in events:
                if key.fileobj is control:
                    request, handles, _, _ = socket.recv_fds(control, LONGEST, 2)
                    if not request:
                        _end_all(children)
                        return
                    others = (control, woken, waking, *(child.answer for child in children.values()))
                    pid, child = _fork(json.loads(request), handles, others)
                    children[pid] = child
                    selector.register(child.answer, selectors.EVENT_READ, pid)
                    control.send(b".")
                elif key.fileobj is woken:
                    woken.recv(4096)
                    for answer in _reap(children):
                        if answer in selector.get_map():
                            selector.unregister(answer)
                        answer.close()
                elif key.data in children:  # the server never writes to this socket: it was closed
                    os.kill(key.data, signal.SIGKILL)
                    selector.unregister(key.fileobj)


def _fork(request: dict[str, Any], handles: list[int], others: Iterable[socket.socket]) -> tuple[int, ReaderChild]:
    """Start the child of a file. The result's socket stays open here, too, to detect when the server stops waiting."""
    file, answer = handles[0], socket.socket(fileno=handles[1])
    reader, limits = os.getpid(), ReaderLimits(**request.pop("limits"))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for other in others:  # a result ends when all copies of its socket are closed
            other.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        run(file, FileHint(**request), limits, answer, reader)
    os.close(file)
    return pid, ReaderChild(answer, limits.seconds)


def _reap(children: dict[int, ReaderChild]) -> list[socket.socket]:
    """Return the sockets of ended children, after reporting the cause on those of failed ones."""
    sockets: list[socket.socket] = []
    while children:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            break
        child = children.pop(pid)
        cause = cause_of_death(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, child.seconds)
        if cause is not None:
            with suppress(OSError):  # the reader is gone or too slow: the cause stays unknown
                child.answer.send(b"\n" + json.dumps({"ended": cause}).encode(), socket.MSG_DONTWAIT)
        sockets.append(child.answer)
    return sockets


def cause_of_death(exit_code: int, used: float, seconds: int) -> str | None:
    """Return why a child ended, given the CPU seconds it used and had; None if it succeeded.

    `time`: it took too long. `crash`: its own fault. `killed`: by the system out of memory, an operator, or the
    wall-clock timer on an overloaded machine; the file is not the cause.
    """
    if exit_code == 0:
        return None
    if -exit_code in (signal.SIGXCPU, signal.SIGKILL) and used >= seconds - CPU_TOLERANCE:
        return "time"
    if exit_code == -signal.SIGALRM:
        return "time" if used >= seconds / 2 else "killed"
    return "crash" if -exit_code in CRASHES else "killed"


def _end_all(children: dict[int, ReaderChild]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
