"""`inspect.getsource` for classes of the code: without files, Python only finds the source of functions."""

import ast
import inspect
import linecache
from typing import Any

from .tracebacks import CELL


def adapt_inspect() -> None:
    """Let `inspect` find the run that defined a class."""
    find = inspect.getfile

    def getfile(value: Any) -> str:
        try:
            return find(value)
        except (OSError, TypeError):
            name = _run_of(value) if isinstance(value, type) and value.__module__ == "__main__" else None
            if name is None:
                raise
            return name

    inspect.getfile = getfile


def _run_of(cls: type) -> str | None:
    """Return the file name of a run: that of a method, or of the last run with a class of this name."""
    for value in vars(cls).values():
        code = getattr(inspect.unwrap(value) if callable(value) else None, "__code__", None)
        if code is not None and code.co_filename.startswith(CELL):
            return code.co_filename
    name = cls.__qualname__.rpartition(".")[2]
    runs = [run for run in linecache.cache if run.startswith(CELL)]
    return next((run for run in reversed(runs) if name in _classes("".join(linecache.getlines(run)))), None)


def _classes(source: str) -> set[str]:
    try:
        return {node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)}
    except SyntaxError:  # translated notebook syntax
        return set()
