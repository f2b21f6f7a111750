"""`projectdavid move`."""

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, note, print_json, say

if TYPE_CHECKING:
    from projectdavid.composition.move.mover import MoveOutcome
    from projectdavid.ports.blobs import Blobs
    from projectdavid.settings import Settings

BUCKET = "s3://"


def declare(app: typer.Typer) -> None:
    """Add the command."""
    command(
        app,
        "move",
        "projectdavid move --to postgresql://david@db.internal/david",
        "projectdavid move --to postgresql://david@db.internal/david --blobs s3://david-files",
        "projectdavid move --from postgresql://david@db.internal/david --data ./back --secret ./data/secret.key"
        " --blobs s3://david-files",
    )(move)


def move(
    to: Annotated[
        str | None, typer.Option("--to", metavar="URL", help="An empty PostgreSQL database to move the data folder to.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="URL", help="A PostgreSQL database to move to a new data folder.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="DIR", help="The data folder: with --from, a new one.")] = None,
    blobs: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Copy the bytes of files: with --to, to a bucket (s3://bucket/prefix); with --from, from a bucket or"
            " an old data folder. By default they stay where they are.",
        ),
    ] = None,
    secret: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --from: the secret.key of the servers, if secret_key is not set."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move all data from a data folder to PostgreSQL, or back. Ids, API keys, links and streams stay valid.

    Stop all servers and workers first. The command locks both sides, copies, and compares every row, chunk and file. It
    can be interrupted at any time and repeated: it continues where it stopped. At the end, the source is retired: the
    database of a folder is moved aside inside it, and a PostgreSQL database refuses servers.
    """
    from projectdavid.cli.configuration import read_settings

    _check_arguments(to, from_, data, blobs, secret)
    is_bucket = blobs is not None and blobs.startswith(BUCKET)
    settings = read_settings(data=data, database_url=to or from_, blobs_url=blobs if is_bucket else None)
    outcome = _run(settings, blobs, secret, is_database=to is not None, quiet=as_json)
    if as_json:
        print_json(asdict(outcome) | {"aside": None if outcome.aside is None else str(outcome.aside)})
    else:
        _show(settings, outcome, is_database=to is not None)


def _check_arguments(
    to: str | None, from_: str | None, data: Path | None, blobs: str | None, secret: Path | None
) -> None:
    if (to is None) == (from_ is None):
        raise CommandError("name either a target with --to or a source with --from")
    if from_ is not None and data is None:
        raise CommandError("--from needs a new data folder", "name it with --data")
    if to is not None and blobs is not None and not blobs.startswith(BUCKET):
        raise CommandError(
            "--blobs must be a bucket, s3://bucket/prefix", "leave it out to keep the files where they are"
        )
    if to is not None and secret is not None:
        raise CommandError("--secret belongs to --from", "the data folder has its secret")


def _run(
    settings: "Settings", blobs: str | None, secret: Path | None, *, is_database: bool, quiet: bool
) -> "MoveOutcome":
    from projectdavid.cli.bars import stage_bar
    from projectdavid.composition.storage import check_postgres_library
    from projectdavid.ports.store import StoreUnavailable

    try:
        check_postgres_library()
    except StoreUnavailable as error:
        raise CommandError(error.problem, error.remedy) from error
    from projectdavid.composition.move.mover import move_to_database, move_to_folder
    from projectdavid.composition.move.tables import MoveError

    try:
        with stage_bar(quiet=quiet) as report:
            if is_database:
                return asyncio.run(move_to_database(settings, report, with_blobs=blobs is not None))
            source = _open_blobs(settings, blobs)
            return asyncio.run(move_to_folder(settings, report, blobs=source, secret=secret))
    except MoveError as error:
        raise CommandError(error.message, error.next_step) from error
    except ValueError as error:  # a bucket or its library
        raise CommandError(str(error)) from error


def _open_blobs(settings: "Settings", place: str | None) -> "Blobs | None":
    """Return the storage to copy files from: a bucket, the folder of blobs, or the data folder that has one."""
    from projectdavid.adapters.blobs.directory import DirectoryBlobs
    from projectdavid.composition.storage import s3_of

    if place is None:
        return None
    if place.startswith(BUCKET):
        return s3_of(settings)
    path = Path(place)
    if not path.is_dir():
        raise CommandError(f"{path} is not a folder", "name a bucket or a data folder with --blobs")
    return DirectoryBlobs(path / "blobs" if (path / "blobs").is_dir() else path)


def _show(settings: "Settings", outcome: "MoveOutcome", *, is_database: bool) -> None:
    copied = f", {outcome.files} files" if outcome.files else ""
    say(f"moved and verified: {outcome.rows} rows, {outcome.chunks} chunks of the search index{copied}")
    if outcome.missing_in_index:
        note(f"The index lacked {outcome.missing_in_index} files; the server ingests them again.")
    if not is_database:
        note("The PostgreSQL database refuses servers from now on; drop it when it is not needed any more.")
        note(f"Next: unset PROJECTDAVID_DATABASE_URL, and projectdavid serve --data {settings.data}")
        return
    if outcome.aside is not None:
        note(f"The old database is in {outcome.aside}; delete it when it is not needed any more.")
    note(
        f"Other machines need the secret in {settings.secret}: set PROJECTDAVID_SECRET_KEY to it there. Keep the file."
    )
    if settings.blobs_url is None:
        note(f"The bytes of files stay in {settings.blobs}; servers on other machines cannot read them there.")
    note("Next: set PROJECTDAVID_DATABASE_URL, and start servers and workers.")
