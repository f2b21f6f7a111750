"""Turns a fork of the zygote into a session: namespaces, disks, limits, irrevocably. Then the agent runs."""

import fcntl
import os
import re
import resource
import socket
import stat
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import libc, seccomp
from .hardening_switches import HardeningSwitches
from .kernel_shares import KernelShares, hide_machine

DATA: Final = "/mnt/data"
_SCRATCH: Final = "/tmp"  # noqa: S108 the session's own
NICENESS: Final = 5
"""Nice value: the server takes precedence."""

_CONNECTION_BUFFER: Final = "4096 65536 131072"
"""Minimum, default and maximum bytes of a socket buffer, which count as memory, too."""
_UP: Final = 0x1 | 0x40
_SET_INTERFACE_FLAGS: Final = 0x8914


@dataclass(frozen=True)
class SessionLimits:
    """Limits of a session; sizes in bytes, as in `ports.sandbox.Limits`."""

    memory: int
    disk: int
    scratch: int
    files: int
    processes: int
    open_files: int

    @classmethod
    def of(cls, limits: Mapping[str, int]) -> "SessionLimits":
        """Parse limits from a message, which can contain other fields."""
        return cls(
            limits["memory"],
            limits["disk"],
            limits["scratch"],
            limits["files"],
            limits["processes"],
            limits["open_files"],
        )


def leave(hardening: HardeningSwitches) -> None:
    """Leave the zygote's namespaces; the next child is the first process of the session."""
    uid, gid = os.getuid(), os.getgid()
    flags = libc.CLONE_NEWUSER | libc.CLONE_NEWNS | libc.CLONE_NEWUTS
    flags |= libc.CLONE_NEWPID if hardening.pid_namespace else 0
    flags |= libc.CLONE_NEWNET if hardening.network_namespace else 0
    flags |= libc.CLONE_NEWIPC if hardening.ipc_namespace else 0
    libc.unshare(flags)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        Path("/proc/self", name).write_text(text)


def furnish(room: SessionLimits, granted: KernelShares, counted: bool, hardening: HardeningSwitches) -> None:
    """Mount the session's own disks, `/proc` and terminals; `counted`: a cgroup counts its memory."""
    libc.mount("none", "/", flags=libc.MS_REC | libc.MS_PRIVATE)
    if hardening.own_disks:
        below = _mounted_below(_SCRATCH)
        for place, size in ((DATA, room.disk), (_SCRATCH, room.scratch), ("/dev/shm", room.scratch)):  # noqa: S108 its own
            _disk(place, size if hardening.disk_limit else 0, room.files if hardening.file_limit else 0)
        _bring_back(below)
    if hardening.hidden_memory and not counted:
        # Mapping `/dev/zero` yields memory that is not counted. `/dev/full` reads the same, and cannot be mapped.
        libc.mount("/dev/full", "/dev/zero", flags=libc.MS_BIND)
    terminals = f",max={granted.terminals}" if hardening.terminal_limit else ""
    options = f"newinstance,ptmxmode=0666,mode=620{terminals}"
    libc.mount("devpts", "/dev/pts", "devpts", libc.MS_NOSUID | libc.MS_NOEXEC, options)
    if hardening.fresh_proc and hardening.pid_namespace:
        quiet = libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC
        try:
            libc.mount("proc", "/proc", "proc", quiet)
            if hardening.hidden_machine:
                hide_machine()
        except PermissionError:
            # Parts of the host's /proc are covered, as in containers. Libraries do without; the zygote's /proc is never
            # visible.
            libc.mount("none", "/proc", "tmpfs", quiet | libc.MS_RDONLY, "size=4k,mode=555")


def _mounted_below(folder: str) -> dict[str, int]:
    """Return open mounts below a folder: an interpreter can be below `/tmp`, which the session's own disk covers."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    places = (re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line.split()[4]) for line in lines)
    return {place: os.open(place, os.O_PATH | os.O_CLOEXEC) for place in places if place.startswith(f"{folder}/")}


def _bring_back(mounts: Mapping[str, int]) -> None:
    for place, number in mounts.items():
        target = Path(place)
        folder = stat.S_ISDIR(os.fstat(number).st_mode)
        (target if folder else target.parent).mkdir(parents=True, exist_ok=True)
        if not folder:
            target.touch()
        libc.mount(f"/proc/self/fd/{number}", place, flags=libc.MS_BIND | libc.MS_REC)
        os.close(number)


def _disk(place: str, size: int, files: int) -> None:
    # 0 means "no limit" to tmpfs.
    libc.mount("none", place, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, f"size={size},nr_inodes={files},mode=700")


def confine(
    room: SessionLimits,
    granted: KernelShares,
    inherited: int,
    *,
    counted: bool,
    bounded: bool,
    hardening: HardeningSwitches,
) -> None:
    """Drop all other privileges irrevocably.

    `inherited` bytes of data do not count toward the session; `counted`: a cgroup counts its memory; `bounded`: its
    user namespace limits its kernel objects, else it can have none.
    """
    with suppress(OSError):
        libc.unshare(libc.CLONE_NEWCGROUP)  # hides a path; a kernel without cgroups has none to hide
    socket.sethostname("sandbox")
    if hardening.network_namespace:
        _raise_loopback()
    _limit(room, granted, inherited, hardening)
    os.nice(NICENESS)
    os.chdir(DATA)
    os.umask(0o022)
    libc.prctl(libc.PR_SET_NO_NEW_PRIVS, 1)
    if hardening.no_capabilities:
        libc.drop_bounding_set()
    if hardening.system_calls:
        libc.filter_system_calls(seccomp.program(hardening, counted=counted, bounded=bounded))
    if hardening.no_capabilities:
        libc.drop_capabilities()
    libc.prctl(libc.PR_SET_DUMPABLE, 0)


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_INTERFACE_FLAGS, struct.pack("16sH14x", b"lo", _UP))
    for name in ("tcp_rmem", "tcp_wmem"):
        with suppress(OSError):
            Path("/proc/sys/net/ipv4", name).write_text(_CONNECTION_BUFFER)


def _limit(room: SessionLimits, granted: KernelShares, inherited: int, hardening: HardeningSwitches) -> None:
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_MSGQUEUE: 0, resource.RLIMIT_MEMLOCK: 64 << 10}
    bounds[resource.RLIMIT_NICE] = 0
    bounds[resource.RLIMIT_RTPRIO] = 0
    if hardening.memory_limit:
        # Slightly less than the total: a process that allocates too much gets an error before the session is killed.
        bounds[resource.RLIMIT_DATA] = room.memory - room.memory // 16 + inherited
    if hardening.disk_limit:
        bounds[resource.RLIMIT_FSIZE] = max(room.disk, room.scratch)
    if hardening.process_limit:
        bounds[resource.RLIMIT_NPROC] = room.processes
        bounds[resource.RLIMIT_SIGPENDING] = granted.signals
    if hardening.open_file_limit:
        bounds[resource.RLIMIT_NOFILE] = room.open_files
    for which, most in bounds.items():
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def inherited_data() -> int:
    """Return the bytes of data inherited from the zygote's libraries; requires its `/proc`."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) << 10
    return 0
