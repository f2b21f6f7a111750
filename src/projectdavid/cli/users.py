"""`projectdavid users`."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from projectdavid.cli.bars import count_bar
from projectdavid.cli.connections import connect_as_admin
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, IdempotencyKey, Limit, UserId, Yes
from projectdavid.cli.output import confirm, note, print_fields, print_json, print_table

if TYPE_CHECKING:
    from projectdavid.client import Entity
    from projectdavid.protocol.erasures import Erasure

POLL = 0.2
"""Polling interval for an erasure, in seconds."""

app = new_group(
    "Users, for admins.\n\nUses the admin key of the credentials file, or the key in PROJECTDAVID_API_KEY.",
    "projectdavid users create --name 'Ada Lovelace' --email ada@example.com",
    "projectdavid users list",
)


@command(app, "list", "projectdavid users list")
def list_(limit: Limit = None, as_json: AsJson = False) -> None:
    """List the users, newest first."""
    with connect_as_admin() as client:
        found = client.users.list(limit=limit)
    if as_json:
        print_json(found)
        return
    rows = [
        (user.id, user.full_name, user.email, "admin" if user.is_admin else "user", user.created_at) for user in found
    ]
    print_table(["ID", "NAME", "EMAIL", "ROLE", "CREATED"], rows)


@command(
    app,
    "create",
    "projectdavid users create --name 'Ada Lovelace' --email ada@example.com",
    "projectdavid keys create --user $(projectdavid users create --name Ada)",
)
def create(
    name: Annotated[str | None, typer.Option(help="The full name.")] = None,
    email: Annotated[str | None, typer.Option(help="An email address.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Can manage users and keys.")] = False,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Create a user, and print the id. To create a key for the user, run `keys create --user`."""
    with connect_as_admin() as client:
        user = client.users.create_user(full_name=name, email=email, is_admin=admin, idempotency_key=idempotency_key)
    if as_json:
        print_json(user)
        return
    typer.echo(user.id)
    note(f"Create a key for them: projectdavid keys create --user {user.id}")


@command(
    app,
    "limit",
    "projectdavid users limit user_JMjCZnGqHwQUV8aXRrLgkT --tokens-per-day 100000 --concurrent-runs 5",
    "projectdavid users limit user_JMjCZnGqHwQUV8aXRrLgkT",
)
def limit(
    user_id: UserId,
    requests_per_minute: Annotated[int | None, typer.Option(min=1, help="Requests per minute.")] = None,
    concurrent_runs: Annotated[int | None, typer.Option(min=1, help="Open runs.")] = None,
    tokens_per_day: Annotated[int | None, typer.Option(min=1, help="Tokens per day (UTC).")] = None,
    money_per_day: Annotated[
        float | None, typer.Option(help="Spending per day (UTC), in the currency of the prices.")
    ] = None,
    storage_bytes: Annotated[
        int | None, typer.Option(min=0, help="Bytes of files, including parts of uploads.")
    ] = None,
    stored_files: Annotated[int | None, typer.Option(min=0, help="Files.")] = None,
    generated_bytes: Annotated[int | None, typer.Option(min=0, help="Bytes of files created by tools.")] = None,
    generated_files: Annotated[int | None, typer.Option(min=0, help="Files created by tools.")] = None,
    vector_stores: Annotated[int | None, typer.Option(min=0, help="Vector stores.")] = None,
    files_per_vector_store: Annotated[int | None, typer.Option(min=0, help="Files in a vector store.")] = None,
    vector_store_bytes: Annotated[int | None, typer.Option(min=0, help="Bytes of text in vector stores.")] = None,
    assistants: Annotated[int | None, typer.Option(min=0, help="Assistants.")] = None,
    threads: Annotated[int | None, typer.Option(min=0, help="Threads.")] = None,
    messages_per_thread: Annotated[int | None, typer.Option(min=0, help="Messages in a thread.")] = None,
    open_uploads: Annotated[int | None, typer.Option(min=0, help="Open uploads in parts.")] = None,
    active_keys: Annotated[int | None, typer.Option(min=0, help="Active API keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """Set the limits of a user. Omitted limits fall back to the server's settings."""
    limits = {
        "requests_per_minute": requests_per_minute,
        "concurrent_runs": concurrent_runs,
        "tokens_per_day": tokens_per_day,
        "money_per_day": money_per_day,
        "storage_bytes": storage_bytes,
        "stored_files": stored_files,
        "generated_bytes": generated_bytes,
        "generated_files": generated_files,
        "vector_stores": vector_stores,
        "files_per_vector_store": files_per_vector_store,
        "vector_store_bytes": vector_store_bytes,
        "assistants": assistants,
        "threads": threads,
        "messages_per_thread": messages_per_thread,
        "open_uploads": open_uploads,
        "active_keys": active_keys,
    }
    with connect_as_admin() as client:
        user = client.users.update_user(user_id, limits=limits)
    if as_json:
        print_json(user)
        return
    print_fields({name: _format_limit(getattr(user.limits, name)) for name in limits})


def _format_limit(limit: float | None) -> str:
    return "server default" if limit is None else f"{limit}"


@command(
    app,
    "delete",
    "projectdavid users delete user_JMjCZnGqHwQUV8aXRrLgkT",
    "projectdavid users delete user_JMjCZnGqHwQUV8aXRrLgkT --yes --json",
)
def delete(
    user_id: UserId,
    yes: Yes = False,
    wait: Annotated[bool, typer.Option(help="Wait until everything is erased.")] = True,
    as_json: AsJson = False,
) -> None:
    """Delete a user and all of their data, and report what was erased.

    The user is gone at once; rows, files and index entries are erased in the background. Ctrl-C only stops waiting;
    `users erasure` shows the report later.
    """
    confirm(f"Delete the user {user_id} and all of their data?", yes=yes)
    with connect_as_admin() as client:
        erasure = client.users.delete_user(user_id).erasure
        if wait:
            erasure = _wait_for_erasure(client, erasure)
    _print_erasure(erasure, as_json=as_json)


@command(app, "erasure", "projectdavid users erasure erasure_4hVvJ2kXbPq0sYt7LwNzR1")
def erasure(
    erasure_id: Annotated[str, typer.Argument(metavar="ERASURE", help="The id, as printed by `users delete`.")],
    as_json: AsJson = False,
) -> None:
    """Report the progress of the deletion of a user."""
    with connect_as_admin() as client:
        found = client.users.retrieve_erasure(erasure_id)
    _print_erasure(found, as_json=as_json)


def _wait_for_erasure(client: "Entity", erasure: "Erasure") -> "Erasure":
    """Wait for an erasure, with progress."""
    with count_bar("erasing") as update:
        while erasure.status != "completed":
            done = sum(erasure.deleted.values())
            update(done, done + sum(erasure.left.values()))
            time.sleep(POLL)
            erasure = client.users.retrieve_erasure(erasure.id)
    return erasure


def _print_erasure(erasure: "Erasure", *, as_json: bool) -> None:
    if as_json:
        print_json(erasure)
        return
    kinds = [kind for kind in erasure.deleted if erasure.deleted[kind] or erasure.left[kind]]
    print_table(
        ["KIND", "DELETED", "LEFT"], [(kind, str(erasure.deleted[kind]), str(erasure.left[kind])) for kind in kinds]
    )
    print_fields(
        {
            "id": erasure.id,
            "status": erasure.status,
            "completed": erasure.completed_at,
            "out of reach": " ".join(erasure.out_of_reach),
        }
    )
