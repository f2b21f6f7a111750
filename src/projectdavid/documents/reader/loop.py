"""The warm process: one thread, which forks for each file, and ends the child of whoever does not wait any more."""

import json
import os
import selectors
import signal
import socket
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from projectdavid.documents.limits import Limits
from projectdavid.documents.reader.child import run
from projectdavid.documents.reader.kinds import READERS, Asked

LONGEST = 65_536
"""Bytes of a request."""


def serve(control: socket.socket) -> None:
    """Take files until the server is gone; what is read then is ended."""
    children: dict[int, socket.socket] = {}
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
                    pid, answer = _fork(json.loads(request), handles, (control, woken, waking, *children.values()))
                    children[pid] = answer
                    selector.register(answer, selectors.EVENT_READ, pid)
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


def _fork(request: dict[str, Any], handles: list[int], others: Iterable[socket.socket]) -> tuple[int, socket.socket]:
    """Start the child of a file; its answer's socket stays open here, too, so that we see when nobody waits for it."""
    file, answer = handles[0], socket.socket(fileno=handles[1])
    reader = os.getpid()
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        for other in others:  # an answer ends when all have closed its socket
            other.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        limits = Limits(**request.pop("limits"))
        run(file, Asked(**request), limits, answer, reader)
    os.close(file)
    return pid, answer


def _ended(children: dict[int, socket.socket]) -> list[socket.socket]:
    """The sockets of the children that have ended."""
    sockets: list[socket.socket] = []
    while children:
        pid, _ = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        sockets.append(children.pop(pid))
    return sockets


def _end_all(children: dict[int, socket.socket]) -> None:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    for pid in children:
        os.waitpid(pid, 0)
