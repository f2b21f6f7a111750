"""The Python worker: runs code in one persistent namespace, and reports the outcomes to the agent."""

import asyncio
import builtins
import contextlib
import ctypes
import inspect
import io
import linecache
import os
import random
import signal
import sys
import types
from collections.abc import Callable
from typing import Any, NoReturn

from . import colab_shim, ipython_shim
from .cell_code import RESULT, compile_cell
from .class_sources import adapt_inspect
from .concurrency import adapt_asyncio, adapt_multiprocessing
from .figures import FigureTracker, is_figure
from .fonts import use_fonts
from .import_hooks import ImportHooks
from .line import WorkerLink
from .magics import MagicRunner
from .missing_modules import hint_for
from .notebook_syntax import HANDLER
from .picture_fonts import use_installed_fonts
from .plotly_output import PlotlyFigures, is_plotly_figure
from .progress_bars import draw_as_text
from .representations import Bundle, bundle_of, raw_bundle
from .table_options import set_table_options
from .tracebacks import traceback_of, write_traceback
from .warning_output import WarningOutput

NO_KEYBOARD = "input() cannot be answered: there is no keyboard. Put the value into the code, or read it from a file."
STAYS = "exit() ended this run only: the session continues, with its variables.\n"


class OutputStream(io.TextIOWrapper):
    """stdout or stderr: output is sent at once, even without a newline."""

    def write(self, s: str, /) -> int:
        """Write and flush."""
        written = super().write(s)
        self.flush()
        return written


