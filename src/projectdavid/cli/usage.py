"""`projectdavid usage`."""

from typing import Annotated, Literal

import typer

from projectdavid.cli.connecting import connect, connect_as_admin
from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import note, print_json, print_table
from projectdavid.cli.teaching import command


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "usage",
        "projectdavid usage",
        "projectdavid usage --by model --start 2026-11-01 --end 2026-11-30",
    )(usage)


def usage(
    start: Annotated[str | None, typer.Option(metavar="DAY", help="The first day. Default: 30 days in all.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DAY", help="The last day. Default: today.")] = None,
    by: Annotated[Literal["day", "assistant", "key", "model"], typer.Option(help="What each line is about.")] = "day",
    user: Annotated[str | None, typer.Option(metavar="USER", help="Whose; as an admin. Default: your own.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what models took (turns, tokens and money), and what is stored of what can be.

    Days are those of UTC. Money is counted where the server knows the price of the model.
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
        note("+: and turns of models whose price the server does not know.")
    tokens, money = found.limits.tokens_per_day, found.limits.money_per_day
    if tokens is not None:
        note(f"Today {found.today.tokens} of {tokens} tokens are used.")
    if money is not None:
        note(f"Today {found.today.cost or 0:g} of {money:g} are spent.")
    typer.echo()
    stored = [(name, f"{entry.used:,}", _limit(entry.limit)) for name, entry in found.storage.items()]
    print_table(["STORED", "USED", "LIMIT"], stored)


def _limit(limit: int | None) -> str:
    return "-" if limit is None else f"{limit:,}"


def _money(cost: float | None, unpriced: bool) -> str:
    return ("-" if cost is None else f"{cost:g}") + ("+" if unpriced else "")
