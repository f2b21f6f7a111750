"""The warm process: one thread, which forks for each file, and ends the child of whoever does not wait any more."""

import json
import os
import selectors
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.child import run
from projectdavid.documents.reader.kinds import READERS, Asked

LONGEST = 65_536
"""Bytes of a request."""
CPU_TOLERANCE = 1.0
"""Seconds by which the accounting of the system is less than its limit."""
CRASHES = frozenset(
    {signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGSYS, signal.SIGTRAP}
)


class Child(NamedTuple):
    """The process of a file: the socket of its answer, and the seconds of a processor that it has."""

    answer: socket.socket
    seconds: int


def serve(control: socket.socket) -> None:
    """Take files until the server is gone; what is read then is ended."""
    children: dict[int, Child] = {}
    woken, waking = socket.socketpair()
    for end in (woken, waking):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno())
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        later = list(READERS.values())
        while True:
            events = selector.select(0 if later and children else None)
            if not events:  # whoever waits is served; so that the next one waits less
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
                    for answer in _ended(children):
                        if answer in selector.get_map():
                            selector.unregister(answer)
                        answer.close()
                elif key.data in children:  # nobody writes to us there: it was closed
                    os.kill(key.data, signal.SIGKILL)
                    selector.unregister(key.fileobj)


def _fork(request: dict[str, Any], handles: list[int], others: Iterable[socket.socket]) -> tuple[int, Child]:
    """Start the child of a file; its answer's socket stays open here, too, so that we see when nobody waits for it."""
    file, answer = handles[0], socket.socket(fileno=handles[1])
    reader, limits = os.getpid(), Limits(**request.pop("limits"))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for other in others:  # an answer ends when all have closed its socket
            other.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        run(file, Asked(**request), limits, answer, reader)
    os.close(file)
    return pid, Child(answer, limits.seconds)


def _ended(children: dict[int, Child]) -> list[socket.socket]:
    """The sockets of the children that have ended; on those of children that did not end well it is reported why."""
    sockets: list[socket.socket] = []
    while children:
        pid, status, used = os.wait4(-1, os.WNOHANG)
        if pid == 0:
            break
        child = children.pop(pid)
        cause = cause_of_death(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, child.seconds)
        if cause is not None:
            with suppress(OSError):  # the reader is gone, or reads too slowly: then the cause is not known
                child.answer.send(b"\n" + json.dumps({"ended": cause}).encode(), socket.MSG_DONTWAIT)
        sockets.append(child.answer)
    return sockets


def cause_of_death(exit_code: int, used: float, seconds: int) -> str | None:
    """Why a child ended that used so many seconds of a processor, of those that it had; None if it ended well.

    `time`: it took too long. `crash`: its own fault. `killed`: by the system, which was out of memory, by an operator,
    or by the timer while the machine had no time for it. The file is not at fault then.
    """
    if exit_code == 0:
        return None
    if -exit_code in (signal.SIGXCPU, signal.SIGKILL) and used >= seconds - CPU_TOLERANCE:
        return "time"
    if exit_code == -signal.SIGALRM:
        return "time" if used >= seconds / 2 else "killed"
    return "crash" if -exit_code in CRASHES else "killed"


def _end_all(children: dict[int, Child]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
