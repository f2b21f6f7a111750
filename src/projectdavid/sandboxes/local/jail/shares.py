"""A session's share of what the kernel counts for the user that all sessions run as, or for the whole machine."""

import resource
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import libc

_PART: Final = 0.75
"""Of what there is goes to sessions; the rest is for what else the user, or the machine, runs."""
_KERNEL: Final = Path("/proc/sys")
_SETTINGS: Final = {
    "max_inotify_instances": "inotify/max_user_instances",
    "max_inotify_watches": "inotify/max_user_watches",
}
"""What a user namespace can be allowed of what its user has, and where the user's own limit is."""
_HIDDEN: Final = (
    *("version", "cmdline", "diskstats", "partitions", "interrupts", "softirqs", "modules", "kallsyms", "keys"),
    *("key-users", "timer_list", "sched_debug", "zoneinfo", "buddyinfo", "swaps", "iomem", "ioports", "schedstat"),
)
"""Files of `/proc` that describe the machine, and that programs do without."""
_ARGUMENTS: Final = (47, 48)
"""The fields of `/proc/self/stat`, from 0, that say where the process's arguments begin and end."""
NAME: Final = b"sandbox"


@dataclass(frozen=True)
class KernelShares:
    """What one session can have at once."""

    terminals: int
    """Pseudo terminals."""
    signals: int
    """Signals that wait, timers included."""
    objects: dict[str, int]
    """By the name of a setting in `/proc/sys/user`."""

    @classmethod
    def divided(cls, sessions: int) -> "KernelShares":
        """Divide what this machine has into so many shares."""
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
        """Of what travels."""
        return cls(**body)  # pyright: ignore[reportArgumentType]


def bound_objects(shares: KernelShares) -> bool:
    """Bound what the session's user namespace can have; False if this kernel, or this `/proc`, does not let us."""
    try:
        for name, most in shares.objects.items():
            (_KERNEL / "user" / name).write_text(str(most))
    except OSError:
        return False
    return True


def hide_machine() -> None:
    """Cover what describes the machine in the session's own `/proc`."""
    for name in _HIDDEN:
        if Path("/proc", name).exists():
            libc.mount("/dev/null", f"/proc/{name}", flags=libc.MS_BIND)


def hide_arguments() -> None:
    """Overwrite the arguments that this process was started with, which name folders of the host."""
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
