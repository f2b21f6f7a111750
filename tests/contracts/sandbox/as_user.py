"""Runs a program as an ordinary user, where root has the interpreter, or this folder, below one that is closed.

`python -m tests.contracts.sandbox.as_user PROGRAM [ARGUMENT ...]`, as root. Nothing of the host changes: what is
mounted is so in a mount namespace of the program's own.
"""

import ctypes
import os
import sys
from pathlib import Path

USER = 4242
REPOSITORY = Path(__file__).resolve().parents[3]
CLONE_NEWNS, MS_BIND, MS_REC, MS_PRIVATE = 0x00020000, 4096, 16384, 1 << 18
ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}
LIBC = ctypes.CDLL(None, use_errno=True)


def become() -> None:
    """Give up root, but for the way to what is needed."""
    _check(LIBC.unshare(CLONE_NEWNS))
    _mount("none", "/", "", MS_REC | MS_PRIVATE)
    needed = [Path(path) for path in (sys.prefix, sys.base_prefix, str(REPOSITORY))]
    needed = [path for path in needed if not any(other in path.parents for other in needed)]
    opened = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in dict.fromkeys(needed)}
    closed = {path: gate for path in opened if (gate := _gate(path)) is not None}
    for gate in set(closed.values()):
        _mount("none", str(gate), "tmpfs", 0)
    for path in closed:
        path.mkdir(parents=True)
        _mount(f"/proc/self/fd/{opened[path]}", str(path), "", MS_BIND | MS_REC)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def _gate(path: Path) -> Path | None:
    """The first folder on the way that others may not pass."""
    return next((above for above in reversed(path.parents) if not above.stat().st_mode & 1), None)


def _mount(source: str, target: str, kind: str, flags: int) -> None:
    _check(LIBC.mount(source.encode(), target.encode(), kind.encode(), flags, b"mode=755" if kind else None))


def _check(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


if __name__ == "__main__":
    become()
    os.chdir(REPOSITORY)
    os.execve(sys.argv[1], sys.argv[1:], ENVIRONMENT)
