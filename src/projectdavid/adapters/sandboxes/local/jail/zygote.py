"""The process with preloaded libraries, which forks once per session and never runs users' code.

It is the first process of its bubblewrap, and single-threaded: otherwise the kernel lets it create no user namespaces.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import select
import signal
import socket
import sys
import traceback
from typing import Any, Final, NoReturn

from . import channel, isolation, kernel_shares, self_test
from .hardening_switches import HardeningSwitches

GO: Final = b"g"
"""Written by the supervisor when the session's first process is in its group."""
CHECK: Final = "check"
"""The kind of session that tests its own isolation."""


def main() -> None:
    """Serve the supervisor until it exits; the arguments are the channel's number, hardening and libraries."""
    number, hardening, libraries = (
        int(sys.argv[1]),
        HardeningSwitches(**json.loads(sys.argv[2])),
        json.loads(sys.argv[3]),
    )
    supervisor = socket.socket(fileno=number)
    agent: Any = importlib.import_module("agent")
    missing, installed = agent.warm(libraries), agent.installed_libraries()
    gc.collect()
    gc.freeze()
    if hardening.closed_descriptors:
        keep_only(number)
    channel.send(supervisor, {"say": "warm", "missing": missing, "installed": installed})
    _serve(supervisor, agent, hardening)


def keep_only(*numbers: int) -> None:
    """Close every file except these and the standard ones."""
    low = 3
    for number in sorted(numbers):
        os.closerange(low, number)
        low = number + 1
    os.closerange(low, os.sysconf("SC_OPEN_MAX"))


def _serve(supervisor: socket.socket, agent: Any, hardening: HardeningSwitches) -> None:
    waker, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    poll = select.poll()
    poll.register(supervisor, select.POLLIN)
    poll.register(waker, select.POLLIN)
    retired = False
    while True:
        ready = dict(poll.poll())
        if waker.fileno() in ready:
            waker.recv(4096)
            if not _reap(supervisor) and retired:
                return
        if supervisor.fileno() in ready:
            message = channel.receive(supervisor)
            if message is None:
                return
            if message.body["do"] == "retire":
                retired = True
                if not _reap(supervisor):
                    return
                continue
            _fork(supervisor, message, agent, hardening)


def _reap(supervisor: socket.socket) -> bool:
    """Report how children exited; returns whether any are left."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        channel.send(supervisor, {"say": "exit", "pid": pid, "status": os.waitstatus_to_exitcode(status)})


def _fork(supervisor: socket.socket, message: channel.ChannelMessage, agent: Any, hardening: HardeningSwitches) -> None:
    (stream,) = message.files
    number = message.body["session"]
    if os.fork() == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            _become(supervisor, stream, message.body, agent, hardening)
        except BaseException:  # noqa: BLE001 the edge of a process
            # This process ends here in any case, and the supervisor gets the reason.
            reason = traceback.format_exc(limit=-2)[-2000:]
            with contextlib.suppress(OSError):
                channel.send(supervisor, {"say": "failed", "session": number, "reason": reason})
        finally:
            os._exit(1)
    os.close(stream)


def _become(
    supervisor: socket.socket, stream: int, order: dict[str, Any], agent: Any, hardening: HardeningSwitches
) -> NoReturn:
    room, counted = isolation.SessionLimits.of(order["limits"]), order["counted"]
    granted = kernel_shares.KernelShares.of(order["shares"])
    isolation.leave(hardening)
    pid = os.fork()
    if pid:
        channel.send(supervisor, {"say": "born", "session": order["session"], "pid": pid})
        os._exit(0)
    os.setsid()
    inherited = isolation.inherited_data()
    if hardening.hidden_machine:
        kernel_shares.hide_arguments()
    isolation.furnish(room, granted, counted, hardening)
    bounded = not hardening.object_limit or kernel_shares.bound_objects(granted)
    if hardening.closed_descriptors:
        keep_only(stream, supervisor.fileno())
    null = os.open("/dev/null", os.O_RDWR)
    for standard in range(3):
        os.dup2(null, standard)
    os.close(null)
    # The kernel adds the pid of this process as the supervisor sees it.
    channel.send(supervisor, {"say": "ready", "session": order["session"]})
    if os.read(stream, 1) != GO:
        os._exit(1)
    supervisor.close()
    isolation.confine(room, granted, inherited, counted=counted, bounded=bounded, hardening=hardening)
    random.seed()
    if order["kind"] == CHECK:
        self_test.check(stream)
    agent.serve(stream, stream, order["kind"], order["limits"])
    os._exit(0)
