"""`projectdavid keys`."""

from typing import TYPE_CHECKING, Annotated

import typer

from projectdavid.cli.connections import connect, connect_as_admin, own_id
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, IdempotencyKey, KeyPrefix
from projectdavid.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from projectdavid import Entity

app = new_group(
    "API keys: your own, and for admins those of other users.",
    "projectdavid keys create --name laptop",
    "projectdavid keys list",
)

User = Annotated[str | None, typer.Option("--user", metavar="USER", help="The user, for admins. Default: you.")]


@command(app, "list", "projectdavid keys list --all")
def list_(
    user: User = None,
    show_all: Annotated[bool, typer.Option("--all", help="Include revoked and expired keys.")] = False,
    as_json: AsJson = False,
) -> None:
    """List keys, without their secrets."""
    with _client(user) as client:
        found = client.keys.list_keys(user or own_id(client), include_inactive=show_all)
    if as_json:
        print_json(found)
        return
    rows = [
        (key.prefix, key.key_name, "active" if key.is_active else "dead", key.expires_at, key.last_used_at)
        for key in found
    ]
    print_table(["PREFIX", "NAME", "STATE", "EXPIRES", "LAST USED"], rows)


@command(
    app,
    "create",
    "projectdavid keys create --name laptop --days 90",
    "PROJECTDAVID_API_KEY=$(projectdavid keys create --user user_JMjCZnGqHwQUV8aXRrLgkT) projectdavid models",
)
def create(
    name: Annotated[str | None, typer.Option(help="The name of the key.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="How long the key is valid. Default: no expiry.")] = None,
    seconds: Annotated[int | None, typer.Option(min=1, help="The same in seconds, instead of --days.")] = None,
    no_approve: Annotated[
        bool, typer.Option("--no-approve", help="The key cannot approve tool calls, or change what needs approval.")
    ] = False,
    user: User = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Create a key, and print it. It is shown only once."""
    if days is not None and seconds is not None:
        raise typer.BadParameter("--days and --seconds exclude each other", param_hint="--seconds")
    with _client(user) as client:
        owner = user or own_id(client)
        created = client.keys.create_key(
            owner,
            key_name=name,
            expires_in_days=days,
            expires_in=seconds,
            approve=False if no_approve else None,
            idempotency_key=idempotency_key,
        )
    if as_json:
        print_json(created)
        return
    typer.echo(created.plain_key)
    note(f"It is shown only once. Revoke it with: projectdavid keys revoke {created.details.prefix}")


@command(app, "revoke", "projectdavid keys revoke pd_3fK9xQ2mZ")
def revoke(prefix: KeyPrefix, user: User = None, as_json: AsJson = False) -> None:
    """Revoke a key."""
    with _client(user) as client:
        revoked = client.keys.revoke_key(user or own_id(client), prefix)
    if as_json:
        print_json(revoked)
    else:
        note(f"{revoked.prefix} is revoked.")


def _client(user: str | None) -> "Entity":
    return connect() if user is None else connect_as_admin()
