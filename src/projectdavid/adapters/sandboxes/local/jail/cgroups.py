"""Control groups, version 1 or 2: the kernel limits the resources of a session's processes together.

Root creates one group and gives it to the user that the supervisor becomes, who creates one in it for each session.
Without root, no groups exist.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_ROOT: Final = Path("/sys/fs/cgroup")
_PREFIX: Final = "projectdavid-"
_PERIOD: Final = 100_000
"""Microseconds of CPU time per session and period: one processor."""
_OLD: Final = ("memory", "pids", "cpu")
_ALL: Final = "+memory +pids +cpu"
_MAIN: Final = "main"
"""In version 2, the group of the supervisor itself, because only leaves contain processes."""


def delegate(uid: int, root: Path = _ROOT) -> "SupervisorGroups | None":
    """Create a group that belongs to `uid`; None if impossible. Groups of dead supervisors are removed."""
    homes = _homes(root)
    if not homes:
        return None
    made: dict[str, Path] = {}
    for controller, home in homes.items():
        sweep(home)
        place = home / f"{_PREFIX}{os.getpid()}"
        try:
            place.mkdir(exist_ok=True)
            _bound(place)
            _give(place, uid)
        except OSError:
            continue
        made[controller] = place
    if "memory" not in made or "pids" not in made:
        for place in made.values():
            _remove(place)
        return None
    return SupervisorGroups(made)


def _homes(root: Path) -> dict[str, Path]:
    """Return the groups of this process by controller; version 2 has one for all."""
    homes: dict[str, Path] = {}
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return {}
    for line in lines:
        _, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            home = root / controller / path.lstrip("/")
            if controller in _OLD and home.is_dir():
                homes[controller] = home
    if homes:
        return homes
    unified = next((line.split(":", 2)[2] for line in lines if line.startswith("0::")), None)
    if unified is None or not (root / "cgroup.controllers").exists():
        return {}
    home = root / unified.lstrip("/")
    # Only leaves contain processes: the group is created next to the one of this process.
    home = home if home == root else home.parent
    try:
        (home / "cgroup.subtree_control").write_text(_ALL)
        available = (home / "cgroup.subtree_control").read_text().split()
    except OSError:
        return {}
    return {controller: home for controller in _OLD if controller in available}


def _bound(place: Path) -> None:
    """All sessions together weigh as much as one busy process per processor, and leave memory for the rest."""
    processors = os.cpu_count() or 1
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4 * 3
    wanted = {
        "cpu.shares": 1024 * processors,
        "cpu.weight": min(100 * processors, 10_000),
        "memory.limit_in_bytes": memory,
        "memory.max": memory,
    }
    for name, value in wanted.items():
        if (place / name).exists():
            (place / name).write_text(str(value))


def _give(place: Path, uid: int) -> None:
    places = [place]
    if (place / "cgroup.subtree_control").exists():
        (place / "cgroup.subtree_control").write_text(_ALL)
        places.append(place / _MAIN)
        places[1].mkdir(exist_ok=True)
    for folder in places:
        for one in (folder, *(folder / name for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads"))):
            with contextlib.suppress(FileNotFoundError):
                os.chown(one, uid, uid)


def sweep(home: Path) -> None:
    """Remove the groups of supervisors that have exited."""
    for place in home.glob(f"{_PREFIX}*"):
        if not _runs(place.name.removeprefix(_PREFIX)):
            _remove(place)


def _runs(owner: str) -> bool:
    """Return False for a process that has exited, also if its parent has not read its status yet."""
    try:
        return owner.isdigit() and Path("/proc", owner, "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def _remove(place: Path) -> None:
    with contextlib.suppress(OSError):
        for inner in place.iterdir():
            if inner.is_dir():
                _remove(inner)
    with contextlib.suppress(OSError):
        _kill_members(place)
        place.rmdir()


def _kill_members(place: Path) -> None:
    """Kill what is in a group, which outlived its supervisor."""
    if (place / "cgroup.kill").exists():
        (place / "cgroup.kill").write_text("1")
    elif (place / "cgroup.procs").exists():  # version 1
        for pid in map(int, (place / "cgroup.procs").read_text().split()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@dataclass(frozen=True)
class SupervisorGroups:
    """The supervisor's own groups, by controller."""

    places: dict[str, Path]

    @property
    def bounds(self) -> tuple[str, ...]:
        """Their limits: of `memory`, `pids`, `cpu`."""
        return tuple(self.places)

    def enter(self) -> None:
        """Move this process to where it can move others from, as version 2 requires.

        Raises:
            OSError: the kernel refuses.
        """
        for main in {place / _MAIN for place in self.places.values()}:
            if main.is_dir():
                (main / "cgroup.procs").write_text(str(os.getpid()))

    def make(self, name: str, memory: int, processes: int, pid: int) -> "SessionGroup":
        """Create a group for a session, and move its first process there.

        Raises:
            OSError: the kernel refuses.
        """
        group = SessionGroup({controller: place / name for controller, place in self.places.items()})
        for place in dict.fromkeys(group.places.values()):
            place.mkdir()
        group.bound(memory, processes)
        for place in dict.fromkeys(group.places.values()):
            (place / "cgroup.procs").write_text(str(pid))
        return group

    def remove(self, seconds: float = 0) -> None:
        """Remove all groups; waits so long for processes that are exiting, which keep theirs until they have."""
        until = time.monotonic() + seconds
        while True:
            for place in self.places.values():
                _remove(place)
            if time.monotonic() >= until or not any(place.exists() for place in self.places.values()):
                return
            time.sleep(0.01)


@dataclass(frozen=True)
class SessionGroup:
    """The groups of one session."""

    places: dict[str, Path]

    def bound(self, memory: int, processes: int) -> None:
        """Set the limits."""
        wanted = {
            "memory": (
                ("memory.limit_in_bytes", memory),
                ("memory.kmem.tcp.limit_in_bytes", memory // 8),  # version 1 counts swap separately
                ("memory.max", memory),
                ("memory.swap.max", 0),
            ),
            "pids": (("pids.max", processes),),
            "cpu": (("cpu.cfs_period_us", _PERIOD), ("cpu.cfs_quota_us", _PERIOD), ("cpu.max", f"{_PERIOD} {_PERIOD}")),
        }
        for controller, place in self.places.items():
            for name, value in wanted[controller]:
                if (place / name).exists():
                    (place / name).write_text(str(value))
        total = self.places["memory"] / "memory.memsw.limit_in_bytes"
        if total.exists():
            total.write_text(str(memory))

    def memory(self) -> int:
        """Bytes in use."""
        return self._number("memory", "memory.current", "memory.usage_in_bytes")

    def processes(self) -> int:
        """Number of processes."""
        return self._number("pids", "pids.current")

    def ran_out(self) -> bool:
        """True if the kernel killed a process here because memory ran out."""
        for name in ("memory.events", "memory.oom_control"):
            with contextlib.suppress(OSError):
                fields = dict(line.split() for line in (self.places["memory"] / name).read_text().splitlines())
                return int(fields.get("oom_kill", 0)) > 0
        return False

    def _number(self, controller: str, *names: str) -> int:
        for name in names:
            with contextlib.suppress(OSError):
                return int((self.places[controller] / name).read_text())
        return 0

    def remove(self) -> bool:
        """Remove it; returns False while the kernel still counts something in it."""
        for place in self.places.values():
            try:
                place.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                return False
        return True


def wait_until_removed(group: SessionGroup, seconds: float) -> None:
    """Remove a group whose processes are exiting."""
    until = time.monotonic() + seconds
    while not group.remove() and time.monotonic() < until:
        time.sleep(0.005)
