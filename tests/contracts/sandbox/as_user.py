"""Runs a command as an ordinary user of this machine: `python -m tests.contracts.sandbox.as_user COMMAND...`.

Started by root it becomes user 4242, in a mount namespace where the interpreter and this folder can be reached though
a folder above them, as that of root, is closed. Started by anybody else it only runs the command.
"""

import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from projectdavid.adapters.sandboxes.local.jail import libc

UID = 4242
KEPT = ("PATH", "LANG", "PYTHONDONTWRITEBYTECODE", "TEST_TIMEOUT_SCALE")
_ROOT = Path(__file__).resolve().parents[3]


def run(command: list[str]) -> int:
    """Run it, and give its exit status."""
    home = Path(tempfile.mkdtemp(prefix="as-user-"))
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                _become_ordinary(home)
            kept = {name: os.environ[name] for name in KEPT if name in os.environ}
            os.chdir(_ROOT)
            os.execve(command[0], command, {**kept, "HOME": str(home), "TMPDIR": str(home), "LOGNAME": "ordinary"})
        finally:
            os._exit(127)
    try:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _become_ordinary(home: Path) -> None:
    os.chown(home, UID, UID)
    libc.unshare(libc.CLONE_NEWNS)
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    needed = {Path(sys.base_prefix), Path(sys.prefix), _ROOT}
    for closed in {above for place in needed if (above := _closed_above(place)) is not None}:
        inner = {place: os.open(place, os.O_PATH) for place in needed if place.is_relative_to(closed)}
        libc.mount("none", str(closed), "tmpfs", 0, "size=1m,mode=755")
        for place, number in inner.items():
            place.mkdir(parents=True, exist_ok=True)
            libc.mount(f"/proc/self/fd/{number}", str(place), flags=libc.MS_BIND | libc.MS_REC)
            os.close(number)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)


def _closed_above(place: Path) -> Path | None:
    """The outermost folder above that other users cannot enter."""
    return next((above for above in reversed(place.parents) if not above.stat().st_mode & stat.S_IXOTH), None)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
