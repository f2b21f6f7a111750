"""`projectdavid migrate`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "migrate",
        "projectdavid migrate --database-url postgresql://david@db.internal/david",
        "projectdavid migrate --json",
    )(migrate)


def migrate(
    database_url: Annotated[
        str | None, typer.Option(metavar="URL", help="The PostgreSQL database. Default: the setting database_url.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder of secret.key and the credentials file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Prepare a PostgreSQL database: its tables, the fingerprint of the secret, and the first users.

    It can be repeated, and run while servers of this version or the previous one use the database. A server that starts
    prepares an empty database by itself, but leaves the tables of the previous version, with which it works, as they
    are.
    """
    from projectdavid.cli.configuration import StartError, read_settings, start_failure
    from projectdavid.composition.bootstrap import assemble
    from projectdavid.composition.storage import store_of

    settings = read_settings(database_url=database_url, data=data)
    if settings.database_url is None:
        raise CommandError("there is no database to prepare", "name it with --database-url, or set database_url")

    async def run() -> None:
        await (await assemble(settings, store=store_of(settings, upgrade=True))).close()

    try:
        asyncio.run(run())
    except StartError as error:
        raise start_failure(error, settings) from error
    if as_json:
        print_json({"database": "ready", "credentials": str(settings.credentials.absolute())})
    else:
        note(f"The database is ready. The keys of the first users are in {settings.credentials}, if it created them.")
