"""`projectdavid runs`."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, AssistantId, IdempotencyKey, RunId, ThreadId
from projectdavid.cli.output import moment, note, print_fields, print_json, print_table, say

if TYPE_CHECKING:
    from projectdavid.client.overrides import RunOverrides

app = new_group(
    "Runs: each is one answer of an assistant to a thread.",
    "projectdavid runs list",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW",
)


OnBusy = Annotated[
    Literal["reject", "queue", "interrupt"],
    typer.Option(help="If another run is open on the thread: fail, wait for its end, or cancel it."),
]
OnExpiry = Annotated[
    Literal["fail", "answer"],
    typer.Option(help="If a call is not answered in time: let the run expire, or inform the model."),
]


@command(
    app,
    "create",
    "projectdavid runs create asst_5X2dIbKJsm8IgQTOAvK5WI thread_w4VuJuLjkHLrYK6O8LhbGx",
    "projectdavid runs create asst_5X2dIbKJsm8IgQTOAvK5WI thread_w4VuJuLjkHLrYK6O8LhbGx --on-busy queue"
    " --action-timeout 60 --on-expiry answer",
)
def create(
    assistant_id: AssistantId,
    thread_id: ThreadId,
    model: Annotated[str | None, typer.Option(help="Override the assistant's model.")] = None,
    on_busy: OnBusy = "reject",
    action_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="The time limit for each wait for outputs.")
    ] = None,
    on_expiry: OnExpiry = "fail",
    expiry_output: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The output for the model, with `answer`.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Create a run, and print its id; it continues in the background."""
    overrides: RunOverrides = {"on_busy": on_busy, "on_expiry": on_expiry}
    if model is not None:
        overrides["model"] = model
    if action_timeout is not None:
        overrides["action_timeout"] = action_timeout
    if expiry_output is not None:
        overrides["expiry_output"] = expiry_output
    with connect() as client:
        run = client.runs.create_run(assistant_id, thread_id, idempotency_key=idempotency_key, **overrides)
    if as_json:
        print_json(run)
        return
    typer.echo(run.id)
    waits = " It waits for another run of the thread." if run.waits_for_thread else ""
    note(f"Follow it: projectdavid runs events {run.id}.{waits}")


@command(app, "list", "projectdavid runs list --thread thread_w4VuJuLjkHLrYK6O8LhbGx")
def list_(
    thread: Annotated[str | None, typer.Option(metavar="THREAD", help="Only runs of this thread.")] = None,
    status: Annotated[str | None, typer.Option(help="Only runs with this status, such as in_progress.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List your runs, newest first."""
    with connect() as client:
        if thread is None:
            page = client.runs.list_all_runs(limit=limit, status=status)
        else:
            page = client.runs.list_runs(thread, limit=limit, order="desc", status=status)
    if as_json:
        print_json(page.data)
        return
    rows = [(run.id, run.status, run.model, run.thread_id, moment(run.created_at)) for run in page.data]
    print_table(["ID", "STATUS", "MODEL", "THREAD", "CREATED"], rows)
    if page.has_more:
        note("There are older ones: --limit 100")


@command(app, "show", "projectdavid runs show run_Yacp6ARAyUxYRhfjvmbsOW")
def show(run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: status, usage, and tool calls."""
    with connect() as client:
        run = client.runs.retrieve_run(run_id)
    if as_json:
        print_json(run)
        return
    times = (
        "created_at",
        "started_at",
        "completed_at",
        "cancelled_at",
        "failed_at",
        "expires_at",
        "action_expires_at",
    )
    fields = run.dict() | {name: moment(getattr(run, name)) for name in times}
    print_fields(fields | {"actions": None})
    for call in run.actions:
        say(f"call  {call.tool_name} {call.function_args} -> {call.status} {call.result or ''}")


@command(app, "steps", "projectdavid runs steps run_Yacp6ARAyUxYRhfjvmbsOW")
def steps(
    run_id: RunId,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the steps of a run: messages and tool calls, with code and outputs."""
    from projectdavid.cli.run_events import step_texts

    with connect() as client:
        page = client.runs.list_steps(run_id, limit=limit)
    if as_json:
        print_json(page.data)
        return
    for step in page.data:
        for line in step_texts(step):
            say(line)
    if page.has_more:
        note("There are more steps.")


@command(
    app,
    "events",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW",
    "projectdavid runs events run_Yacp6ARAyUxYRhfjvmbsOW --after 42 --json",
)
def events(
    run_id: RunId,
    after: Annotated[int, typer.Option(min=0, metavar="POSITION", help="Begin after this event.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Follow the events of a run, from the beginning to its end. With --json, print one event per line."""
    from projectdavid.cli.run_events import event_text

    with connect() as client, client.runs.stream(run_id=run_id, after=after) as stream:
        for event in stream:
            if as_json:
                typer.echo(event.json())
            else:
                say(event_text(event))


@command(app, "cancel", "projectdavid runs cancel run_Yacp6ARAyUxYRhfjvmbsOW")
def cancel(run_id: RunId, as_json: AsJson = False) -> None:
    """Cancel a run."""
    with connect() as client:
        run = client.runs.cancel_run(run_id)
    if as_json:
        print_json(run)
    else:
        note(f"{run.id} is {run.status}.")
