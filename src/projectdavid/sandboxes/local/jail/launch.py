"""How the supervisor comes to be: what only root may do is done first, then root is left for ever.

Only the interpreter's folders, and our own, stay reachable for the user that it becomes, in a mount namespace of its
own, wherever on the host they are.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from . import cgroups, channel, libc
from .nursery import inner_folders
from .setup import Bind, Setup, of_interpreter
from .supervisor import Supervisor

_ASK: Final = """
import json, sys, sysconfig
print(json.dumps({"prefix": sys.prefix, "base_prefix": sys.base_prefix, "executable": sys.executable,
    "stdlib": sysconfig.get_path("stdlib"), "site": sysconfig.get_path("purelib")}))
"""
_ASK_SECONDS: Final = 120
_OWN: Final = ("/mnt/data", "/dev", "/proc")
_STAGE: Final = "/tmp"  # noqa: S108 covered by a mount of our own, in a namespace of our own


class Unusable(Exception):
    """What the operator named cannot be used."""


def main() -> None:
    """Serve the server at the other end of the channel whose number is the first argument."""
    server = socket.socket(fileno=int(sys.argv[1]))
    message = channel.receive(server)
    if message is None:
        return
    os.umask(0o022)
    setup = Setup.of(message.body)
    try:
        places = of_interpreter(_ask(setup.python))
        _check(places)
    except Unusable as error:
        _fail(server, str(error))
        return
    jail = str(Path(__file__).parent)
    binds = (*(Bind(place, place) for place in places), *inner_folders(setup.agent, jail))
    drop = os.geteuid() == 0 and setup.hardening.uid_drop
    uid = setup.uid if drop else os.geteuid()
    groups = cgroups.delegate(uid)
    if groups is not None and _is_left_behind(groups):
        server.close()
        return
    if drop:
        try:
            *binds, bubblewrap = _stage((*binds, Bind(setup.bubblewrap, setup.bubblewrap)))
        except OSError as error:
            _fail(server, str(error))  # containers let root make no mount namespace either
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
            raise Unusable(
                f"The interpreter is in {place}, where each session has a folder of its own: put it elsewhere."
            )


def _ask(python: str) -> dict[str, Any]:
    try:
        done = subprocess.run(  # noqa: S603 the operator's own interpreter
            [python, "-I", "-c", _ASK], env={}, stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASK_SECONDS
        )
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise Unusable(f"{python} is not a Python that can be run ({type(error).__name__}).") from error


def _serve(server: socket.socket, setup: Setup, binds: tuple[Bind, ...], groups: cgroups.Groups | None) -> None:
    if groups is None and not Path("/proc/thread-self/children").exists():
        _fail(server, "This kernel does not tell which processes belong together, and has no control groups either.")
        return
    libc.prctl(libc.PR_SET_DUMPABLE, 0)
    with contextlib.suppress(ValueError):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    Supervisor(server, setup, binds, groups).run()


def _fail(server: socket.socket, reason: str) -> None:
    channel.send(server, {"say": "report", "failure": reason, "remarks": [], "bounds": []})


def _is_left_behind(groups: cgroups.Groups) -> bool:
    """Whether this process is the one that stays, and only removes the groups when the supervisor has ended."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            groups.enter()  # where it cannot, the first session cannot be bounded, which is told
        return False
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    os.waitpid(child, 0)
    groups.remove()
    return True


def _stage(binds: tuple[Bind, ...]) -> tuple[Bind, ...]:
    """Bind everything to where any user may go: folders above may be closed, as that of root mostly is."""
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    opened = [os.open(bind.source, os.O_PATH | os.O_CLOEXEC) for bind in binds]
    kinds = [Path(bind.source).is_dir() for bind in binds]
    libc.mount("none", _STAGE, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "size=1m,mode=755")
    staged: list[Bind] = []
    for place, (bind, number, folder) in enumerate(zip(binds, opened, kinds, strict=True)):
        target = Path(_STAGE, str(place))
        target.mkdir() if folder else target.touch()
        libc.mount(f"/proc/self/fd/{number}", str(target), flags=libc.MS_BIND)
        os.close(number)
        staged.append(Bind(str(target), bind.target))
    return tuple(staged)
