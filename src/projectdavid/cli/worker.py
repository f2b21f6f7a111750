"""`projectdavid worker`."""

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
        "worker",
        "projectdavid worker --host 0.0.0.0 --port 9101",
        "projectdavid worker --runs 64 --no-sandbox",
    )(worker)


def worker(
    runs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Runs executed at the same time. Default: 512.")
    ] = None,
    no_sandbox: Annotated[
        bool, typer.Option("--no-sandbox", help="Run no code here: code_interpreter and computer are off.")
    ] = False,
    host: Annotated[
        str | None, typer.Option(help="The address of its health check. Default: 127.0.0.1, this machine only.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port of its health check. 0: any free port.")] = 0,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder of config.toml and secret.key. Default: in your home folder."),
    ] = None,
    log_level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="critical, error, warning, info or debug.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Execute runs, read files and send webhooks, for servers that share a PostgreSQL database (`serve --no-worker`).

    Any number of workers can run on any number of machines. The settings database_url, secret_key and public_url must
    be those of the servers. Ctrl-C or SIGTERM stops it gracefully: another worker continues its unfinished runs. It
    answers only /health.
    """
    note(f"Starting a worker of Project David {VERSION} ...")
    from projectdavid.cli.server_process import run_server

    run_server(
        as_json=as_json,
        role="worker",
        host=host,
        port=port,
        data=data,
        log_level=log_level,
        max_runs=runs,
        sandbox="off" if no_sandbox else None,
    )
