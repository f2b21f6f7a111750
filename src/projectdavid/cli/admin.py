"""`projectdavid admin`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json

app = new_group(
    "Maintenance of a data folder while its server is stopped.\n\n"
    "These commands access the files directly and need no key.",
    "projectdavid admin recover",
)


@command(
    app,
    "recover",
    "projectdavid admin recover",
    "projectdavid admin recover --user user_JMjCZnGqHwQUV8aXRrLgkT --data /srv/projectdavid",
    "projectdavid admin recover --new-secret --save",
)
def recover(
    user: Annotated[
        str | None, typer.Option(metavar="USER", help="Make this user an admin. Default: create a new user.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Also write the key to credentials.json, as admin_api_key.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Replace a lost secret.key; this invalidates all other API keys.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Create an admin with a new key if all admin keys are lost, and print the key, which is shown only once.

    The server must be stopped, unless its data are in PostgreSQL. The next start logs that it happened.
    """
    from projectdavid.cli.configuration import StartError, read_settings, start_failure
    from projectdavid.composition.admin_recovery import recover_admin
    from projectdavid.composition.storage import store_of
    from projectdavid.ports.store import RowMissing

    settings = read_settings(data=data)
    try:
        recovered = asyncio.run(recover_admin(store_of(settings), settings, user, new_secret=new_secret, save=save))
    except RowMissing as error:
        raise CommandError(
            f"there is no user '{error.id}'", "omit --user to create a new admin, who can list the users"
        ) from error
    except StartError as error:
        raise start_failure(error, settings) from error
    if as_json:
        print_json({"user_id": recovered.user_id, "api_key": recovered.api_key})
        return
    typer.echo(recovered.api_key)
    note(f"It is the key of {recovered.user_id}, an admin. It is shown only once.")
    note("Restart the server, and use the key as PROJECTDAVID_API_KEY.")
