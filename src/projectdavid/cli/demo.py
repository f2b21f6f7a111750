"""`projectdavid demo`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "demo",
        "projectdavid demo",
        "OPENAI_BASE_URL=http://127.0.0.1:8000/v1 projectdavid demo --model my-model",
    )(demo)


def demo(
    model: Annotated[
        str | None,
        typer.Option(envvar="PROJECTDAVID_DEMO_MODEL", help="The model. Default: the first of your provider."),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Store all data in this folder.")] = None,
    max_completion_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, help="The maximum number of tokens per run, in each of the three runs.")
    ] = 2000,
    as_json: AsJson = False,
) -> None:
    """Demonstrate the main features, without a key or a network.

    Starts a server on a separate folder, creates an assistant and a thread, and streams an answer that calls a Python
    function. The model is scripted; set OPENAI_BASE_URL or OLLAMA_HOST to use a real one. With --json, the results are
    printed to stdout at the end.
    """
    from projectdavid.cli.demonstration import demonstrate

    demonstrate(model, data, max_completion_tokens, as_json=as_json)
