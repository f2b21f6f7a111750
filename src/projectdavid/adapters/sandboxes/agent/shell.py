"""The agent's side of a shell worker: bash on its own terminal, which receives its commands outside of it.

Commands are not typed into the terminal: an interactive bash would echo, complete and wait for more lines. Instead of
showing its prompt, bash runs a driver that reads the next command from a pipe, evaluates it, and reports its outcome
over a socket. Ctrl-C brings bash back to its prompt, and so back to the driver. The stdin of commands is /dev/null, so
programs that ask a question get the end of the input at once instead of waiting.
"""

import contextlib
import fcntl
import os
import pty
import secrets
import select
import signal
import socket
import struct
import termios
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import NoReturn

from .event_loop import Interest
from .key_waits import INTERVAL, KeyWaits
from .line import DATAGRAM, pair
from .processes import become_a_child, fork, keep_only
from .workers import WorkerOutputs, WorkerPlace, WorkerResult

ROWS, COLUMNS = 24, 80
_COMMANDS, _STATUS, _TERMINAL = 200, 201, 202
"""File descriptors in bash; they are closed in commands."""
_MARK_WAIT = 1.0
"""Seconds that the terminal has to show output written before a command ended."""
_STARTING = 0.1
"""Seconds in which a program that bash starts can miss a Ctrl-C, unlike bash itself: then it is repeated."""
_WAITED = (
    "\r\n[{name} waited for a key and was killed: this terminal has no keyboard. Use an option or a program without"
    " keys; edit files with sed, python3 or a here-document.]\r\n"
)
_DRIVER = r"""
__now=$?
if [ -z "${__driver-}" ]; then
  export -n PROMPT_COMMAND PS1; unset HISTFILE; set +o history
  __driver=1 __busy= __left= __last=0
  __status() { return "$1"; }
  __told() { printf '%s' "$__mark" >&202; printf 'done %s %s' "$__busy" "$__last" >&201; __busy=; }
fi
if [ -n "$__busy" ]; then [ -n "$__left" ] || __last=$__now; __left=; __told; fi
while :; do
  [ -z "$__busy" ] || { __last=0; __told; }
  IFS= read -r -d '' -u 200 __busy && IFS= read -r -d '' -u 200 __mark && IFS= read -r -d '' -u 200 __command || exit
  printf 'begun %s' "$__busy" >&201
  __status "$__last"
  eval "$__command" </dev/null 200<&- 201>&- 202>&-
  __last=$?
  jobs >/dev/null 2>&1
  __told
done
__last=$? __left=1; kill -INT $$
"""
# Not in a function, where `declare` would create local variables. A command with `continue` skips the end of the loop,
# so its beginning reports; one with `break` leaves it: the signal brings bash back, like Ctrl-C.


