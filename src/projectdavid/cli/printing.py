"""What commands print: data to stdout, progress and errors to stderr."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from projectdavid.protocol.base import Deleted

WIDE = 1_000
"""Columns of an output that no terminal shows: nothing is cut."""

_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Failure(Exception):
    """A command cannot do what it was asked to; what to do next, where that is known."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


def plain(text: str) -> str:
    """A text from elsewhere, without what would make a terminal do things."""
    return _CONTROLS.sub("", text)


def out() -> Console:
    """For data."""
    return Console(highlight=False, markup=False, emoji=False, width=None if sys.stdout.isatty() else WIDE)


def err() -> Console:
    """For progress and errors."""
    return Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def say(text: str, style: str = "") -> None:
    """Print a line of data."""
    out().print(Text(plain(text), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print a line of progress."""
    err().print(Text(plain(text), style="dim"))


def print_failure(failure: Failure) -> None:
    """Print an error: one line, with the next step."""
    message = " ".join(plain(failure.message).split())
    line = Text.assemble(("error: ", "bold red"), message)
    if failure.next_step:
        line.append("" if message.endswith((".", "!", "?")) else ".")
        line.append(f" Next: {failure.next_step}")
    err().print(line)


def print_json(value: Any, *, indent: int | None = 2) -> None:
    """Print answers of the API, or plain values, as JSON."""
    typer.echo(json.dumps(value, default=_plain_value, ensure_ascii=False, indent=indent))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Print rows under the names of their columns; the first column, an id, is never cut."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=True, overflow="fold" if number == 0 else "ellipsis")
    for row in rows:
        table.add_row(*(Text(plain(" ".join((cell or "-").split()))) for cell in row))
    out().print(table)


def print_fields(fields: dict[str, Any]) -> None:
    """Print an object, a field a line; what is empty is left out."""
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    width = max((len(name) for name in shown), default=0)
    for name, value in shown.items():
        text = value if isinstance(value, str) else json.dumps(value, default=_plain_value, ensure_ascii=False)
        out().print(Text.assemble((name.ljust(width + 2), "bold"), plain(text)), soft_wrap=True)


def moment(seconds: int | None) -> str | None:
    """A time as people read it, in the zone of this machine."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M")


def program() -> str:
    """How this program is called from here: by its name, or where that is not on the PATH, by its place."""
    if shutil.which("projectdavid"):
        return "projectdavid"
    place = Path(sys.argv[0])
    return str(place.relative_to(Path.cwd()) if place.is_relative_to(Path.cwd()) else place)


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is lost, if somebody is there who can be asked."""
    if not yes and sys.stdin.isatty():
        typer.confirm(question, abort=True, err=True)


def _plain_value(value: Any) -> Any:
    return value.dict()


def told_deleted(gone: "Deleted", *, as_json: bool) -> None:
    """Say that something is deleted."""
    if as_json:
        print_json(gone)
    else:
        note(f"Deleted {gone.id}.")
