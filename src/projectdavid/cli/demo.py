"""`projectdavid demo`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.options import AsJson
from projectdavid.cli.teaching import command


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
        typer.Option(envvar="PROJECTDAVID_DEMO_MODEL", help="Which model. Default: the first of your provider."),
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep everything in this folder.")] = None,
    max_completion_tokens: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many tokens the model can write in each of the three runs.")
    ] = 2000,
    as_json: AsJson = False,
) -> None:
    """Go the whole way once, without key or network.

    A server on a folder of its own, an assistant, a thread, an answer that streams and calls a Python function. A
    model that is a script answers, and says so; with OPENAI_BASE_URL or OLLAMA_HOST set, a real one. With --json the
    facts come to stdout when all is done.
    """
    from projectdavid.cli.demonstration import demonstrate

    demonstrate(model, data, max_completion_tokens, as_json=as_json)