class ShellWorker:
    """Runs bash commands; the working directory, variables and jobs persist."""

    what = "The shell"

    def __init__(self, place: WorkerPlace, ends: WorkerOutputs) -> None:
        self._ends = ends
        self._number = 0
        self._begun: float | None = None
        self._interrupt_waits = False
        self._again: float | None = None
        self._ended: WorkerResult | None = None
        self._mark = b""
        self._held = b""
        self._until = 0.0
        self._to_write: deque[bytes] = deque()
        self._terminal, self._slave = pty.openpty()
        commands, self._commands = os.pipe()
        self._status, status = pair()
        self.resize(ROWS, COLUMNS)
        self._attributes = termios.tcgetattr(self._terminal)
        self._waits = KeyWaits(self._terminal, os.ttyname(self._slave))
        self._look_at: float | None = None
        self._ending = 0
        """The process group that was asked to exit because it waits for a key."""
        self.pid = fork()
        if self.pid == 0:
            _begin(place, self._slave, commands, status)
        status.close()
        os.close(commands)
        for fd in (self._terminal, self._commands):
            os.set_blocking(fd, False)
        self._status.setblocking(False)

    def interests(self) -> Iterator[Interest]:
        """What the loop waits for."""
        yield self._terminal, select.POLLIN, lambda _events: self._read_terminal()
        yield self._status.fileno(), select.POLLIN, lambda _events: self._read_status()
        if self._to_write:
            yield self._commands, select.POLLOUT, lambda _events: self._write()

    def wait(self) -> float | None:
        """Seconds until the next check; None if none is due."""
        times = [self._again, self._look_at, None if self._ended is None else self._until]
        return min((max(0.0, time - monotonic()) for time in times if time is not None), default=None)

    def look(self) -> None:
        """Perform due checks. A mark that does not arrive is not awaited: the code can suppress it."""
        if self._ended is not None and monotonic() >= self._until:
            self._finish()
        if self._again is not None and monotonic() >= self._again:
            self._again = None
            self._send_interrupt()
        if self._look_at is not None and monotonic() >= self._look_at:
            self._look_at = monotonic() + INTERVAL
            self._look_for_waits()

    def run(self, number: int, source: bytes) -> None:
        """Start a command."""
        self._number = number
        self._begun = self._again = None
        self._interrupt_waits = False
        self._ends.outputs.take("terminal", _prompt(source))
        if b"\0" in source:
            self._ends.done(number, WorkerResult("error", b"A command cannot contain NUL.", 2))
            return
        self._mark = f"\x1b]777;{secrets.token_hex(8)}\x07".encode()
        self._to_write.append(b"\0".join((str(number).encode(), self._mark, source, b"")))
        self._write()

    def interrupt(self) -> None:
        """Interrupt like Ctrl-C on its terminal, and start none of the following commands.

        A command that has not started is interrupted when it does.
        """
        if self._begun is None:
            self._interrupt_waits = True
            return
        if monotonic() - self._begun < _STARTING:
            self._again = monotonic() + _STARTING
        self._ends.outputs.take("terminal", b"^C")
        self._send_interrupt()

    def kill(self) -> bool:
        """Kill the program in the foreground; the shell, its variables and jobs persist."""
        group = self._foreground()
        return group != self.pid and self._signal(group, signal.SIGKILL)

    def resize(self, rows: int, columns: int) -> None:
        """Change the size of its terminal."""
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def drain(self) -> None:
        """Read the output that its terminal shows now."""
        self._read_terminal()
        self._ends.outputs.take("terminal", self._held)
        self._held = b""

    def close(self) -> None:
        """Close its terminal, its pipe and its socket."""
        self._status.close()
        for fd in (self._terminal, self._slave, self._commands):
            os.close(fd)

    def _look_for_waits(self) -> None:
        """Kill a program that waits for a key, and report it; the rest of the command continues."""
        group = self._foreground()
        if (name := self._waits.look(group)) is None:
            return
        self._waits.forget()
        first, self._ending = group != self._ending, group
        if first:
            self._ends.outputs.take("terminal", _WAITED.format(name=name).encode())
        if group == self.pid:
            self._send_interrupt()
        else:
            self._signal(group, signal.SIGTERM if first else signal.SIGKILL)

    def _foreground(self) -> int:
        group = fcntl.ioctl(self._terminal, termios.TIOCGPGRP, b"\0" * 4)
        return int.from_bytes(group, "little", signed=True)

    def _send_interrupt(self) -> None:
        # Not through the terminal, which only reaches the foreground, and later. Bash must receive it, too, and first:
        # then it starts no further command, even if this one succeeds, such as half a pipeline.
        for group in dict.fromkeys((self.pid, self._foreground())):
            self._signal(group, signal.SIGINT)

    def _signal(self, group: int, number: int) -> bool:
        if group <= 1:
            return False
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
        return True

    def _read_terminal(self) -> None:
        try:
            data = self._held + os.read(self._terminal, 64 << 10)
        except OSError:
            return
        self._waits.forget()
        before, found, behind = data.partition(self._mark) if self._mark else (data, b"", b"")
        if not found:
            held = _beginning(data, self._mark)
            before, self._held = data[: len(data) - held], data[len(data) - held :]
        self._ends.outputs.take("terminal", before)
        if found:
            self._mark, self._held = b"", b""
            if self._ended is not None:
                self._finish()
            self._ends.outputs.take("terminal", behind)

    def _read_status(self) -> None:
        try:
            words = self._status.recv(DATAGRAM).split()
        except OSError:
            return
        match words:
            case [b"begun", number] if number == str(self._number).encode():
                self._begun = monotonic()
                self._waits.forget()
                self._look_at, self._ending = self._begun + INTERVAL, 0
                if self._interrupt_waits:
                    self._interrupt_waits = False
                    self.interrupt()
            case [b"done", number, status] if number == str(self._number).encode() and status.isdigit():
                code = min(int(status[:3]), 255)
                self._ended = WorkerResult("error" if code else "ok", b"", code)
                self._until = monotonic() + _MARK_WAIT
                if not self._mark:
                    self._finish()
            case _:
                pass

    def _finish(self) -> None:
        ended, self._ended = self._ended, None
        self._begun = self._again = self._look_at = None
        if self._mark:
            self._mark = b""
            self.drain()
        # A killed program can leave the terminal without echo or without Ctrl-C.
        termios.tcsetattr(self._terminal, termios.TCSANOW, self._attributes)
        if ended is not None:
            self._ends.done(self._number, ended)

    def _write(self) -> None:
        with contextlib.suppress(OSError):
            while self._to_write:
                written = os.write(self._commands, self._to_write[0])
                self._to_write[0] = self._to_write[0][written:]
                if not self._to_write[0]:
                    self._to_write.popleft()


def _beginning(data: bytes, mark: bytes) -> int:
    """Return how many bytes at the end of `data` can be the start of the mark."""
    return next((size for size in range(min(len(mark), len(data)), 0, -1) if data.endswith(mark[:size])), 0)


def _prompt(command: bytes) -> bytes:
    """Return a command as a terminal echoes it."""
    lines = command.decode("utf-8", "replace").rstrip("\n").split("\n")
    shown = "\r\n".join(("> " if n else "$ ") + line for n, line in enumerate(lines)) + "\r\n"
    return "".join(one if one >= " " or one in "\r\n\t" else f"^{chr(ord(one) + 64)}" for one in shown).encode()


def _begin(place: WorkerPlace, slave: int, commands: int, status: socket.socket) -> NoReturn:
    """The main function of the new process."""
    try:
        become_a_child()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        for fd in (0, 1, 2, _TERMINAL):
            os.dup2(slave, fd)
        os.dup2(commands, _COMMANDS)
        os.dup2(status.fileno(), _STATUS)
        keep_only((_COMMANDS, _STATUS, _TERMINAL))
        os.chdir(place.root)
        bash = next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), "bash")
        given = {"TERM": "xterm-256color", "SHELL": bash, "PS1": "", "PROMPT_COMMAND": _DRIVER}
        options = ["bash", "--noprofile", "--norc", "--noediting", "-i"]
        os.execvpe(bash, options, place.environment | given)  # noqa: S606 - it is what this process is for
    finally:
        os._exit(127)
