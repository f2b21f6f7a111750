"""`projectdavid serve`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.options import AsJson
from projectdavid.cli.teaching import command


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "serve",
        "projectdavid serve",
        "OLLAMA_HOST=127.0.0.1:11434 projectdavid serve --port 9001 --data ./data",
    )(serve)


def serve(
    host: Annotated[str | None, typer.Option(help="Where to listen. Default: 127.0.0.1, this machine only.")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: 9000; 0: any that is free.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of the database and the credentials file. Default: your own."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="critical, error, warning, info or debug.")
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Start over: what is in the data folder is moved into a folder replaced-TIME inside it, not deleted.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the server in this terminal.

    Ctrl-C or SIGTERM stops it gently; what is unfinished goes on after the next start. The first start makes the
    database and the keys, and writes the credentials file that the SDK and these commands read. A folder in which a
    part is missing, such as the database or secret.key, is refused, and the error says what to do. Logs go to stderr.
    With --json it prints one line when it answers requests.
    """
    from projectdavid.cli.serving import run_server

    run_server(as_json=as_json, fresh=fresh, host=host, port=port, data=data, log_level=log_level)
