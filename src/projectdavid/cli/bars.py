"""Progress bars for long operations: shown on a terminal only, and removed afterwards."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from projectdavid.cli.output import err, note, plain


@contextmanager
def bytes_bar(name: str) -> Generator[Any]:
    """Show a progress bar of bytes; yields a callback for `done` and `total`."""
    from rich.progress import DownloadColumn, TransferSpeedColumn

    with _bar(name, DownloadColumn(), TransferSpeedColumn()) as update:
        yield update


@contextmanager
def count_bar(name: str) -> Generator[Any]:
    """Show a progress bar of items; yields a callback for `done` and `total`; further arguments are ignored."""
    from rich.progress import MofNCompleteColumn

    with _bar(name, MofNCompleteColumn()) as update:
        yield update


@contextmanager
def _bar(name: str, *columns: Any) -> Generator[Any]:
    from rich.progress import BarColumn, Progress, TextColumn

    console = err()
    shown = (TextColumn("{task.description}", markup=False), BarColumn(), *columns)
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(plain(name), total=None)
        yield lambda done, total, *_: progress.update(task, completed=done, total=total)


@contextmanager
def stage_bar(*, quiet: bool = False) -> Generator[Any]:
    """Show the stages of a long operation: a progress bar on a terminal, otherwise a line per stage.

    Yields a callback for the stage, `done` and `total`.

    Args:
        quiet: show nothing.
    """
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = err()
    shown = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    live = console.is_terminal and not quiet
    with Progress(*shown, console=console, transient=True, disable=not live) as progress:
        task = progress.add_task("", total=None)
        current = ""

        def report(stage: str, done: int, total: int) -> None:
            nonlocal current
            if stage != current:
                current = stage
                progress.reset(task, description=plain(stage))
                if not live and not quiet:
                    note(f"{stage} ...")
            progress.update(task, completed=done, total=total or None)

        yield report
