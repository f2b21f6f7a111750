"""The command line, and the conversion of errors to a message and an exit code."""

import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

import projectdavid
from projectdavid.cli.declarations import build_help, group
from projectdavid.cli.output import CommandError, print_failure
from projectdavid.distribution import VERSION

COMMANDS = {
    "serve": "serve",
    "worker": "worker",
    "migrate": "migrate",
    "move": "move",
    "demo": "demo",
    "chat": "chat",
    "open": "open",
    "doctor": "doctor.command",
    "backup": "backup",
    "verify-backup": "backup",
    "restore": "backup",
    "release": "backup",
    "compact": "compact",
    "usage": "usage",
    "settings": "settings",
    "search": "stores",
}
"""The module of each command; its function `declare` registers the command."""
GROUPS = {
    "assistants": "assistants",
    "threads": "threads",
    "runs": "runs",
    "approvals": "approvals",
    "computer": "computer",
    "sandbox": "sandbox",
    "files": "files",
    "import": "imports",
    "models": "models",
    "stores": "stores",
    "keys": "keys",
    "users": "users",
    "webhooks": "webhooks",
    "admin": "admin",
}
"""The module of each command group; its `app` is the group."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"projectdavid {VERSION}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version.")
    ] = False,
) -> None:
    """Options of all commands."""


def build_app(words: Iterable[str] = (*COMMANDS, *GROUPS)) -> typer.Typer:
    """Build the command line with the named commands and groups, by default all.

    Building all of them would add a third of a second to each start of the server.
    """
    app = typer.Typer(
        help=build_help(
            "An open, self-hosted Assistants platform: create assistants, talk to them in threads, watch runs stream.",
            "projectdavid demo    # a complete tour; no key, no network",
            "projectdavid serve   # the server, in this terminal",
            "projectdavid chat    # talk to it, in another",
            note=(
                "The server is set by PROJECTDAVID_BASE_URL and PROJECTDAVID_API_KEY, or by the credentials"
                " file of the server on this machine."
            ),
        ),
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    names = set(words)
    for module in dict.fromkeys(module for name, module in COMMANDS.items() if name in names):
        _module(module).declare(app)
    for name, module in GROUPS.items():
        if name in names:
            group(app, name, _module(module).app)
    return app


def _module(name: str) -> Any:
    return import_module(f"projectdavid.cli.{name}")


def _app_for(arguments: Sequence[str]) -> typer.Typer:
    """Build the command line for these arguments: only the command named by the first argument, or all commands."""
    first = arguments[0] if arguments else ""
    return build_app([first]) if first in COMMANDS or first in GROUPS else build_app()


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command, by default that of `sys.argv`, and return the exit code: 0 success, 1 failure, 2 invalid
    arguments.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        _app_for(arguments)(arguments, prog_name="projectdavid")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except CommandError as failure:
        print_failure(failure)
    except projectdavid.ProjectDavidError as error:
        from projectdavid.cli.failures import failure_of

        print_failure(failure_of(error))
    return 1
