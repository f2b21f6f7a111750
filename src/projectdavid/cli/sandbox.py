"""`projectdavid sandbox`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json, say

app = new_group(
    "The Python environment of the sandbox.",
    "projectdavid sandbox install",
)


@command(
    app,
    "install",
    "projectdavid sandbox install",
    "projectdavid sandbox install --wheels ./wheels",
)
def install(
    wheels: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder with the wheels, for a machine without network.", exists=True),
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install the libraries for code in a separate environment, and print its interpreter.

    The versions and hashes are pinned by the server. A running server uses them after its next start.
    """
    from projectdavid.adapters.sandboxes.local import libraries
    from projectdavid.cli.configuration import read_settings

    settings = read_settings(data=data)
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        python = libraries.install(settings.data / libraries.FOLDER, wheels, note)
    except (libraries.InstallError, OSError) as error:
        raise CommandError(
            f"the libraries could not be installed: {error}",
            "check the network, or pass a folder of wheels with --wheels",
        ) from None
    if as_json:
        print_json({"python": str(python)})
    else:
        say(str(python))
