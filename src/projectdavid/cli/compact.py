"""`projectdavid compact`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "compact", "projectdavid compact", "projectdavid compact --data ./data --json")(compact)


def compact(
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Return the space of deleted data to the file system. Stop the server first. The database and the search index are
    rewritten, which needs as much free space as their contents. `store_free_bytes` in /health is the space that this
    frees.
    """
    from projectdavid.adapters.stores import sqlite
    from projectdavid.cli.configuration import read_settings
    from projectdavid.ports.store import StoreUnavailable

    settings = read_settings(data=data)
    if not settings.database.exists():
        raise CommandError(f"there is no database in {settings.data}", "set the server's data folder with --data")
    try:
        freed = sqlite.compact(settings.database, [settings.index])
    except StoreUnavailable as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"freed_bytes": freed})
    else:
        note(f"Freed {freed / 1e6:.1f} MB.")
