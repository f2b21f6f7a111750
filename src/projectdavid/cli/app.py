"""The command line as a whole, and the one place where errors become a line and an exit code."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

import projectdavid
from projectdavid.cli import (
    admin,
    assistants,
    backup,
    chat,
    compact,
    computer,
    demo,
    doctor,
    files,
    keys,
    models,
    runs,
    serve,
    stores,
    threads,
    usage,
    users,
    webhooks,
)
from projectdavid.cli.printing import Failure, print_failure
from projectdavid.cli.teaching import group, taught

app = typer.Typer(
    help=taught(
        "An open, self-hosted Assistants platform: create assistants, talk to them in threads, watch runs stream.",
        "projectdavid demo    # the whole way once; no key, no network",
        "projectdavid serve   # the server, in this terminal",
        "projectdavid chat    # talk to it, in another",
        note="Where the server is: PROJECTDAVID_BASE_URL and PROJECTDAVID_API_KEY, or else the credentials file"
        " that the server on this machine writes.",
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
serve.declare(app)
demo.declare(app)
chat.declare(app)
doctor.declare(app)
backup.declare(app)
compact.declare(app)
usage.declare(app)
stores.declare(app)
group(app, "assistants", assistants.app)
group(app, "threads", threads.app)
group(app, "runs", runs.app)
group(app, "computer", computer.app)
group(app, "files", files.app)
group(app, "models", models.app)
group(app, "stores", stores.app)
group(app, "keys", keys.app)
group(app, "users", users.app)
group(app, "webhooks", webhooks.app)
group(app, "admin", admin.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"projectdavid {version('projectdavid')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Options of all commands."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default the one of the command line; the exit code: 0 done, 1 failed, 2 asked wrongly."""
    try:
        app(arguments, prog_name="projectdavid")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except Failure as failure:
        print_failure(failure)
    except projectdavid.ProjectDavidError as error:
        from projectdavid.cli.failures import failure_of

        print_failure(failure_of(error))
    return 1
