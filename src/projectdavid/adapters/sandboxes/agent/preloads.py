"""Imports libraries before any session starts, so sessions share their memory and start faster."""

import contextlib
import importlib
import io
import os
import sys
import threading
from collections.abc import Iterable
from tempfile import gettempdir
from typing import Any

from . import environment as _environment
from .fonts import close_fonts, use_fonts

LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "scipy", "openpyxl", "PIL.Image", "sklearn")
"""The libraries that code uses most."""
_OWN = ("asyncio", "traceback", "linecache", "html", "base64", "csv", "datetime", "decimal", "statistics")


def warm(modules: Iterable[str] = LIBRARIES) -> list[str]:
    """Import these libraries and draw a first picture, which is slow. Return the missing libraries."""
    wanted = _environment.environment("/", gettempdir(), None)
    for name, value in wanted.items():
        if name.endswith("_NUM_THREADS") or name.startswith("MPL"):
            os.environ.setdefault(name, value)
    importlib.import_module(f"{__package__}.server")
    missing: list[str] = []
    for name in (*_OWN, *modules):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if "matplotlib.pyplot" in sys.modules:
        use_fonts(sys.modules["matplotlib.font_manager"])
        _draw(sys.modules["matplotlib.pyplot"])
        close_fonts(sys.modules["matplotlib.font_manager"])
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
    return missing


def _draw(pyplot: Any) -> None:
    # The font list is built with the first picture and stays in memory, even if its cache cannot be written.
    with contextlib.suppress(OSError):
        figure, axes = pyplot.subplots()
        axes.plot([0, 1], label="text")
        axes.legend()
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
        pyplot.close("all")
