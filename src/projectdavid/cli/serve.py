"""`projectdavid serve`."""

import gc
from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import note
from projectdavid.distribution import VERSION


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "serve",
        "projectdavid serve",
        "OLLAMA_HOST=127.0.0.1:11434 projectdavid serve --port 9001 --data ./data",
    )(serve)


def serve(
    host: Annotated[
        str | None, typer.Option(help="The address to listen on. Default: 127.0.0.1, this machine only.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: 9000. 0: any free port.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="The folder of the database and the credentials file. Default: in your home folder."
        ),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="critical, error, warning, info or debug.")
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Start over: move the contents of the data folder to replaced-TIME inside it, without deleting them.",
        ),
    ] = False,
    no_worker: Annotated[
        bool,
        typer.Option(
            "--no-worker", help="Only answer requests; `projectdavid worker` does the rest, in other processes."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the server in this terminal.

    Ctrl-C or SIGTERM stops it gracefully; unfinished work continues after the next start. The first start creates the
    database and the keys, and writes the credentials file that the SDK and these commands read. If a part of the folder
    is missing, such as the database or secret.key, the server does not start, and the error says what to do. Logs are
    written to stderr. With --json, it prints one line to stdout when it is ready.
    """
    note(f"Starting Project David {VERSION} ...")
    gc.disable()  # what is imported stays, and looking for garbage in it takes a tenth of the time
    from projectdavid.cli.server_process import run_server

    gc.freeze()
    gc.enable()
    role = "api" if no_worker else None
    run_server(as_json=as_json, fresh=fresh, role=role, host=host, port=port, data=data, log_level=log_level)
