"""`projectdavid runs`."""

from typing import Annotated

import typer

from projectdavid.cli.connecting import connect
from projectdavid.cli.options import AsJson, RunId
from projectdavid.cli.printing import moment, note, print_fields, print_json, print_table, say
from projectdavid.cli.teaching import command, new_group

app = new_group(
    "Runs: one answer of an assistant to a thread each.",
    "projectdavid runs list",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW",
)


@command(app, "list", "projectdavid runs list --thread thread_w4VuJuLjkHLrYK6O8LhbGx")
def list_(
    thread: Annotated[str | None, typer.Option(metavar="THREAD", help="Only those of this thread.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your runs, newest first."""
    with connect() as client:
        if thread is None:
            page = client.runs.list_all_runs(limit=limit)
        else:
            page = client.runs.list_runs(thread, limit=limit, order="desc")
    if as_json:
        print_json(page.data)
        return
    rows = [(run.id, run.status, run.model, run.thread_id, moment(run.created_at)) for run in page.data]
    print_table(["ID", "STATUS", "MODEL", "THREAD", "CREATED"], rows)
    if page.has_more:
        note("There are older ones: --limit 100")


@command(app, "show", "projectdavid runs show run_Yacp6ARAyUxYRhfjvmbsOW")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: its status, what it cost, the calls that its model made."""
    with connect() as client:
        run = client.runs.retrieve_run(run_id)
    if as_json:
        print_json(run)
        return
    times = ("created_at", "started_at", "completed_at", "cancelled_at", "failed_at", "expires_at")
    fields = run.dict() | {name: moment(getattr(run, name)) for name in times}
    print_fields(fields | {"actions": None})
    for call in run.actions:
        say(f"call  {call.tool_name} {call.function_args} -> {call.status} {call.result or ''}")


@command(
    app,
    "events",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW --after 42 --json",
)
def events(
    run_id: RunId,
    after: Annotated[int, typer.Option(min=0, metavar="POSITION", help="Begin behind this event.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Follow a run: what happened, then what happens, until it is over. With --json, an event a line."""
    from projectdavid.cli.telling import event_text

    with connect() as client, client.runs.stream(run_id=run_id, after=after) as stream:
        for event in stream:
            if as_json:
                typer.echo(event.json())
            else:
                say(event_text(event))


@command(app, "cancel", "projectdavid runs cancel run_Yacp6ARAyUxYRhfjvmbsOW")
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Stop a run."""
    with connect() as client:
        run = client.runs.cancel_run(run_id)
    if as_json:
        print_json(run)
    else:
        note(f"{run.id} is {run.status}.")
