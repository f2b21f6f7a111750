"""`projectdavid chat`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import err, note

if TYPE_CHECKING:
    from projectdavid import Entity

MADE_BY = {"made_by": "projectdavid chat"}
"""Marks the assistant that `chat` creates, so it is created only once."""


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
    assistant: Annotated[str | None, typer.Option(metavar="ASSISTANT", help="The assistant to talk to.")] = None,
    model: Annotated[
        str | None, typer.Option(help=("The model. Default: the assistant's, or the first available."))
    ] = None,
    thread: Annotated[str | None, typer.Option(metavar="THREAD", help="Continue this thread.")] = None,
    as_json: AsJson = False,
) -> None:
    """Talk to an assistant in the terminal. Ctrl-C stops an answer; /exit or Ctrl-D ends the conversation. Without a
    terminal, it answers each line of the input. With --json, it prints the events of the answers, one per line.
    """
    from projectdavid.cli.conversation import ChatConversation, PromptLines, converse
    from projectdavid.cli.run_events import EventPrinter, JsonTeller

    teller = (JsonTeller if as_json else EventPrinter)(sys.stdout, err())
    with connect() as client:
        if assistant is None:
            model = model or _first_model(client)
            assistant = _own_assistant(client, model)
        else:
            assistant = client.assistants.retrieve_assistant(assistant).id
        known = client.threads.retrieve_thread(thread) if thread else client.threads.create_thread()
        lines = PromptLines(sys.stdin)
        if lines.interactive:
            note(f"Talking to {model or assistant}. Ctrl-C stops an answer; /exit ends.")
        all_well = converse(ChatConversation(client, assistant, known.id, model, lines, teller), lines, teller)
    note(f"Continue: projectdavid chat --assistant {assistant} --thread {known.id}")
    if not all_well and not lines.interactive:
        raise typer.Exit(1)


def _first_model(client: "Entity") -> str:
    """Return a real model, if there is one."""
    models = client.models.list()
    return next((model.id for model in models if model.owned_by != "demo"), "demo/assistant")


def _own_assistant(client: "Entity", model: str) -> str:
    """Return the assistant of earlier conversations; runs set the model themselves."""
    for one in client.assistants.list():
        if one.meta_data == MADE_BY:
            return one.id
    return client.assistants.create_assistant(name="Terminal", model=model, meta_data=MADE_BY).id
