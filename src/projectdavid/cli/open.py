"""`projectdavid open`."""

import webbrowser
from typing import Annotated

import typer

from projectdavid.cli.connections import connect, connect_as_admin
from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "open", "projectdavid open", "projectdavid open --admin", "projectdavid open --print")(open_console)


def open_console(
    admin: Annotated[bool, typer.Option("--admin", help="Sign in as the admin of the credentials file.")] = False,
    print_link: Annotated[
        bool, typer.Option("--print", help="Print the link instead of opening a browser. It signs in once.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Open the web console in a browser, signed in.

    The link contains a one-time code in place of a key. It works once, within 10 minutes. With --json, it is printed.
    """
    with connect_as_admin() if admin else connect() as client:
        if client.health().console is None:
            raise CommandError(
                f"the server at {client.base_url} has no web console",
                "build it with `make console` if it runs from a checkout, check the setting `console`, and restart it",
            )
        link = f"{client.base_url}/#code={client.keys.create_code().code}"
    if as_json:
        print_json({"url": link})
    elif print_link:
        typer.echo(link)
    elif not webbrowser.open(link):
        note("There is no browser here. Open this link within 10 minutes:")
        typer.echo(link)
