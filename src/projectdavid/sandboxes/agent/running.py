"""The inside of a Python worker: runs code in one namespace that stays, and tells the agent what came of it."""

import ast
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

from .line import Line
from .showing import Bundle, Figures, bundle_of, is_figure
from .tracing import told_by_hook, traceback_of

_RESULT = "__result__"
NO_KEYBOARD = (
    "input() cannot be answered: nobody is at a keyboard here. Put the value into the code, or read it from a file."
)
STAYS = "exit() ended this run only: the session goes on, with its variables.\n"


class Stream(io.TextIOWrapper):
    """stdout or stderr: what is written is on its way at once, also without a newline."""

    def write(self, s: str, /) -> int:
        """Write and flush."""
        written = super().write(s)
        self.flush()
        return written


class Runner:
    """Runs what the agent sends, one after the other.

    Args:
        stdout, stderr: copies of the pipes to the agent, for a run that has closed its own.
    """

    def __init__(self, line: Line, root: str, stdout: int, stderr: int) -> None:
        self._line = line
        self._root = root
        self._pipes = {1: stdout, 2: stderr}
        self._pid = os.getpid()
        self._figures = Figures(self._show)
        self._module = types.ModuleType("__main__")
        self._names = self._module.__dict__
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self._interruptible = False
        self._interrupted = False
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
        sys.path[:0] = [""]
        sys.excepthook = lambda kind, error, trace: told_by_hook(kind, error, trace, self._root)
        setattr(builtins, "input", _refuse_input)  # noqa: B010 - its type says that it must be the function itself
        for name in ("exit", "quit"):
            setattr(builtins, name, _leave)
        random.seed()
        if numpy := sys.modules.get("numpy"):
            numpy.random.seed()
        signal.signal(signal.SIGINT, self._on_interrupt)

    # One run

    def _run(self, number: int, source: str) -> None:
        self._fresh_streams()
        self._figures.patch()
        signal.signal(signal.SIGINT, self._on_interrupt)
        status, error = "ok", ""
        # Everything that a stranger's code can raise ends here, and becomes the answer.
        try:
            self._guarded(lambda: self._execute(number, source))
        except SystemExit as left:
            if left.code not in (None, 0):
                status, error = "error", f"SystemExit: {left.code!s}\n"
            self._leave_forked(int(bool(error)))
            with contextlib.suppress(OSError, ValueError):
                sys.stderr.write(STAYS)
        except BaseException as raised:  # noqa: BLE001
            status = "interrupted" if isinstance(raised, KeyboardInterrupt) else "error"
            error = traceback_of(raised, self._root)
            if os.getpid() != self._pid:
                sys.stderr.write(error)
                self._leave_forked(1)
            raised.__traceback__ = None
        self._leave_forked(0)
        self._settle()
        self._line.send({"kind": "done", "number": number, "status": status}, error.encode("utf-8", "replace"))

    def _execute(self, number: int, source: str) -> None:
        self._line.send({"kind": "begun", "number": number})
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        code, shows = _compiled(name, source)
        self._names.pop(_RESULT, None)
        made = eval(code, self._names)  # noqa: S307 - it is what this process is for
        if code.co_flags & inspect.CO_COROUTINE:
            self._await(made)
        value = self._names.pop(_RESULT, None)
        if shows and value is not None:
            self._names["_"] = value
            self._show(bundle_of(value), result=True)
            if is_figure(value):
                self._figures.shown(value)
        if os.getpid() == self._pid:
            self._figures.flush()

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
        """Push out what is still held back on this side, of Python and of C."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        ctypes.CDLL(None).fflush(None)

    def _fresh_streams(self) -> None:
        """Let the code have its streams, whatever an earlier run did to them."""
        for fd, pipe in self._pipes.items():
            with contextlib.suppress(OSError):
                os.dup2(pipe, fd)
        sys.stdout = sys.__stdout__ = _stream(1)
        sys.stderr = sys.__stderr__ = _stream(2)
        sys.stdin = sys.__stdin__ = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123

    def _leave_forked(self, status: int) -> None:
        """End a child that the code forked, and that came out of the code at its end."""
        if os.getpid() != self._pid:
            self._settle()
            os._exit(status)

    # What the code sees

    def display(self, *values: object) -> None:
        """Show values: pictures as pictures, tables as tables, and what is more of it."""
        for value in values:
            self._show(bundle_of(value))
            if is_figure(value):
                self._figures.shown(value)

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

    def _guarded(self, work: Callable[[], None]) -> None:
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
            return
        first, self._interrupted = not self._interrupted, True
        if self._line.sending:
            return
        if first and self._task is not None and self._loop is not None and _is_waiting(frame):
            self._loop.call_soon_threadsafe(self._task.cancel)
            return
        self._interrupted = False
        raise KeyboardInterrupt


def _compiled(name: str, source: str) -> tuple[types.CodeType, bool]:
    """The code, and whether it ends with an expression whose value is to be shown, which a semicolon prevents."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    tree: ast.Module = compile(source, name, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
    last = tree.body[-1] if tree.body else None
    shows = isinstance(last, ast.Expr) and not source.rstrip().endswith(";")
    if isinstance(last, ast.Expr) and shows:
        target = ast.Name(_RESULT, ast.Store())
        tree.body[-1] = ast.copy_location(ast.Assign([target], last.value), last)
        ast.fix_missing_locations(tree)
    return compile(tree, name, "exec", flags, dont_inherit=True), shows


def _is_waiting(frame: types.FrameType | None) -> bool:
    """Whether the event loop waits: then its task can be cancelled, else what runs is interrupted."""
    name = frame.f_globals.get("__name__", "") if frame is not None else ""
    return name == "selectors" or name.startswith("asyncio.")


def _stream(fd: int) -> Stream:
    return Stream(open(fd, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")


def _refuse_input(prompt: object = "", /) -> str:  # noqa: ARG001
    raise RuntimeError(NO_KEYBOARD)


def _leave(code: object = None) -> NoReturn:
    raise SystemExit(code)
