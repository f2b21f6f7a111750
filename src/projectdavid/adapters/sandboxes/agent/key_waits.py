"""Detects programs that wait for a key press, which never comes, by reading `/proc`.

A program counts as waiting only if the kernel reports that it reads the terminal, or that it waits for input after it
switched the terminal to single keys, while no process of its group computes and nothing is printed. So a silent
computation is never mistaken for one. Without the information in `/proc`, nothing is detected.
"""

import contextlib
import os
import platform
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

INTERVAL = 1.0
"""Seconds between two checks."""
_READS = {"x86_64": (0, 19), "aarch64": (63, 65)}
"""Numbers of `read` and `readv`."""
_WAITS = {"x86_64": (7, 23, 232, 270, 271, 281), "aarch64": (22, 72, 73)}
"""Numbers of `poll`, `select`, `epoll_wait`, and their variants."""
_IDLE_TICKS = 1
"""CPU time that a waiting program can use between two checks, in hundredths of a second, for a blinking cursor."""
_LOCAL_FLAGS = 3
"""Index of the local flags in `termios.tcgetattr`."""


@dataclass(frozen=True)
class _Process:
    """A process of the foreground group."""

    pid: int
    name: str
    ticks: int
    sleeps: bool
    call: int
    first: int
    """The first argument of its system call, often a file descriptor."""


class KeyWaits:
    """Watches the foreground process group of one terminal.

    Args:
        terminal: our side of it.
        path: its name in `/dev`.
        patience: seconds that a program must wait continuously before it is reported.
    """

    def __init__(self, terminal: int, path: str, patience: float = 5.0) -> None:
        self._terminal = terminal
        self._patience = patience
        self._names = (path, "/dev/tty")
        machine = platform.machine()
        self._reads, self._waits = _READS.get(machine, ()), _WAITS.get(machine, ())
        self._since: float | None = None
        self._before: tuple[frozenset[int], int] = frozenset(), 0

    def forget(self) -> None:
        """Restart the waiting time after output, or when another command starts."""
        self._since = None

    def look(self, group: int) -> str | None:
        """Return the program of a process group that has waited long enough, or None.

        Call it every INTERVAL seconds.
        """
        processes = list(_processes(group)) if self._reads else []
        waiting = self._waiting(processes)
        found = frozenset(one.pid for one in waiting), sum(one.ticks for one in processes)
        same = found[0] and found[0] == self._before[0] and 0 <= found[1] - self._before[1] <= _IDLE_TICKS
        self._before = found
        if not same:
            self._since = None
            return None
        now = monotonic()
        self._since = now if self._since is None else self._since
        return waiting[0].name if now - self._since >= self._patience else None

    def _waiting(self, processes: list[_Process]) -> list[_Process]:
        readers = [one for one in processes if one.call in self._reads and self._is_terminal(one)]
        if readers or not self._has_single_keys() or not all(one.sleeps for one in processes):
            return readers
        return [one for one in processes if one.call in self._waits]

    def _is_terminal(self, process: _Process) -> bool:
        with contextlib.suppress(OSError):
            return str(Path(f"/proc/{process.pid}/fd/{process.first}").readlink()) in self._names
        return False

    def _has_single_keys(self) -> bool:
        with contextlib.suppress(termios.error):
            return not termios.tcgetattr(self._terminal)[_LOCAL_FLAGS] & termios.ICANON
        return False


def _processes(group: int) -> Iterator[_Process]:
    try:
        pids = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    except OSError:
        return
    for pid in pids:
        with contextlib.suppress(OSError, ValueError, IndexError):
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
            fields = rest.split()  # from the process state on
            if int(fields[2]) != group:
                continue
            words = Path(f"/proc/{pid}/syscall").read_text().split()
            call, first = (int(words[0]), int(words[1], 16)) if len(words) > 1 else (-1, -1)
            yield _Process(pid, name, int(fields[11]) + int(fields[12]), fields[0] == "S", call, first)
