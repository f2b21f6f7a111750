"""`projectdavid admin`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import Failure, note, print_json
from projectdavid.cli.teaching import command, new_group

app = new_group(
    "A data folder whose server is stopped, for its operator.\n\nThese commands work on the files, and need no key.",
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
        str | None, typer.Option(metavar="USER", help="Make this user an admin. Default: a new user is made.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, where it is not the usual one.")
    ] = None,
    save: Annotated[
        bool, typer.Option("--save", help="Also write the key into credentials.json, as admin_api_key.")
    ] = False,
    new_secret: Annotated[
        bool, typer.Option("--new-secret", help="Replace a lost secret.key: all other API keys are void then.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make an admin with a new key when all admin keys are lost, and print the key: this once.

    The server must be stopped. The next start logs that it happened.
    """
    from projectdavid.cli.configuration import StartError, read_settings, start_failure
    from projectdavid.ports.store import Missing
    from projectdavid.server.bootstrap import store_of
    from projectdavid.server.recovery import recover_admin

    settings = read_settings(data=data)
    try:
        recovered = asyncio.run(recover_admin(store_of(settings), settings, user, new_secret=new_secret, save=save))
    except Missing as error:
        raise Failure(
            f"there is no user '{error.id}'", "leave out --user: a new admin is made, who can list them"
        ) from error
    except StartError as error:
        raise start_failure(error, settings) from error
    if as_json:
        print_json({"user_id": recovered.user_id, "api_key": recovered.api_key})
        return
    typer.echo(recovered.api_key)
    note(f"It is the key of {recovered.user_id}, an admin, and is shown this once.")
    note("Start the server again, and use it as PROJECTDAVID_API_KEY.")
