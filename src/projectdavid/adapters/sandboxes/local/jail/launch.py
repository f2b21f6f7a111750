"""Start of the supervisor: performs the steps that need root, then drops root permanently.

Only the interpreter's folders, and our own, stay reachable for the new user, in a separate mount namespace, wherever
they are on the host.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from . import cgroups, channel, libc
from .setup import BindMount, SupervisorSetup, of_interpreter
from .supervisor import Supervisor
from .zygote_process import inner_folders

_ASK: Final = """
import json, sys, sysconfig
print(json.dumps({"prefix": sys.prefix, "base_prefix": sys.base_prefix, "executable": sys.executable,
    "stdlib": sysconfig.get_path("stdlib"), "site": sysconfig.get_path("purelib")}))
"""
_ASK_SECONDS: Final = 120
_REMOVE_SECONDS: Final = 10.0
"""For processes of sessions that were killed with their supervisor and are still exiting."""
_OWN: Final = ("/mnt/data", "/dev", "/proc")
_STAGE: Final = "/tmp"  # noqa: S108 covered by a mount of our own, in a namespace of our own


class UnusableSetup(Exception):
    """The operator's configuration cannot be used."""


def main() -> None:
    """Serve the server over the channel whose file descriptor is the first argument."""
    server = socket.socket(fileno=int(sys.argv[1]))
    message = channel.receive(server)
    if message is None:
        return
    os.umask(0o022)
    setup = SupervisorSetup.of(message.body)
    try:
        places = of_interpreter(_ask(setup.python))
        _check(places)
        _check_wheels(setup.wheels)
    except UnusableSetup as error:
        _fail(server, str(error))
        return
    jail = str(Path(__file__).parent)
    binds = (*(BindMount(place, place) for place in places), *inner_folders(setup.agent, jail, setup.wheels))
    drop = os.geteuid() == 0 and setup.hardening.uid_drop
    uid = setup.uid if drop else os.geteuid()
    groups = cgroups.delegate(uid)
    if groups is not None and _is_left_behind(groups, server):
        return
    if drop:
        try:
            *binds, bubblewrap = _stage((*binds, BindMount(setup.bubblewrap, setup.bubblewrap)))
        except OSError as error:
            _fail(server, str(error))  # containers do not let root create mount namespaces either
            return
        setup = replace(setup, bubblewrap=bubblewrap.source)
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        libc.drop_capabilities()
    _serve(server, setup, tuple(binds), groups)


def _check(places: tuple[str, ...]) -> None:
    for place in places:
        if any(Path(place).is_relative_to(own) for own in _OWN):
            raise UnusableSetup(
                f"The interpreter is in {place}, which each session replaces by its own folder: put it elsewhere."
            )


def _check_wheels(folder: str) -> None:
    if folder and not Path(folder).is_dir():
        raise UnusableSetup(f"The folder of wheels {folder} does not exist.")
    if folder and os.geteuid() == 0 and not Path(folder).stat().st_mode & stat.S_IROTH:
        raise UnusableSetup(f"Sandboxes run as another user, who cannot read {folder}: run `chmod -R a+rX` on it.")


def _ask(python: str) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 the operator's own interpreter
            [python, "-I", "-c", _ASK], env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_SECONDS
        )
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise UnusableSetup(f"{python} is not a working Python ({type(error).__name__}).") from error


def _serve(
    server: socket.socket, setup: SupervisorSetup, binds: tuple[BindMount, ...], groups: cgroups.SupervisorGroups | None
) -> None:
    if groups is None and not Path("/proc/thread-self/children").exists():
        _fail(server, "This kernel cannot list the children of a process, and has no control groups either.")
        return
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    with contextlib.suppress(ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Supervisor(server, setup, binds, groups).run()


def _fail(server: socket.socket, reason: str) -> None:
    channel.send(server, {"say": "report", "failure": reason, "remarks": [], "bounds": []})


def _is_left_behind(groups: cgroups.SupervisorGroups, server: socket.socket) -> bool:
    """Return True in the process that only waits to remove the groups when the supervisor has exited."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            groups.enter()  # if it cannot, the first session cannot be limited, which is reported
        return False
    server.close()  # it ends with the supervisor, however long the groups take
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    os.waitpid(child, 0)
    groups.remove(_REMOVE_SECONDS)
    return True


def _stage(binds: tuple[BindMount, ...]) -> tuple[BindMount, ...]:
    """Bind everything to a place that any user can reach: parent folders can be closed, like that of root."""
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    opened = [os.open(bind.source, os.O_PATH | os.O_CLOEXEC) for bind in binds]
    kinds = [Path(bind.source).is_dir() for bind in binds]
    libc.mount("none", _STAGE, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "size=1m,mode=755")
    staged: list[BindMount] = []
    for place, (bind, number, folder) in enumerate(zip(binds, opened, kinds, strict=True)):
        target = Path(_STAGE, str(place))
        target.mkdir() if folder else target.touch()
        libc.mount(f"/proc/self/fd/{number}", str(target), flags=libc.MS_BIND)
        os.close(number)
        staged.append(BindMount(str(target), bind.target))
    return tuple(staged)
