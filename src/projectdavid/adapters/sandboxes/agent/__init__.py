"""The code that runs inside every sandbox: the agent, which talks to the host, and the worker, which runs the code.

It runs without the rest of the project: standard library only, relative imports, Python 3.11 or later. `python -I agent
--kind python` serves over stdin and stdout; a fork server calls `warm` once and `serve` in each of its children;
`installed_libraries` lists the libraries for the code.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .libraries import installed_libraries
    from .preloads import warm
    from .server import serve

__all__ = ["installed_libraries", "serve", "warm"]

_MODULES = {"installed_libraries": "libraries", "serve": "server", "warm": "preloads"}
"""Imported on first use: the server imports this package for its frames, and runs none of it."""


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
