"""Runs notebook syntax: the object that the rewritten lines call."""

import contextlib
import difflib
import inspect
import io
import sys
from collections.abc import Callable, Mapping
from time import perf_counter, process_time
from types import FrameType
from typing import Any

from . import shell_commands
from .cell_magics import SCRIPTS, TEXTS, CellMagics, MagicError
from .line_magics import LineMagics, describe, times_since
from .tracebacks import CELL

_IGNORED = frozenset(
    (
        *("matplotlib", "config", "load_ext", "reload_ext", "unload_ext", "autoreload", "aimport", "autosave", "gui"),
        *("colors", "xmode", "precision", "automagic", "autocall", "pdb", "doctest_mode", "pprint", "alias"),
    )
)
"""Magics of display and convenience that need no action."""
_COMMANDS = frozenset(
    (
        *("ls", "ll", "la", "mkdir", "rmdir", "rm", "cp", "mv", "touch", "cat", "less", "more", "man", "head", "tail"),
        *("wc", "grep", "pip", "conda", "mamba"),
    )
)
"""Magics that are shell commands."""
_UNEXPANDED = frozenset({"time", "timeit", "prun"})
"""Magics that take Python, in which braces are not variables."""


class MagicRunner:
    """Runs the magics and commands of one session.

    Args:
        names: the variables of the code.
        display: shows values.
        root: the folder of files.
    """

    def __init__(self, names: dict[str, Any], display: Callable[..., None], root: str) -> None:
        self._names = names
        self._lines = LineMagics(names, root, self.system, self.getoutput)
        self._cells = CellMagics(names, display)
        self._began: tuple[float, float] | None = None
        self._capture: contextlib.ExitStack | None = None

    # Called by rewritten lines

    def system(self, command: str) -> None:
        """`!command`."""
        status = shell_commands.run(shell_commands.expand_command(command, self._visible(inspect.currentframe())))
        if status:
            print(f"[exit {status}]", file=sys.stderr)

    def getoutput(self, command: str) -> shell_commands.CommandLines:
        """`name = !command`."""
        return shell_commands.output_of(shell_commands.expand_command(command, self._visible(inspect.currentframe())))

    def help(self, name: str) -> None:
        """`name?`."""
        describe(name, self._visible(inspect.currentframe()))

    def line(self, name: str, rest: str) -> Any:
        """`%name rest`.

        Raises:
            MagicError: the magic does not exist; the message suggests a replacement.
        """
        if name in _IGNORED:
            return None
        if name == "lsmagic":
            print(f"%{' %'.join(sorted(self._line_names()))}\n%%{' %%'.join(sorted(self._cell_names()))}")
            return None
        text = (
            rest if name in _UNEXPANDED else shell_commands.expand_command(rest, self._visible(inspect.currentframe()))
        )
        if name in _COMMANDS:
            return self.system({"ll": "ls -l", "la": "ls -la"}.get(name, name) + f" {text}")
        method = None if name.startswith("_") else getattr(self._lines, name, None)
        if method is None:
            raise _unknown("%", name, [*_IGNORED, *self._line_names()])
        return method(text)

    def cell(self, name: str, rest: str, body: str) -> Any:
        """`%%name rest`, with the lines below it.

        Raises:
            MagicError: the magic does not exist; the message suggests a replacement.
        """
        if (method := self._cells.find(name)) is None:
            raise _unknown("%%", name, self._cell_names())
        return method(rest, body)

    def begin(self, name: str, rest: str) -> None:
        """Start `%%name rest` of a magic whose body runs as ordinary code; `end` follows it."""
        if name == "capture":
            out, error = io.StringIO(), io.StringIO()
            self._capture = contextlib.ExitStack()
            self._capture.enter_context(contextlib.redirect_stdout(out))
            self._capture.enter_context(contextlib.redirect_stderr(error))
            if (words := rest.split()) and words[0].isidentifier():
                self._names[words[0]] = _Captured(out, error)
        else:
            self._began = perf_counter(), process_time()

    def end(self, *, failed: bool) -> None:
        """End the magic of a run."""
        if self._capture is not None:
            self._capture.close()
            self._capture = None
        if self._began is not None and not failed:
            print(times_since(*self._began))
        self._began = None

    def _line_names(self) -> list[str]:
        return [*_COMMANDS, *(name for name in dir(self._lines) if not name.startswith("_"))]

    def _cell_names(self) -> list[str]:
        own = (name for name in dir(self._cells) if not name.startswith("_") and name != "find")
        return [*SCRIPTS, *TEXTS, *own, "time", "capture"]

    def _visible(self, frame: FrameType | None) -> Mapping[str, Any]:
        """Return the variables of the code that called a method of this object."""
        while frame is not None and not frame.f_code.co_filename.startswith(CELL):
            frame = frame.f_back
        if frame is None or frame.f_locals is frame.f_globals:
            return self._names
        return {**frame.f_globals, **frame.f_locals}


class _Captured:
    """Output captured by `%%capture`."""

    def __init__(self, out: io.StringIO, error: io.StringIO) -> None:
        self._out, self._error = out, error

    @property
    def stdout(self) -> str:
        return self._out.getvalue()

    @property
    def stderr(self) -> str:
        return self._error.getvalue()

    def show(self) -> None:
        """Print it again."""
        sys.stdout.write(self.stdout)
        sys.stderr.write(self.stderr)

    __call__ = show

    def __str__(self) -> str:
        return self.stdout


def _unknown(mark: str, name: str, known: list[str]) -> MagicError:
    close = difflib.get_close_matches(name, known, 1)
    hint = f" Did you mean {mark}{close[0]}?" if close else ""
    return MagicError(
        f"{mark}{name} does not exist here: this is Python, not IPython.{hint} Write it in Python; shell commands"
        " work as !command or %%bash, and %lsmagic lists the magics."
    )
