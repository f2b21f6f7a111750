"""`projectdavid webhooks`."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from projectdavid.cli.connecting import connect
from projectdavid.cli.options import AsJson, AssistantId, DeliveryId
from projectdavid.cli.printing import moment, note, print_fields, print_json, print_table, say
from projectdavid.cli.teaching import command, new_group

if TYPE_CHECKING:
    from projectdavid.protocol.webhooks import Delivery

app = new_group(
    "Webhooks: what is sent to the --webhook-url of your assistants, and what became of it.",
    "projectdavid webhooks deliveries --status failed",
    "projectdavid webhooks test asst_5X2dIbKJsm8IgQTOAvK5WI",
)

STATUSES = ("pending", "delivered", "failed")
Run = Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only those of this run.")]
Assistant = Annotated[
    str | None, typer.Option("--assistant", metavar="ASSISTANT", help="Only those of this assistant.")
]


def _known(status: str | None) -> str | None:
    if status is not None and status not in STATUSES:
        raise typer.BadParameter(f"expected one of {', '.join(STATUSES)}")
    return status


Status = Annotated[str | None, typer.Option(help="Only those: pending, delivered or failed.", callback=_known)]


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
    limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what was or is to be sent, newest first, with what the last attempt came to."""
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
    """Show one delivery: what is sent, and each attempt with what came of it."""
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
    """Send an event again at once: the same id, the same body, whatever became of it before."""
    with connect() as client:
        _sent(client.webhooks.redeliver(delivery_id), as_json)


@command(app, "test", "projectdavid webhooks test asst_5X2dIbKJsm8IgQTOAvK5WI")
def send_test(assistant_id: AssistantId, as_json: AsJson = False) -> None:
    """Send the event `webhook.test`, to see whether it arrives and is found to be signed rightly."""
    with connect() as client:
        _sent(client.webhooks.test(assistant_id), as_json)


@command(
    app,
    "rotate",
    "projectdavid webhooks rotate asst_5X2dIbKJsm8IgQTOAvK5WI",
    "projectdavid webhooks rotate asst_5X2dIbKJsm8IgQTOAvK5WI --overlap 0    # the old one is known to others",
)
def rotate(
    assistant_id: AssistantId,
    secret: Annotated[str | None, typer.Option(help="16 characters or more. Default: one is made.")] = None,
    overlap: Annotated[
        int, typer.Option(min=0, max=604_800, metavar="SECONDS", help="How long the old one signs beside it.")
    ] = 86_400,
    as_json: AsJson = False,
) -> None:
    """Give a webhook another secret, and print it: this once."""
    with connect() as client:
        rotated = client.webhooks.rotate_secret(assistant_id, webhook_secret=secret, overlap_seconds=overlap)
    if as_json:
        print_json(rotated)
        return
    typer.echo(rotated.webhook_secret)
    until = moment(rotated.previous_expires_at)
    note("It is shown this once." + (f" The old one signs beside it until {until}." if until else ""))


def _sent(delivery: "Delivery", as_json: bool) -> None:
    if as_json:
        print_json(delivery)
        return
    typer.echo(delivery.id)
    note(f"See what comes of it: projectdavid webhooks show {delivery.id}")


def _last(delivery: "Delivery") -> str | None:
    last = delivery.log[-1] if delivery.log else None
    return None if last is None else last.error or last.note or f"{last.status}"