class CodeRunner:
    """Runs the agent's requests, one after the other.

    Args:
        stdout, stderr: copies of the pipes to the agent, in case a run closes its own.
    """

    def __init__(self, line: WorkerLink, root: str, stdout: int, stderr: int) -> None:
        self._line = line
        self._root = root
        self._pipes = {1: stdout, 2: stderr}
        self._pid = os.getpid()
        self._hooks = ImportHooks()
        self._figures = FigureTracker(self._show, root)
        self._plotly = PlotlyFigures(root)
        self._warnings = WarningOutput()
        self._stdin: io.TextIOBase = io.StringIO()
        self._module = types.ModuleType("__main__")
        self._names = self._module.__dict__
        self._magics = MagicRunner(self._names, self.display, root)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._interruptible = False
        self._interrupted = False
        self._missed = False
        """Ctrl-C arrived between the code and its figures."""
        self._set_up()

    def serve(self) -> NoReturn:
        """Run until the agent is gone."""
        while message := self._line.receive():
            header, source = message
            if header.get("kind") == "run":
                self._run(int(header["number"]), source.decode("utf-8", "replace"))
        os._exit(0)

    def _set_up(self) -> None:
        self._names.update(__builtins__=builtins, display=self.display, _=None)
        sys.modules["__main__"] = self._module
        sys.argv = [""]
        sys.path[:0] = ["", *([packages] if (packages := os.environ.get("PYTHONPATH")) else [])]
        sys.excepthook = lambda kind, error, trace: write_traceback(kind, error, trace, self._root)
        setattr(builtins, "input", _refuse_input)  # noqa: B010 - its type says that it must be the function itself
        for name in ("exit", "quit"):
            setattr(builtins, name, _leave)
        adapt_multiprocessing()
        adapt_asyncio()
        adapt_inspect()
        random.seed()
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed()
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._figures.install(self._hooks)
        setattr(builtins, HANDLER, self._magics)
        ipython_shim.install(self._magics, self._names, self.display, self._root)
        colab_shim.install(self._root)
        self._hooks.add("matplotlib.font_manager", use_fonts)
        self._hooks.add("PIL.ImageFont", use_installed_fonts)
        self._hooks.add("plotly.io", self._plotly.adapt)
        self._hooks.add("pandas", set_table_options)
        self._hooks.add("tqdm.notebook", draw_as_text)
        self._warnings.install()

    # One run

    def _run(self, number: int, source: str) -> None:
        self._fresh_streams()
        self._figures.begin()
        self._warnings.begin()
        signal.signal(signal.SIGINT, self._on_interrupt)
        self._missed = False
        status, error = self._outcome(lambda: self._execute(number, source))
        if status == "interrupted" or self._missed:
            status = "interrupted"
            self._figures.close()
        else:
            shown, trouble = self._outcome(self._figures.flush)
            status, error = shown if shown != "ok" else status, error + trouble
        with contextlib.suppress(OSError, ValueError, AttributeError):  # the code can have closed its stream
            self._warnings.end()
        self._settle()
        self._line.send({"kind": "done", "number": number, "status": status}, error.encode("utf-8", "replace"))

    def _outcome(self, work: Callable[[], None]) -> tuple[str, str]:
        """Run the interruptible part; returns the status, and the traceback if it failed."""
        status, error = "ok", ""
        # Every exception of the code ends here, and becomes the result.
        try:
            self._run_interruptible(work)
        except SystemExit as left:
            if left.code not in (None, 0):
                status, error = "error", f"SystemExit: {left.code!s}\n"
            self._leave_forked(int(bool(error)))
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(STAYS)
        except BaseException as raised:  # noqa: BLE001
            status = "interrupted" if isinstance(raised, KeyboardInterrupt) else "error"
            error = traceback_of(raised, self._root) + hint_for(raised)
            if os.getpid() != self._pid:
                sys.stderr.write(error)
                self._leave_forked(1)
            raised.__traceback__ = None
        self._leave_forked(0)
        return status, error

    def _execute(self, number: int, source: str) -> None:
        self._line.send({"kind": "begun", "number": number})
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        code, shows = compile_cell(name, source)
        self._names.pop(RESULT, None)
        failed = True
        try:
            made = eval(code, self._names)  # noqa: S307 - it is what this process is for
            if code.co_flags & inspect.CO_COROUTINE:
                self._await(made)
            failed = False
        finally:
            self._magics.end(failed=failed)
        value = self._names.pop(RESULT, None)
        if shows and value is not None:
            self._names["_"] = value
            self._show(self._bundle_of(value), result=True)

    def _await(self, made: Any) -> None:
        if self._loop is None or self._loop.is_closed():
            self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(made)
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            if self._interrupted:
                raise KeyboardInterrupt from None
            raise
        finally:
            self._task = None

    def _settle(self) -> None:
        """Flush the buffers of Python and C."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        ctypes.CDLL(None).fflush(None)

    def _fresh_streams(self) -> None:
        """Restore the streams, whatever an earlier run did to them."""
        for fd, pipe in self._pipes.items():
            with contextlib.suppress(OSError):
                os.dup2(pipe, fd)
        sys.stdout = sys.__stdout__ = _stream(1)
        sys.stderr = sys.__stderr__ = _stream(2)
        self._stdin.close()
        self._stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123
        sys.stdin = sys.__stdin__ = self._stdin

    def _leave_forked(self, status: int) -> None:
        """Exit a child process that the code forked and that reached the end of the code."""
        if os.getpid() != self._pid:
            self._settle()
            os._exit(status)

    # Visible to the code

    def display(self, *values: object, raw: bool = False, **options: object) -> None:
        """Display values: images as images, tables as tables; `raw` values are bundles of types.

        The other options are those of IPython, and have no effect here.
        """
        del options
        for value in values:
            if raw and isinstance(value, dict):
                self._show(raw_bundle(value))
                continue
            self._show(self._bundle_of(value))

    def _bundle_of(self, value: object) -> Bundle:
        if is_plotly_figure(value):
            return {"text/plain": f"<interactive figure {self._plotly.show(value)}>".encode()}
        return self._figures.bundle_of(value) if is_figure(value) else bundle_of(value)

    def _show(self, bundle: Bundle, *, result: bool = False) -> None:
        if os.getpid() != self._pid:
            sys.stdout.write(bundle.get("text/plain", b"").decode() + "\n")
            return
        self._settle()
        sizes = [[name, len(data)] for name, data in bundle.items()]
        self._line.send({"kind": "display", "sizes": sizes, "result": result}, b"".join(bundle.values()), answered=True)
        if self._interrupted:
            self._interrupted = False
            raise KeyboardInterrupt

    # Ctrl-C

    def _run_interruptible(self, work: Callable[[], None]) -> None:
        self._interrupted = False
        self._interruptible = True
        try:
            work()
        finally:
            self._interruptible = False

    def _on_interrupt(self, _number: int, frame: types.FrameType | None) -> None:
        if os.getpid() != self._pid:
            raise KeyboardInterrupt
        if not self._interruptible:
            self._missed = True
            return
        first, self._interrupted = not self._interrupted, True
        if self._line.sending:
            return
        if first and self._task is not None and self._loop is not None and _is_waiting(frame):
            self._loop.call_soon_threadsafe(self._task.cancel)
            return
        self._interrupted = False
        raise KeyboardInterrupt


def _is_waiting(frame: types.FrameType | None) -> bool:
    """True if the event loop is waiting: then its task can be cancelled, else the running code is interrupted."""
    name = frame.f_globals.get("__name__", "") if frame is not None else ""
    return name == "selectors" or name.startswith("asyncio.")


def _stream(fd: int) -> OutputStream:
    return OutputStream(open(fd, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")


def _refuse_input(prompt: object = "", /) -> str:  # noqa: ARG001
    raise RuntimeError(NO_KEYBOARD)


def _leave(code: object = None) -> NoReturn:
    raise SystemExit(code)
