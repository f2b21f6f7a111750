"""A session's share of kernel objects that are limited per user or per machine."""

import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import libc

_PART: Final = 0.75
"""Fraction of all objects for sessions; the rest is for other programs."""
_KERNEL: Final = Path("/proc/sys")
_SETTINGS: Final = {
    "max_inotify_instances": "inotify/max_user_instances",
    "max_inotify_watches": "inotify/max_user_watches",
}
"""Limits of a user namespace, and the location of the user's own limit."""
_HIDDEN: Final = (
    *("version", "cmdline", "diskstats", "partitions", "interrupts", "softirqs", "modules", "kallsyms", "keys"),
    *("key-users", "timer_list", "sched_debug", "zoneinfo", "buddyinfo", "swaps", "iomem", "ioports", "schedstat"),
)
"""Files of `/proc` that describe the machine and that programs do not need."""
_ARGUMENTS: Final = (47, 48)
"""Indexes of the fields of `/proc/self/stat` with the start and end of the process's arguments."""
NAME: Final = b"sandbox"


@dataclass(frozen=True)
class KernelShares:
    """Maximum kernel objects of one session."""

    terminals: int
    """Pseudo terminals."""
    signals: int
    """Pending signals, including timers."""
    objects: dict[str, int]
    """By name of a setting in `/proc/sys/user`."""

    @classmethod
    def divide_by(cls, sessions: int) -> "KernelShares":
        """Divide what this machine has into this many shares."""
        pty = _number("kernel/pty/max") - _number("kernel/pty/reserve")
        limits = {name: min(_number(f"user/{name}"), _number(f"fs/{path}")) for name, path in _SETTINGS.items()}
        pending = resource.getrlimit(resource.RLIMIT_SIGPENDING)[0]
        return cls(
            terminals=_share(pty, sessions, 64),
            signals=1024 if pending == resource.RLIM_INFINITY else _share(pending, sessions, 1024),
            objects={
                "max_inotify_instances": _share(limits["max_inotify_instances"], sessions, 32),
                "max_inotify_watches": _share(limits["max_inotify_watches"], sessions, 65_536),
            },
        )

    @classmethod
    def of(cls, body: Mapping[str, object]) -> "KernelShares":
        """Parse shares from a message."""
        return cls(**body)  # pyright: ignore[reportArgumentType]


def bound_objects(shares: KernelShares) -> bool:
    """Limit the objects of the session's user namespace; returns False if the kernel or `/proc` does not allow it."""
    try:
        for name, most in shares.objects.items():
            (_KERNEL / "user" / name).write_text(str(most))
    except OSError:
        return False
    return True


def hide_machine() -> None:
    """Cover the files in the session's own `/proc` that describe the machine."""
    for name in _HIDDEN:
        if Path("/proc", name).exists():
            libc.mount("/dev/null", f"/proc/{name}", flags=libc.MS_BIND)


def hide_arguments() -> None:
    """Overwrite the arguments of this process, which name folders of the host."""
    with suppress(OSError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start, end = (int(fields[place - 2]) for place in _ARGUMENTS)
        if 0 < start < end:
            libc.write_memory(start, NAME.ljust(end - start, b"\0")[: end - start])


def _share(limit: int, sessions: int, most: int) -> int:
    return max(1, min(most, int(limit * _PART) // sessions))


def _number(name: str) -> int:
    try:
        return int((_KERNEL / name).read_text())
    except (OSError, ValueError):
        return 1 << 16
