"""What a session leaves for another to find, and what that other looks for."""

import ctypes
import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.contracts.sandbox.inside.system import Facts, call, content, number, processes

MARK = "neighbour"
PORT = 28_411
KEY = 0x6E656967
KEPT: list[object] = []


def leave(facts: Facts) -> list[str]:
    """Files on each disk, listeners, shared memory, a process; they stay."""
    for place in facts["disks"]:
        Path(place, MARK).write_text(MARK)
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", PORT))
    udp.bind(("127.0.0.1", PORT))
    tcp.listen()
    abstract, named = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{MARK}")
    abstract.listen()
    named.bind("/tmp/neighbour.sock")
    named.listen()
    call(number(29, 194), KEY, 4096, 0o1666)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", MARK])
    KEPT.extend([tcp, udp, abstract, named, child])
    return []


def find(facts: Facts) -> list[str]:
    """All that can be had of what another session left."""
    places = [str(Path(place, MARK)) for place in facts["disks"]]
    places += [f"/proc/{process}/root{place}" for process in processes() for place in places]
    found = [place for place in places if content(place)]
    for name, family, address in (
        ("TCP", socket.AF_INET, ("127.0.0.1", PORT)),
        ("an abstract socket", socket.AF_UNIX, f"\0{MARK}"),
        ("a socket", socket.AF_UNIX, "/tmp/neighbour.sock"),
    ):
        with suppress(OSError), socket.socket(family) as client:
            client.settimeout(0.5)
            client.connect(address)
            found.append(name)
    if call(number(29, 194), KEY, 4096, 0o666) >= 0:
        found.append("shared memory")
    lines = {process: content(f"/proc/{process}/cmdline") for process in processes()}
    return found + [f"process {process}" for process, line in lines.items() if line.endswith(f"\0{MARK}\0".encode())]


def hog(facts: Facts) -> list[str]:
    """Take all that a user of the host may have of what is counted by user; it stays taken."""
    libc = ctypes.CDLL(None, use_errno=True)
    for _ in range(facts["limits"]["open_files"] // 4):
        libc.inotify_init1(0)
    with suppress(OSError):
        for _ in range(facts["limits"]["open_files"] // 2):
            KEPT.append(os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY))  # noqa: PERF401 - those before the error count
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
    while libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0:
        pass
    ends = socket.socketpair()
    KEPT.extend(ends)
    with suppress(OSError):
        while True:
            socket.send_fds(ends[0], [b"x"], [0] * 200, socket.MSG_DONTWAIT)
    with suppress(OSError):
        while True:
            write = os.pipe()[1]
            fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 1 << 20)
    for _ in range(facts["limits"]["processes"]):
        pid = os.fork() if _spare() else -1
        if pid == 0:
            with suppress(BaseException):
                for file in range(3, 256):
                    with suppress(OSError):
                        os.close(file)
                with suppress(OSError):
                    while True:
                        fcntl.fcntl(os.pipe()[1], fcntl.F_SETPIPE_SZ, 1 << 20)
                time.sleep(1000)
            os._exit(0)
    return []


def need(facts: Facts) -> list[str]:
    """What ordinary programs need of the kernel, and what of it cannot be had."""
    libc = ctypes.CDLL(None, use_errno=True)
    watcher, missing = libc.inotify_init1(0), list[str]()
    if watcher < 0 or libc.inotify_add_watch(watcher, b"/tmp", 0x100) < 0:
        missing.append(f"a watch of inotify: {os.strerror(ctypes.get_errno())}")
    if watcher >= 0:
        os.close(watcher)
    for name, take in (("a terminal", os.openpty), ("a pipe", os.pipe), ("a pair of sockets", _pair)):
        try:
            for file in take():
                os.close(file)
        except OSError as error:
            missing.append(f"{name}: {error}")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMIN})
    if libc.sigqueue(os.getpid(), signal.SIGRTMIN, None):
        missing.append(f"a signal: {os.strerror(ctypes.get_errno())}")
    signal.sigtimedwait({signal.SIGRTMIN}, 0)
    return missing


def _pair() -> tuple[int, int]:
    one, other = socket.socketpair()
    return one.detach(), other.detach()


def _spare() -> bool:
    """Whether there may be one more process."""
    return len(list(processes())) < resource.getrlimit(resource.RLIMIT_NPROC)[0] - 2


def forget(facts: Facts) -> list[str]:
    """End what was left, where nothing else does."""
    for kept in KEPT:
        if isinstance(kept, subprocess.Popen):
            kept.kill()
            kept.wait()
        elif isinstance(kept, socket.socket):
            kept.close()
    KEPT.clear()
    with suppress(OSError):
        for place in facts["disks"]:
            Path(place, MARK).unlink(missing_ok=True)
            Path(place, "neighbour.sock").unlink(missing_ok=True)
    segment = call(number(29, 194), KEY, 4096, 0o666)
    if segment >= 0:
        call(number(31, 195), segment, 0, 0)
    return []
