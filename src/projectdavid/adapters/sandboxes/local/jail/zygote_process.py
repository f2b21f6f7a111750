"""The supervisor's side of one bubblewrap with a zygote: how it is started, and its messages."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Final

from . import channel, process_trees
from .kernel_shares import KernelShares
from .setup import BindMount, SupervisorSetup

_HOME: Final = "/opt/projectdavid"
_INSIDE: Final = 1000
"""The user and group inside."""
_FILES: Final = {
    "/etc/passwd": f"root:x:0:0:root:/:/usr/sbin/nologin\nsandbox:x:{_INSIDE}:{_INSIDE}:sandbox:/mnt/data:/bin/bash\n",
    "/etc/group": f"root:x:0:\nsandbox:x:{_INSIDE}:\n",
    "/etc/hosts": "127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}
_FROM_HOST: Final = ("/etc/ld.so.cache", "/etc/fonts", "/etc/alternatives", "/etc/localtime", "/etc/ssl/certs")
_COVERED: Final = ("proc", "dev", "sys", "tmp", "mnt", "opt")
_START: Final = f"import sys; sys.path.insert(0, {_HOME!r}); from jail.zygote import main; main()"
_ERRORS_KEPT: Final = 2000


class ZygoteProcess:
    """A running zygote; its messages arrive on `socket`."""

    def __init__(self, setup: SupervisorSetup, binds: tuple[BindMount, ...]) -> None:
        """Start it; it sends `warm` when its libraries are loaded."""
        self.socket, theirs = channel.pair()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.warm = False
        self.born = 0
        self._setup = setup
        self._shares = vars(
            KernelShares.divide_by(setup.sessions + setup.spares + 1)
        )  # plus the one of the isolation test
        self._since = time.monotonic()
        self._errors, errors = os.pipe()
        os.set_blocking(self._errors, False)
        texts = {path: _readable(text) for path, text in _FILES.items()}
        kept = (theirs.fileno(), *texts.values())
        try:
            self._process = subprocess.Popen(  # noqa: S603 the arguments are ours
                _command(setup, binds, texts, theirs.fileno()),
                env=_environment(setup),
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
                pass_fds=kept if setup.hardening.closed_descriptors else (),
                close_fds=setup.hardening.closed_descriptors,
            )
        finally:
            for file in (errors, *texts.values()):
                os.close(file)
            theirs.close()

    @property
    def old(self) -> bool:
        """True if it has created enough sessions, or is old enough, to be replaced."""
        age = time.monotonic() - self._since
        return self.born >= self._setup.lifetime_sessions or age >= self._setup.lifetime_seconds

    def fork(self, session: int, kind: str, limits: dict[str, int], counted: bool, stream: socket.socket) -> None:
        """Fork a session that communicates over `stream`, and whose memory is `counted` by a cgroup.

        Raises:
            OSError: it is gone.
        """
        self.born += 1
        order = {"do": "fork", "session": session, "kind": kind, "limits": limits, "counted": counted}
        order["shares"] = self._shares
        channel.send(self.socket, order, (stream.fileno(),))

    def retire(self) -> None:
        """Let it exit with the last of its sessions."""
        with contextlib.suppress(OSError):  # its exit is received as a message
            channel.send(self.socket, {"do": "retire"})

    def end(self) -> str:
        """Stop it with all its sessions, and return its error output."""
        _kill(self._process)
        self._process.wait()
        self.socket.close()
        try:
            ready, _, _ = select.select([self._errors], [], [], 0)
            text = os.read(self._errors, 1 << 16) if ready else b""
        finally:
            os.close(self._errors)
        return text.decode(errors="replace").strip()[-_ERRORS_KEPT:]


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill bubblewrap and its child: the first process inside waits for it, and would wait forever."""
    process.send_signal(signal.SIGSTOP)
    with contextlib.suppress(ChildProcessError):  # it had already exited
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        for pid in reversed(process_trees.processes(process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _readable(text: str) -> int:
    reader, writer = os.pipe()
    os.write(writer, text.encode())
    os.close(writer)
    os.set_inheritable(reader, True)
    return reader


def _environment(setup: SupervisorSetup) -> dict[str, str]:
    folder = Path(setup.python).parent
    one_thread = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        **(setup.environment if not setup.hardening.clean_environment else {}),
        "PATH": f"{folder}:/usr/local/bin:/usr/bin:/bin",
        "HOME": "/mnt/data",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": "/tmp/matplotlib",  # noqa: S108 the sandbox's own
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(one_thread, "1"),
    }


def _command(setup: SupervisorSetup, binds: tuple[BindMount, ...], texts: dict[str, int], talk: int) -> list[str]:
    hardening = setup.hardening
    os.set_inheritable(talk, True)
    inside = str(_INSIDE)
    command = [setup.bubblewrap, "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "sandbox"]
    command += ["--unshare-user", "--uid", inside, "--gid", inside, "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--unshare-pid", *(["--unshare-net"] if hardening.network_namespace else [])]
    command += ["--unshare-ipc"] if hardening.ipc_namespace else []
    command += _host_files() if hardening.minimal_root else _all_files()
    command += ["--tmpfs", "/tmp"]  # noqa: S108 before the binds: an interpreter may be below it
    for bind in binds:
        command += ["--ro-bind", bind.source, bind.target]
    if hardening.minimal_root:
        for path, number in texts.items():
            command += ["--perms", "0444", "--ro-bind-data", str(number), path]
    command += ["--proc", "/proc", "--dev", "/dev", "--dir", "/mnt/data", "--chdir", "/"]
    command += [] if hardening.own_disks else ["--tmpfs", "/mnt/data", "--tmpfs", "/dev/shm"]  # noqa: S108
    if hardening.read_only_root:
        command += ["--remount-ro", "/dev", "--remount-ro", "/"]
    options = json.dumps(vars(hardening)), json.dumps(setup.libraries)
    return [*command, "--", setup.python, "-I", "-c", _START, str(talk), *options]


def _host_files() -> list[str]:
    found = ["--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        place = Path("/", name)
        if place.is_symlink():
            found += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            found += ["--ro-bind", str(place), str(place)]
    for name in _FROM_HOST:
        found += ["--ro-bind-try", name, name]
    return found


def _all_files() -> list[str]:
    """Return everything that the user can access, except what is mounted over."""
    found = _host_files()
    for place in sorted(Path("/").iterdir()):
        if place.is_dir() and not place.is_symlink() and os.access(place, os.X_OK) and place.name not in _COVERED:
            found += ["--ro-bind", str(place), str(place)]
    return found


def inner_folders(agent: str, jail: str, wheels: str) -> tuple[BindMount, ...]:
    """Return the folders inside of our own code and of the operator's wheels."""
    own = (BindMount(agent, f"{_HOME}/agent"), BindMount(jail, f"{_HOME}/jail"))
    return (*own, BindMount(wheels, f"{_HOME}/wheels")) if wheels else own
