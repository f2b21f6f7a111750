"""`projectdavid webhooks`."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, AssistantId, DeliveryId
from projectdavid.cli.output import moment, note, print_fields, print_json, print_table, say

if TYPE_CHECKING:
    from projectdavid.protocol.webhooks import Delivery

app = new_group(
    "Webhooks: events sent to the --webhook-url of your assistants, and their deliveries.",
    "projectdavid webhooks deliveries --status failed",
    "projectdavid webhooks test asst_5X2dIbKJsm8IgQTOAvK5WI",
)

STATUSES = ("pending", "delivered", "failed")
Run = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only deliveries of this run.")]
Assistant = Annotated[
    str | None, typer.Option("--assistant", metavar="ASSISTANT", help="Only deliveries of this assistant.")
]


def _check_status(status: str | None) -> str | None:
    if status is not None and status not in STATUSES:
        raise typer.BadParameter(f"expected one of {', '.join(STATUSES)}")
    return status


Status = Annotated[
    str | None, typer.Option(help="Only this status: pending, delivered or failed.", callback=_check_status)
]


@command(
    app,
    "deliveries",
    "projectdavid webhooks deliveries --run run_Yacp6ARAyUxYRhfjvmbsOW",
    "projectdavid webhooks deliveries --status failed --json | jq -r '.[].id'",
)
def deliveries(
    run: Run = None,
    assistant: Assistant = None,
    status: Status = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first, with the result of the last attempt."""
    with connect() as client:
        page = client.webhooks.list_deliveries(
            run_id=run, assistant_id=assistant, status=cast("Any", status), limit=limit
        )
    if as_json:
        print_json(page.data)
        return
    rows = [(one.id, one.event, one.status, str(one.attempts), moment(one.created_at), _last(one)) for one in page.data]
    print_table(["ID", "EVENT", "STATUS", "ATTEMPTS", "CREATED", "LAST"], rows)
    if page.has_more:
        note("There are older ones: --limit 100")


@command(app, "show", "projectdavid webhooks show evt_8fJ2kQw0ZbVnTt5rYxLmCe")
def show(delivery_id: DeliveryId, as_json: AsJson = False) -> None:
    """Show one delivery: its payload, and the result of each attempt."""
    with connect() as client:
        delivery = client.webhooks.retrieve_delivery(delivery_id)
    if as_json:
        print_json(delivery)
        return
    times = {name: moment(getattr(delivery, name)) for name in ("created_at", "next_attempt_at", "ended_at")}
    print_fields(delivery.dict() | times | {"log": None})
    for attempt in delivery.log:
        came_to = attempt.error or attempt.note or "delivered"
        say(f"attempt  {moment(attempt.at)}  {attempt.status or '-'}  {attempt.duration_ms} ms  {came_to}")


@command(app, "redeliver", "projectdavid webhooks redeliver evt_8fJ2kQw0ZbVnTt5rYxLmCe")
def redeliver(delivery_id: DeliveryId, as_json: AsJson = False) -> None:
    """Send an event again at once, with the same id and body, in any status."""
    with connect() as client:
        _print_delivery(client.webhooks.redeliver(delivery_id), as_json)


@command(app, "test", "projectdavid webhooks test asst_5X2dIbKJsm8IgQTOAvK5WI")
def send_test(assistant_id: AssistantId, as_json: AsJson = False) -> None:
    """Send the event `webhook.test`, to check that the receiver gets it and accepts the signature."""
    with connect() as client:
        _print_delivery(client.webhooks.test(assistant_id), as_json)


@command(
    app,
    "rotate",
    "projectdavid webhooks rotate asst_5X2dIbKJsm8IgQTOAvK5WI",
    "projectdavid webhooks rotate asst_5X2dIbKJsm8IgQTOAvK5WI --overlap 0    # the old one has leaked",
)
def rotate(
    assistant_id: AssistantId,
    secret: Annotated[str | None, typer.Option(help="At least 16 characters. Default: generated.")] = None,
    overlap: Annotated[
        int, typer.Option(min=0, max=604_800, metavar="SECONDS", help="How long the old secret also signs.")
    ] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Rotate the secret of a webhook, and print the new one. It is shown only once."""
    with connect() as client:
        rotated = client.webhooks.rotate_secret(assistant_id, webhook_secret=secret, overlap_seconds=overlap)
    if as_json:
        print_json(rotated)
        return
    typer.echo(rotated.webhook_secret)
    until = moment(rotated.previous_expires_at)
    note("It is shown only once." + (f" The old one also signs until {until}." if until else ""))


def _print_delivery(delivery: "Delivery", as_json: bool) -> None:
    if as_json:
        print_json(delivery)
        return
    typer.echo(delivery.id)
    note(f"See the result: projectdavid webhooks show {delivery.id}")


def _last(delivery: "Delivery") -> str | None:
    last = delivery.log[-1] if delivery.log else None
    return None if last is None else last.error or last.note or f"{last.status}"
