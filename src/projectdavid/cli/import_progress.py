"""Progress of an import: a changing line on a terminal, otherwise an occasional line."""

import time
from types import TracebackType
from typing import Any, Self

from projectdavid.cli.output import err, note, plain

EVERY = 10.0
"""Seconds between two lines if the output is not a terminal."""
LONG = 2.0
"""Pauses of at least this many seconds are always shown."""


class ImportProgress:
    """Shows the counts and pauses of an import."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._counts: dict[str, int] = {}
        self._said = time.monotonic()
        self._status: Any = None

    def __enter__(self) -> Self:
        console = err()
        if console.is_terminal and not self._quiet:
            self._status = console.status("begin")
            self._status.start()
        elif not self._quiet:
            note("Reading the source ...")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, stage: str, done: int) -> None:
        """Show how many objects of a kind were read."""
        self._counts[stage] = done
        text = ", ".join(f"{count} {name}" for name, count in self._counts.items())
        self._show(text, now=False)

    def wait(self, reason: str, seconds: float) -> None:
        """Show that a request is retried later, with the reason."""
        self._show(f"{plain(reason)}; retrying in {seconds:.1f} s", now=seconds >= LONG)

    def _show(self, text: str, *, now: bool) -> None:
        if self._quiet:
            return
        if self._status is not None:
            self._status.update(text)
        elif now or time.monotonic() - self._said >= EVERY:
            self._said = time.monotonic()
            note(text)
