"""`projectdavid approvals`."""

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from projectdavid.cli.connections import connect
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import ApprovalId, AsJson
from projectdavid.cli.output import CommandError, moment, note, print_fields, print_json, print_table, say

if TYPE_CHECKING:
    from projectdavid.protocol.approvals import Approval

app = new_group(
    "Approvals: tool calls that wait until a person approves them.",
    "projectdavid approvals list",
    "projectdavid approvals approve appr_5X2dIbKJsm8IgQTOAvK5WI0",
)

HINT = """for example --arguments '{"name": "value"}'"""
STATUSES = ("pending", "approved", "denied", "cancelled", "all")
Reason = Annotated[str | None, typer.Option(help="Kept with the decision; the model receives it if it is denied.")]


def _check_status(status: str) -> str:
    if status not in STATUSES:
        raise typer.BadParameter(f"expected one of {', '.join(STATUSES)}")
    return status


@command(
    app,
    "list",
    "projectdavid approvals list",
    "projectdavid approvals list --status all --run run_Yacp6ARAyUxYRhfjvmbsOW",
)
def list_(
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Only calls of this run.")] = None,
    status: Annotated[
        str, typer.Option(help=f"Only this status: {', '.join(STATUSES)}.", callback=_check_status)
    ] = "pending",
    limit: Annotated[int, typer.Option(min=1, max=100, help="Maximum number.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the calls that wait for approval, or those of another status, newest first."""
    with connect() as client:
        page = client.approvals.list(run_id=run, status=None if status == "all" else status, limit=limit)
    if as_json:
        print_json(page.data)
        return
    rows = [
        (one.id, one.status, f"{one.name}({one.arguments})", one.run_id, moment(one.expires_at)) for one in page.data
    ]
    print_table(["ID", "STATUS", "CALL", "RUN", "UNTIL"], rows)
    if page.has_more:
        note("There are older ones: --limit 100")
    if not page.data and status == "pending":
        note("Nothing waits for approval.")


@command(app, "show", "projectdavid approvals show appr_5X2dIbKJsm8IgQTOAvK5WI0")
def show(approval_id: ApprovalId, as_json: AsJson = False) -> None:
    """Show one approval, with the complete arguments of the call."""
    with connect() as client:
        approval = client.approvals.retrieve(approval_id)
    if as_json:
        print_json(approval)
        return
    times = {name: moment(getattr(approval, name)) for name in ("created_at", "expires_at", "decided_at")}
    print_fields(approval.dict() | times | {"args": None})


@command(
    app,
    "approve",
    "projectdavid approvals approve appr_5X2dIbKJsm8IgQTOAvK5WI0",
    "projectdavid approvals approve appr_5X2dIbKJsm8IgQTOAvK5WI0 --remember    # and later calls of the run",
)
def approve(
    approval_id: ApprovalId,
    reason: Reason = None,
    arguments: Annotated[
        str | None, typer.Option(metavar="JSON", help="An object that replaces the arguments of the model.")
    ] = None,
    remember: Annotated[
        bool, typer.Option("--remember", help="Also approve later calls of the same function in this run.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Approve a call: it runs, and the run continues."""
    given: Any = {} if arguments is None else {"arguments": _parse(arguments)}
    with connect() as client:
        approval = client.approvals.approve(approval_id, reason, remember="run" if remember else None, **given)
    _print_decided(approval, as_json)


@command(app, "deny", "projectdavid approvals deny appr_5X2dIbKJsm8IgQTOAvK5WI0 --reason 'Ask the customer first.'")
def deny(approval_id: ApprovalId, reason: Reason = None, as_json: AsJson = False) -> None:
    """Deny a call: it never runs, the model is informed, and the run continues."""
    with connect() as client:
        approval = client.approvals.deny(approval_id, reason)
    _print_decided(approval, as_json)


def _parse(arguments: str) -> dict[str, Any]:
    import json

    try:
        value: object = json.loads(arguments)
    except ValueError as error:
        raise CommandError(
            f"--arguments is not valid JSON: {error}", """quote it: --arguments '{"name": "value"}'"""
        ) from None
    if not isinstance(value, dict):
        raise CommandError("--arguments must be a JSON object", """for example --arguments '{"name": "value"}'""")
    return cast("dict[str, Any]", value)


def _print_decided(approval: "Approval", as_json: bool) -> None:
    if as_json:
        print_json(approval)
        return
    say(f"{approval.status}: {_format_call(approval)}")
    note(f"Follow the run: projectdavid runs events {approval.run_id}")


def _format_call(approval: "Approval") -> str:
    """Format the call as it runs: with the arguments of the decision, if it replaced those of the model."""
    return f"{approval.name}({approval.edited_arguments or approval.arguments})"
