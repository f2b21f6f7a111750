"""`projectdavid threads`."""

from typing import Annotated

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, Limit, ThreadId, Yes
from projectdavid.cli.output import confirm, moment, note, print_json, print_table, say, told_deleted

app = new_group(
    "Threads: conversations.",
    "projectdavid threads list",
    "projectdavid threads show thread_w4VuJuLjkHLrYK6O8LhbGx",
)


@command(app, "list", "projectdavid threads list --limit 10")
def list_(limit: Limit = None, as_json: AsJson = False) -> None:
    """List your threads, newest first."""
    with connect() as client:
        found = client.threads.list(limit=limit)
    if as_json:
        print_json(found)
        return
    print_table(["ID", "TITLE", "CREATED"], [(one.id, one.title, moment(one.created_at)) for one in found])
    if not found:
        note("None yet: projectdavid chat")


@command(app, "show", "projectdavid threads show thread_w4VuJuLjkHLrYK6O8LhbGx")
def show(thread_id: ThreadId, as_json: AsJson = False) -> None:
    """Show the messages of a thread, in order."""
    from projectdavid.client.transcript import text_of

    with connect() as client:
        thread = client.threads.retrieve_thread(thread_id)
        messages = list(client.messages.iterate(thread_id))
    if as_json:
        print_json({"thread": thread, "messages": messages})
        return
    for message in messages:
        say(f"{message.role}:", "bold")
        say(text_of(message) or "(no text)")
    note(f"Continue: projectdavid chat --thread {thread_id}")


@command(app, "rename", "projectdavid threads rename thread_w4VuJuLjkHLrYK6O8LhbGx 'Lamps and bulbs'")
def rename(
    thread_id: ThreadId,
    title: Annotated[str, typer.Argument(help="The new title; empty to remove it.")],
    as_json: AsJson = False,
) -> None:
    """Change the title of a thread."""
    with connect() as client:
        thread = client.threads.update_thread(thread_id, title=title or None)
    if as_json:
        print_json(thread)
    else:
        note(f"{thread.id} is called {thread.title!r}." if thread.title else f"{thread.id} has no title.")


@command(app, "delete", "projectdavid threads delete thread_w4VuJuLjkHLrYK6O8LhbGx --yes")
def delete(thread_id: ThreadId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete a thread and all of its messages."""
    confirm(f"Delete the thread {thread_id} and all of its messages?", yes=yes)
    with connect() as client:
        gone = client.threads.delete_thread(thread_id)
    told_deleted(gone, as_json=as_json)
