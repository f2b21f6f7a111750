"""`projectdavid compact`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import Failure, note, print_json
from projectdavid.cli.teaching import command


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "compact", "projectdavid compact", "projectdavid compact --data ./data --json")(compact)


def compact(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, where it is not the usual one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Give the space of deleted data back to the file system.

    Stop the server first. The database and the search index are rewritten, which takes as much free space as they have
    content. /health says how much this would give back: store_free_bytes.
    """
    from projectdavid.cli.configuration import read_settings
    from projectdavid.ports.store import Unavailable
    from projectdavid.stores import sqlite

    settings = read_settings(data=data)
    if not settings.database.exists():
        raise Failure(f"there is no database in {settings.data}", "name the server's data folder with --data")
    try:
        freed = sqlite.compact(settings.database, [settings.index])
    except Unavailable as error:
        raise Failure(str(error)) from error
    if as_json:
        print_json({"freed_bytes": freed})
    else:
        note(f"Gave back {freed / 1e6:.1f} MB.")
