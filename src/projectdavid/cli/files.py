"""`projectdavid files`."""

from pathlib import Path
from typing import Annotated

import typer

from projectdavid.cli.bars import bytes_bar
from projectdavid.cli.connections import connect, local
from projectdavid.cli.declarations import command, new_group
from projectdavid.cli.options import AsJson, FileId, IdempotencyKey, Limit, Yes
from projectdavid.cli.output import (
    CommandError,
    confirm,
    moment,
    note,
    print_fields,
    print_json,
    print_table,
    say,
    told_deleted,
)

app = new_group(
    "Files: for messages and for code, and created by code.",
    "projectdavid files upload table.csv",
    "projectdavid files download file_2q8rVnW4sKjTt7yXbLmCfe",
)

Purpose = Annotated[str | None, typer.Option(metavar="WORD", help="Only files with this purpose.")]
WEEK = 604_800


@command(
    app,
    "upload",
    "projectdavid files upload table.csv",
    "projectdavid files upload photo.png --purpose vision --expires-after 3600",
)
def upload(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file.", exists=True, dir_okay=False)],
    purpose: Annotated[str, typer.Option(metavar="WORD", help="A label of your choice.")] = "assistants",
    name: Annotated[str | None, typer.Option(help="The file name. Default: as on the disk.")] = None,
    expires_after: Annotated[
        int | None, typer.Option(min=1, metavar="SECONDS", help="Delete the file after this time. Default: keep it.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
    as_json: AsJson = False,
) -> None:
    """Upload a file, and print its id."""
    with connect() as client, local(path), bytes_bar(path.name) as on_progress:
        file = client.files.upload(
            path,
            purpose,
            name,
            expires_after=expires_after,
            on_progress=on_progress,
            idempotency_key=idempotency_key,
        )
    if as_json:
        print_json(file)
        return
    typer.echo(file.id)
    note(f"{file.filename}: {file.bytes} bytes, {file.mime_type}")


@command(app, "list", "projectdavid files list --limit 10")
def list_(limit: Limit = None, purpose: Purpose = None, as_json: AsJson = False) -> None:
    """List your files, newest first."""
    with connect() as client:
        found = client.files.list(limit=limit, purpose=purpose)
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.filename, str(one.bytes), one.mime_type, one.purpose, moment(one.created_at)) for one in found]
    print_table(["ID", "NAME", "BYTES", "TYPE", "PURPOSE", "CREATED"], rows)
    if not found:
        note("None yet: projectdavid files upload PATH")


@command(app, "show", "projectdavid files show file_2q8rVnW4sKjTt7yXbLmCfe")
def show(file_id: FileId, as_json: AsJson = False) -> None:
    """Show the name, size and type of a file."""
    with connect() as client:
        file = client.files.retrieve(file_id)
    if as_json:
        print_json(file)
        return
    print_fields(file.dict() | {name: moment(getattr(file, name)) for name in ("created_at", "expires_at")})


@command(
    app,
    "download",
    "projectdavid files download file_2q8rVnW4sKjTt7yXbLmCfe",
    "projectdavid files download file_2q8rVnW4sKjTt7yXbLmCfe plots/july.png",
)
def download(
    file_id: FileId,
    path: Annotated[
        Path, typer.Argument(metavar="[PATH]", help="The target file, or a folder.", show_default=False)
    ] = Path(),
    force: Annotated[bool, typer.Option("--force", "-f", help="Overwrite an existing file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Download a file, and print its path. Existing files are only replaced with --force."""
    from projectdavid.client.downloads import place

    with connect() as client:
        file = client.files.retrieve(file_id)
        try:
            target = place(path, file.filename)
        except ValueError as error:
            raise CommandError(str(error), f"projectdavid files download {file_id} PATH") from None
        if target.exists() and not force:
            raise CommandError(f"{target} already exists", "use --force, or a different PATH")
        with local(target), bytes_bar(file.filename) as on_progress:
            saved = client.files.download(file_id, target, on_progress=on_progress)
    if as_json:
        print_json({"id": file_id, "path": str(saved)})
    else:
        say(str(saved))


@command(
    app,
    "link",
    "projectdavid files link file_2q8rVnW4sKjTt7yXbLmCfe",
    "projectdavid files link file_2q8rVnW4sKjTt7yXbLmCfe --expires-in 86400",
)
def link(
    file_id: FileId,
    expires_in: Annotated[
        int, typer.Option(min=1, max=WEEK, metavar="SECONDS", help="How long the link is valid.")
    ] = 600,
    as_json: AsJson = False,
) -> None:
    """Print a link to a file that works without a key, for example in a browser."""
    with connect() as client:
        url = client.files.link(file_id, expires_in=expires_in)
    if as_json:
        print_json({"id": file_id, "url": url})
    else:
        say(url)


@command(app, "delete", "projectdavid files delete file_2q8rVnW4sKjTt7yXbLmCfe --yes")
def delete(file_id: FileId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Delete a file permanently."""
    confirm(f"Delete the file {file_id}?", yes=yes)
    with connect() as client:
        gone = client.files.delete(file_id)
    told_deleted(gone, as_json=as_json)
