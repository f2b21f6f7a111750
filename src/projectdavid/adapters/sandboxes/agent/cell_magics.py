"""Supported cell magics of notebooks: a first line `%%name`, and the lines below it."""

import importlib
import shlex
import shutil
import sys
import timeit
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import shell_commands
from .line_magics import seconds

SCRIPTS = {
    **dict.fromkeys(("bash", "sh", "zsh", "python", "python3"), "-c"),
    **dict.fromkeys(("perl", "ruby", "node"), "-e"),
}
"""Programs of cell magics, and the option that passes the program text to each."""
TEXTS = {"html": "HTML", "HTML": "HTML", "markdown": "Markdown", "latex": "Latex", "svg": "SVG", "SVG": "SVG"}
"""Magics that display their body, and the class of `IPython.display` for it."""


class MagicError(Exception):
    """An unknown magic, or one with invalid arguments."""


MagicError.__module__ = "builtins"  # makes tracebacks show the name only


class CellMagics:
    """Each public method is a magic: it receives the rest of its line, and the body.

    Args:
        names: the variables of the code.
        display: shows values.
    """

    def __init__(self, names: dict[str, Any], display: Callable[..., None]) -> None:
        self._names = names
        self._display = display

    def find(self, name: str) -> Callable[[str, str], Any] | None:
        """Return the magic of this name; None if it is unknown."""
        if name in SCRIPTS:
            return lambda rest, body: run_script(name, rest, body)
        if name in TEXTS:
            return lambda _rest, body: self._show(TEXTS[name], body)
        return None if name.startswith("_") or name == "find" else getattr(self, name, None)

    def _show(self, kind: str, body: str) -> None:
        self._display(getattr(importlib.import_module("IPython.display"), kind)(body))

    def script(self, rest: str, body: str) -> None:
        words = [word for word in rest.split() if not word.startswith("--")]
        if not words or words[0] not in SCRIPTS:
            raise MagicError(f"%%script takes one of {', '.join(SCRIPTS)}.")
        run_script(words[0], " ".join(words[1:]), body)

    def system(self, rest: str, body: str) -> None:
        run_script("bash", rest, body)

    cmd = sx = system

    def writefile(self, rest: str, body: str) -> None:
        words = shlex.split(rest)
        append = words[:1] in (["-a"], ["--append"])
        if len(words) != 1 + append:
            raise MagicError("%%writefile takes the path of a file.")
        path = Path(words[-1]).expanduser()
        print(f"{'Appending to' if append else 'Overwriting' if path.exists() else 'Writing'} {path}")
        with path.open("a" if append else "w", encoding="utf-8") as file:
            file.write(body if not body or body.endswith("\n") else body + "\n")

    file = writefile

    def timeit(self, rest: str, body: str) -> None:
        timer = timeit.Timer(body, setup=rest if rest and not rest.startswith("-") else "pass", globals=self._names)
        loops = timer.autorange()[0]
        print(f"{seconds(min(timer.repeat(5, loops)) / loops)} per loop (best of 5 runs, {loops} loops each)")


def run_script(name: str, rest: str, body: str) -> None:
    """Run a body as the program text of a script language.

    Raises:
        MagicError: the program is not installed.
    """
    program = sys.executable if name.startswith("python") else shutil.which(name)
    if program is None:
        raise MagicError(f"%%{name}: the program {name} is not installed here.")
    options = [word for word in rest.split() if not word.startswith("--")]
    arguments = options[options.index("-s") + 1 :] if "-s" in options else []
    flags = options[: options.index("-s")] if "-s" in options else options
    status = shell_commands.run([program, *flags, SCRIPTS[name], body, *([name] if arguments else []), *arguments])
    if status:
        print(f"[exit {status}]", file=sys.stderr)
