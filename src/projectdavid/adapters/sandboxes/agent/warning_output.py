"""Output of warnings: without internal paths, and with one line for all missing letters."""

import re
import sys
import warnings
from pathlib import Path

_GLYPH = re.compile(r"Glyph (\d+) .*missing from")
_OURS = str(Path(__file__).parent)
_NAMED = 20
"""Maximum number of letters that are listed."""


class WarningOutput:
    """Writes the warnings of a run to stderr."""

    def __init__(self) -> None:
        self._missing: dict[str, None] = {}

    def install(self) -> None:
        """Handle warnings from now on."""
        warnings.showwarning = self._show

    def begin(self) -> None:
        """Start a run."""
        self._missing.clear()

    def end(self) -> None:
        """Report the missing letters, once for all figures."""
        if self._missing:
            letters = " ".join([*self._missing][:_NAMED])
            more = len(self._missing) - _NAMED
            and_more = f" and {more} more" if more > 0 else ""
            sys.stderr.write(f"No installed font has these letters; they are drawn as boxes: {letters}{and_more}\n")
        self._missing.clear()

    def _show(
        self,
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: object = None,
        line: str | None = None,
    ) -> None:
        if found := _GLYPH.match(str(message)):
            self._missing[chr(int(found[1]))] = None
            return
        text = warnings.formatwarning(message, category, filename, lineno, line)
        if filename.startswith(_OURS):  # raised during drawing: its location means nothing to the code
            text = f"{category.__name__}: {message}\n"
        write = getattr(file or sys.stderr, "write", None)
        if write is not None:
            write(text)
