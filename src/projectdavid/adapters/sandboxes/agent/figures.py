"""Open matplotlib figures: each is displayed once, with the run that created it, and then closed."""

import functools
import inspect
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from .import_hooks import ImportHooks
from .representations import Bundle, fitting
from .tracebacks import is_own, shorten

_IMAGES = frozenset({"png", "jpg", "jpeg", "svg", "webp", "gif"})
"""Formats that are displayed as images when they are collected as files."""
_LONGEST = 2000
"""Characters of the report of a figure."""
_HINTS = {
    "Parse": "Text between two dollar signs is a formula; write \\$ for a dollar sign.\n",
    "latex could not be found": "LaTeX is not installed: set plt.rcParams['text.usetex'] = False.\n",
}
_WINDOWS = ("tk", "qt", "gtk", "wx", "macosx", "nbagg", "notebook", "ipympl", "widget", "inline")
"""Name prefixes of backends that open windows or belong to notebooks."""


def is_figure(value: object) -> bool:
    """True if it is a figure of matplotlib."""
    module = sys.modules.get("matplotlib.figure")
    return module is not None and isinstance(value, module.Figure)


class FigureTracker:
    """Shows figures when `show()` is called or the run ends.

    A figure that this run saved as an image below `root` is not displayed, because the file is collected. A figure that
    cannot be drawn is reported on stderr with the line that created it, and does not affect the others.

    Args:
        show: sends a bundle to the host.
        root: the folder of files.
    """

    def __init__(self, show: Callable[[Bundle], None], root: str) -> None:
        self._show = show
        self._root = Path(root).resolve()
        self._lines: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
        self._saved: WeakKeyDictionary[Any, Path] = WeakKeyDictionary()
        self._shown: WeakSet[Any] = WeakSet()

    def install(self, hooks: ImportHooks) -> None:
        """Observe figures as soon as matplotlib is imported."""
        hooks.add("matplotlib", _keep_backend)
        hooks.add("matplotlib.figure", self._observe)
        hooks.add("matplotlib.pyplot", self._replace_show)

    def begin(self) -> None:
        """Start a run without displayed or saved figures, and restore our `pyplot.show()`."""
        self._saved.clear()
        self._shown.clear()
        if (pyplot := _pyplot()) is not None:
            self._replace_show(pyplot)

    def bundle_of(self, figure: Any) -> Bundle:
        """Return the bundle of a figure that the code displays; only its text if it is already saved, or cannot be
        drawn.
        """
        found: Bundle = {"text/plain": repr(figure).encode("utf-8", "replace")}
        if not self._is_saved(figure):
            found |= self._render(figure)
        self._shown.add(figure)
        return fitting(found)

    def flush(self) -> None:
        """Display the open figures that were not displayed yet, then close all of them."""
        pyplot = _pyplot()
        if pyplot is None:
            return
        try:
            for number in pyplot.get_fignums():
                figure = pyplot.figure(number)
                if figure in self._shown or self._is_saved(figure):
                    continue
                self._shown.add(figure)
                if picture := self._render(figure):
                    self._show(fitting({"text/plain": repr(figure).encode("utf-8", "replace"), **picture}))
        finally:
            self.close()

    def close(self) -> None:
        """Close the open figures without displaying them."""
        if (pyplot := _pyplot()) is not None:
            pyplot.close("all")

    def _render(self, figure: Any) -> Bundle:
        """Return the image; empty if drawing failed, which is reported."""
        picture = io.BytesIO()
        # Drawing runs code of the session: its exceptions are reported, Ctrl-C passes through.
        try:
            _save(figure)(picture, format="png", bbox_inches="tight")
        except Exception as error:  # noqa: BLE001
            sys.stderr.write(_report(self._lines.get(figure, ""), error))
            return {}
        return {"image/png": picture.getvalue()}

    def _is_saved(self, figure: Any) -> bool:
        path = self._saved.get(figure)
        return path is not None and not figure.stale and path.is_file()

    def _replace_show(self, pyplot: Any) -> None:
        pyplot.show = lambda *_args, **_options: self.flush()

    def _observe(self, module: Any) -> None:
        """Record the line that creates each figure, and the files that it is saved to."""
        figure_class = module.Figure
        begin, save = figure_class.__init__, figure_class.savefig

        def begin_figure(figure: Any, *args: Any, **options: Any) -> None:
            begin(figure, *args, **options)
            self._lines[figure] = _line_of(inspect.currentframe())

        def save_figure(figure: Any, *args: Any, **options: Any) -> Any:
            done = save(figure, *args, **options)
            self._note_file(figure, args[0] if args else options.get("fname"), options.get("format"))
            return done

        functools.update_wrapper(begin_figure, begin)
        functools.update_wrapper(save_figure, save)
        figure_class.__init__, figure_class.savefig = begin_figure, save_figure

    def _note_file(self, figure: Any, target: object, kind: object) -> None:
        if not isinstance(target, str | os.PathLike):
            return
        path = Path(os.path.abspath(os.fsdecode(target)))  # noqa: PTH100 - links of the code are not followed
        if not path.suffix:
            path = path.with_name(f"{path.name}.{kind or 'png'}")
        found = str(kind or path.suffix).lower().lstrip(".")
        if found not in _IMAGES or not path.resolve().is_relative_to(self._root):
            return
        if any(part.startswith(".") for part in path.resolve().relative_to(self._root).parts):
            return  # hidden files are not collected
        self._saved[figure] = path
        figure.stale = False  # later changes to the figure set this, and it is displayed after all


def _keep_backend(matplotlib: Any) -> None:
    """Ignore requests for GUI backends, which do not exist here."""
    use = matplotlib.use

    @functools.wraps(use)
    def use_backend(backend: str, **options: Any) -> None:
        if not str(backend).lower().removeprefix("module://").startswith(_WINDOWS):
            use(backend, **options)

    matplotlib.use = use_backend


def _pyplot() -> Any:
    return sys.modules.get("matplotlib.pyplot")


def _save(figure: Any) -> Callable[..., Any]:
    """Replacement of matplotlib's `savefig`."""
    own = type(figure).savefig
    return getattr(own, "__wrapped__", own).__get__(figure)


def _line_of(frame: FrameType | None) -> str:
    """Return the current line of the code, from the frame of a library that it called."""
    while frame is not None:
        if is_own(frame.f_code.co_filename):
            return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
        frame = frame.f_back
    return ""


def _report(line: str, error: Exception) -> str:
    words = "".join(traceback.format_exception_only(error)).strip()
    begin = f"The figure made at {line} cannot be drawn" if line else "A figure cannot be drawn"
    text = _text_in(error.__traceback__)
    where = f" (its text {text!r})" if text else ""
    hint = "".join(hint for sign, hint in _HINTS.items() if sign in words)
    return shorten(f"{begin}{where}: {words}\n{hint}", _LONGEST)


def _text_in(trace: TracebackType | None) -> str:
    """Return the text of the label that was being drawn, if any."""
    module: Any = sys.modules.get("matplotlib.text")
    while trace is not None and module is not None:
        value: Any = trace.tb_frame.f_locals.get("self")
        if isinstance(value, module.Text):
            return shorten(str(value.get_text()), 200)
        trace = trace.tb_next
    return ""
