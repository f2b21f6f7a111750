"""Supported line magics of notebooks, one method for each."""

import contextlib
import inspect
import os
import runpy
import shlex
import sys
import timeit
from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter, process_time
from types import ModuleType
from typing import Any

from .tracebacks import CELL

_LONGEST_HELP = 6000
_OWN_NAMES = frozenset({"display", "get_ipython"})


class LineMagics:
    """Each public method is a magic: it receives the rest of the line.

    Args:
        names: the variables of the code.
        root: the folder of files.
        system: runs a shell command.
        getoutput: runs one and returns what it prints.
    """

    def __init__(
        self,
        names: dict[str, Any],
        root: str,
        system: Callable[[str], None],
        getoutput: Callable[[str], list[str]],
    ) -> None:
        self._names = names
        self._root = self._before = root
        self.sh = self.bash = system
        self.system = self.sx = getoutput

    def time(self, rest: str) -> Any:
        began = perf_counter(), process_time()
        value = self._run(rest)
        print(times_since(*began))
        return value

    def timeit(self, rest: str) -> None:
        words = rest.split()
        options: dict[str, int] = {}
        while words and words[0].startswith("-"):
            word = words.pop(0)
            if word[1:2] in ("n", "r"):
                options[word[1]] = int(word[2:] or words.pop(0))
        timer = timeit.Timer(" ".join(words) or "pass", globals=self._names)
        loops = options.get("n") or timer.autorange()[0]
        times = [took / loops for took in timer.repeat(options.get("r", 5), loops)]
        print(f"{seconds(min(times))} per loop (best of {len(times)} runs, {loops} loops each)")

    def cd(self, rest: str) -> None:
        target = rest.strip().strip("'\"")
        wanted = {"": self._root, "-": self._before}.get(target, os.path.expanduser(target))  # noqa: PTH111
        here = os.getcwd()  # noqa: PTH109
        os.chdir(wanted)
        self._before = here
        print(os.getcwd())  # noqa: PTH109

    def pwd(self, rest: str) -> str:  # noqa: ARG002
        return os.getcwd()  # noqa: PTH109

    def env(self, rest: str) -> Any:
        name, equals, value = rest.partition("=")
        if not equals:
            name, _, value = rest.partition(" ")
        if not rest:
            return dict(os.environ)
        if not value:
            return os.environ.get(name.strip())
        os.environ[name.strip()] = value.strip()
        print(f"env: {name.strip()}={value.strip()}")
        return None

    set_env = env

    def run(self, rest: str) -> None:
        path, *arguments = shlex.split(rest)
        path = path if Path(path).exists() else f"{path}.py"
        before, sys.argv = sys.argv, [path, *arguments]
        try:
            self._names.update(runpy.run_path(path, run_name="__main__"))
        finally:
            sys.argv = before
            self._names["__name__"] = "__main__"

    def who_ls(self, rest: str) -> list[str]:  # noqa: ARG002
        return sorted(
            name
            for name, value in self._names.items()
            if not name.startswith("_") and name not in _OWN_NAMES and not isinstance(value, ModuleType)
        )

    def who(self, rest: str) -> None:
        print("  ".join(self.who_ls(rest)))

    def whos(self, rest: str) -> None:
        for name in self.who_ls(rest):
            value = self._names[name]
            print(f"{name}  {type(value).__name__}  {repr(value)[:80]}")

    def reset(self, rest: str) -> None:  # noqa: ARG002
        for name in self.who_ls(""):
            del self._names[name]

    def pylab(self, rest: str) -> None:  # noqa: ARG002
        self._run("from pylab import *\nimport numpy as np\nimport matplotlib.pyplot as plt")

    def pinfo(self, rest: str) -> None:
        describe(rest, self._names)

    pdoc = pinfo

    def _run(self, code: str) -> Any:
        """Run code in the namespace of the session, and return its value if it is an expression."""
        name = f"{CELL}magic>"
        try:
            return eval(compile(code, name, "eval"), self._names)  # noqa: S307 - it is the code's own
        except SyntaxError:
            exec(compile(code, name, "exec"), self._names)  # noqa: S102
        return None


def times_since(wall: float, cpu: float) -> str:
    """Return the elapsed times as text, given earlier readings of `perf_counter` and `process_time`."""
    return f"CPU time: {seconds(process_time() - cpu)}, wall time: {seconds(perf_counter() - wall)}"


def seconds(value: float) -> str:
    """Return a duration with its unit."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if value * factor >= 1:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def describe(name: str, names: Mapping[str, Any]) -> None:
    """Print the signature and the documentation of the object that an expression names."""
    try:
        value = eval(name, dict(names))  # noqa: S307 - it is the code's own
    except (NameError, AttributeError, SyntaxError):
        print(f"{name}: not found.")
        return
    head = f"{name}: {type(value).__name__}"
    with contextlib.suppress(TypeError, ValueError):
        head = f"{name}{inspect.signature(value)}"
    print(f"{head}\n{inspect.getdoc(value) or ''}"[:_LONGEST_HELP])
