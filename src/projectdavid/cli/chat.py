"""`projectdavid chat`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from projectdavid.cli.connecting import connect
from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import err, note
from projectdavid.cli.teaching import command

if TYPE_CHECKING:
    from projectdavid import Entity

MADE_BY = {"made_by": "projectdavid chat"}
"""Marks the assistant that `chat` makes for itself, so that it is made once."""


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "chat",
        "projectdavid chat",
        "projectdavid chat --model demo/assistant",
        "echo 'Hello' | projectdavid chat --assistant asst_5X2dIbKJsm8IgQTOAvK5WI",
    )(chat)


def chat(
    assistant: Annotated[str | None, typer.Option(metavar="ASSISTANT", help="Whom to talk to.")] = None,
    model: Annotated[str | None, typer.Option(help="Which model. Default: the assistant's, or the first.")] = None,
    thread: Annotated[str | None, typer.Option(metavar="THREAD", help="Go on in this thread.")] = None,
    as_json: AsJson = False,
) -> None:
    """Talk to an assistant in the terminal.

    Ctrl-C stops an answer, /exit or Ctrl-D ends the talk. Without a terminal it reads lines and answers each. With
    --json it prints the events of the answers, one a line.
    """
    from projectdavid.cli.conversation import Conversation, Lines, converse
    from projectdavid.cli.telling import JsonTeller, Teller

    teller = (JsonTeller if as_json else Teller)(sys.stdout, err())
    with connect() as client:
        if assistant is None:
            model = model or _first_model(client)
            assistant = _own_assistant(client, model)
        else:
            assistant = client.assistants.retrieve_assistant(assistant).id
        known = client.threads.retrieve_thread(thread) if thread else client.threads.create_thread()
        lines = Lines(sys.stdin)
        if lines.interactive:
            note(f"Talking to {model or assistant}. Ctrl-C stops an answer; /exit ends.")
        all_well = converse(Conversation(client, assistant, known.id, model, lines, teller), lines, teller)
    note(f"Go on: projectdavid chat --assistant {assistant} --thread {known.id}")
    if not all_well and not lines.interactive:
        raise typer.Exit(1)


def _first_model(client: "Entity") -> str:
    """A real model, if there is one."""
    models = client.models.list()
    return next((model.id for model in models if model.owned_by != "demo"), "demo/assistant")


def _own_assistant(client: "Entity", model: str) -> str:
    """The assistant that earlier talks had; runs name the model themselves."""
    for one in client.assistants.list():
        if one.meta_data == MADE_BY:
            return one.id
    return client.assistants.create_assistant(name="Terminal", model=model, meta_data=MADE_BY).id
