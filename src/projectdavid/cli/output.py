"""Output of commands: data to stdout, progress and errors to stderr."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from projectdavid.lazy_modules import LazyModule

if TYPE_CHECKING:
    from rich import console as rich_console
    from rich import table as rich_table
    from rich import text as rich_text

    from projectdavid.protocol.base import Deleted
else:
    rich_console = LazyModule("rich.console")
    rich_table = LazyModule("rich.table")
    rich_text = LazyModule("rich.text")

WIDE = 1_000
"""Width if the output is not a terminal: nothing is truncated."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class CommandError(Exception):
    """A command failed; `next_step` is the remedy, if known."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


def plain(text: str) -> str:
    """Remove terminal control sequences from untrusted text."""
    return _CONTROLS.sub("", text)


def out() -> "rich_console.Console":
    """For data."""
    return rich_console.Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)


def err() -> "rich_console.Console":
    """For progress and errors."""
    return rich_console.Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print a line of data."""
    out().print(rich_text.Text(plain(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print a line of progress, dimmed in a terminal."""
    if sys.stderr.isatty():
        err().print(rich_text.Text(plain(text), style="dim"))
    else:
        typer.echo(plain(text), err=True)


def print_failure(failure: CommandError) -> None:
    """Print an error: one line, with the next step."""
    message = " ".join(plain(failure.message).split())
    line = rich_text.Text.assemble(("error: ", "bold red"), message)
    if failure.next_step:
        line.append("" if message.endswith((".", "!", "?")) else ".")
        line.append(f" Next: {failure.next_step}")
    err().print(line)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print API objects or plain values as JSON."""
    typer.echo(json.dumps(value, default=_plain_value, ensure_ascii=False, indent=indent))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print a table with headers; the first column, an id, is never truncated."""
    table = rich_table.Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=True, overflow="fold" if number == 0 else "ellipsis")
    for row in rows:
        table.add_row(*(rich_text.Text(plain(" ".join((cell or "-").split()))) for cell in row))
    out().print(table)


def print_fields(fields: dict[str, Any]) -> None:
    """Print an object, one field per line, without empty fields."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, default=_plain_value, ensure_ascii=False)
        out().print(rich_text.Text.assemble((name.ljust(width + 2), "bold"), plain(text)), soft_wrap=True)


def moment(seconds: int | None) -> str | None:
    """Format a time in the local time zone."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def program() -> str:
    """Return the command to run this program: its name, or its path if it is not on the PATH."""
    if shutil.which("projectdavid"):
        return "projectdavid"
    place = Path(sys.argv[0])
    return str(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)


def confirm(question: str, *, yes: bool) -> None:
    """Ask for confirmation of a deletion, if the input is interactive."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)


def _plain_value(value: Any) -> Any:
    return value.dict()


def told_deleted(gone: "Deleted", *, as_json: bool) -> None:
    """Report a deletion."""
    if as_json:
        print_json(gone)
    else:
        note(f"Deleted {gone.id}.")
