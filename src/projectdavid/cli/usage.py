"""`projectdavid usage`."""

from typing import Annotated, Literal

import typer

from projectdavid.cli.connections import connect, connect_as_admin
from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import note, print_json, print_table


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "usage",
        "projectdavid usage",
        "projectdavid usage --by model --start 2026-11-01 --end 2026-11-30",
    )(usage)


def usage(
    start: Annotated[str | None, typer.Option(metavar="DAY", help="The first day. Default: 30 days in total.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="The last day. Default: today.")] = None,
    by: Annotated[Literal["day", "assistant", "key", "model"], typer.Option(help="How to group the lines.")] = "day",
    user: Annotated[str | None, typer.Option(metavar="USER", help="The user, for admins. Default: you.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show model usage (turns, tokens and money), and storage usage with its limits.

    Days are in UTC. Costs are included if the price of the model is known.
    """
    with connect() if user is None else connect_as_admin() as client:
        found = client.usage.retrieve(start=start, end=end, group_by=by, user_id=user)
    if as_json:
        print_json(found)
        return
    rows = [
        (
            entry.day or entry.assistant_id or entry.key_prefix or entry.model,
            str(entry.turns),
            str(entry.prompt_tokens),
            str(entry.cached_tokens),
            str(entry.completion_tokens),
            str(entry.reasoning_tokens),
            _money(entry.cost, entry.unpriced),
        )
        for entry in found.data
    ]
    print_table([by.upper(), "TURNS", "READ", "CACHED", "WRITTEN", "REASONING", "COST"], rows)
    if any(entry.unpriced for entry in found.data):
        note("+: plus turns of models with unknown prices.")
    tokens, money = found.limits.tokens_per_day, found.limits.money_per_day
    if tokens is not None:
        note(f"Used today: {found.today.tokens} of {tokens} tokens.")
    if money is not None:
        note(f"Spent today: {found.today.cost or 0:g} of {money:g}.")
    typer.echo()
    stored = [(name, f"{entry.used:,}", _limit(entry.limit)) for name, entry in found.storage.items()]
    print_table(["STORED", "USED", "LIMIT"], stored)


def _limit(limit: int | None) -> str:
    return "-" if limit is None else f"{limit:,}"


def _money(cost: float | None, unpriced: bool) -> str:
    return ("-" if cost is None else f"{cost:g}") + ("+" if unpriced else "")
