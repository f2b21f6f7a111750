"""Imports, before any session begins, what sessions share: their memory, and the time that it takes."""

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

LIBRARIES = ("numpy", "pandas", "matplotlib.pyplot", "scipy", "openpyxl", "PIL.Image", "sklearn")
"""What code most often wants."""
_OWN = ("asyncio", "traceback", "linecache", "html", "base64", "csv", "datetime", "decimal", "statistics")


def warm(modules: Iterable[str] = LIBRARIES) -> list[str]:
    """Import these, and draw a first picture, which is slow; no thread of it is left. Returns what is not there."""
    wanted = _environment.environment("/", gettempdir(), None)
    for name, value in wanted.items():
        if name.endswith("_NUM_THREADS") or name.startswith("MPL"):
            os.environ.setdefault(name, value)
    missing: list[str] = []
    for name in (*_OWN, *modules):
        try:
            importlib.import_module(name)
        except ImportError:
            missing.append(name)
    if "matplotlib.pyplot" in sys.modules:
        _draw(sys.modules["matplotlib.pyplot"])
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(5)
    return missing


def _draw(pyplot: Any) -> None:
    # The list of fonts is made at the first picture: it stays in memory, whether it can be written down or not.
    with contextlib.suppress(OSError):
        figure, axes = pyplot.subplots()
        axes.plot([0, 1], label="text")
        axes.legend()
        figure.savefig(io.BytesIO(), format="png", bbox_inches="tight")
        pyplot.close("all")
