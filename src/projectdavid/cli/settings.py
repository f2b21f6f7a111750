"""`projectdavid settings`."""

import json
from typing import Annotated

import typer

from projectdavid.cli.connections import connect_as_admin
from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import note, print_json, print_table


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(app, "settings", "projectdavid settings", "projectdavid settings --all --json")(list_settings)


def list_settings(
    show_all: Annotated[bool, typer.Option("--all", help="Include settings that have their default.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the settings of the running server, and where each came from. Needs an admin's key.

    Secrets are shown as `set`.
    """
    with connect_as_admin() as client:
        found = [one for one in client.settings.list() if show_all or one.source != "default"]
    if as_json:
        print_json(found)
        return
    rows = [(one.name, one.value if isinstance(one.value, str) else json.dumps(one.value), one.source) for one in found]
    print_table(["SETTING", "VALUE", "SOURCE"], rows)
    if not show_all:
        note("All others have their default; --all shows them.")
