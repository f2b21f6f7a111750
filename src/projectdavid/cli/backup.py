"""`projectdavid backup`, `verify-backup`, `restore` and `release`."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from projectdavid.cli.options import AsJson
from projectdavid.cli.printing import Failure, moment, note, print_json, say
from projectdavid.cli.teaching import command

Data = Annotated[
    Path | None, typer.Option(metavar="DIR", help="The server's data folder, where it is not the usual one.")
]
Backup = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.", show_default=False)]


class OpenRuns(StrEnum):
    """What becomes of runs that were open."""

    RESUME = "resume"
    FAIL = "fail"


class Webhooks(StrEnum):
    """What becomes of webhooks that were pending."""

    SEND = "send"
    DROP = "drop"


def declare(app: typer.Typer) -> None:
    """Add the commands."""
    command(
        app,
        "backup",
        "projectdavid backup /backups/2026-11-30",
        "projectdavid backup /backups/2026-12-01 --from /backups/2026-11-30",
    )(backup)
    command(app, "verify-backup", "projectdavid verify-backup /backups/2026-11-30")(verify_backup)
    command(app, "restore", "projectdavid restore /backups/2026-11-30 --data ./restored")(restore)
    command(app, "release", "projectdavid release --data ./restored --runs fail --webhooks drop")(release)


def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the backup.", show_default=False)],
    data: Data = None,
    previous: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="PREVIOUS", help="A backup beside it: files that have not changed take no space again."
        ),
    ] = None,
    no_index: Annotated[
        bool, typer.Option("--no-index", help="Leave the search index out; it is rebuilt after a restore.")
    ] = False,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Leave out secret.key, credentials.json and config.toml.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back up the data folder, whether a server uses it or not.

    The backup is consistent, and appears under its name when it is complete and checked. If the command was
    interrupted, repeat it: it goes on. The exit code is 0 only if every file is there. A backup is as secret as the
    data. docs/backup.md has an example for cron.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.server.backup.writer import BackupOptions, write_backup

    folder = read_settings(data=data).data
    options = BackupOptions(previous=previous, index=not no_index, secrets=not no_secrets)
    with _failing(), stage_bar(quiet=as_json) as report:
        manifest, tally = write_backup(folder, target, options, report)
    blobs = {"linked": tally.linked, "copied": tally.copied, "kept": tally.kept, "missing": len(tally.missing)}
    if as_json:
        print_json({"backup": str(target), "ok": not tally.missing, "files": blobs, **_facts(manifest)})
    else:
        shares = ", ".join(f"{count} {word}" for word, count in blobs.items() if count)
        say(f"{target}: complete, with {tally.count} files ({shares or 'none'})")
        _tell_waiting(manifest.open_runs, manifest.pending_deliveries)
    if tally.missing:
        first = ", ".join(f"{blob.of} of {blob.owner}" for blob in tally.missing[:3])
        raise Failure(
            f"{target} is whole but for {len(tally.missing)} files whose bytes {folder} does not have: {first}",
            "bring them back from an older backup, or delete these files; `projectdavid doctor --deep` lists them",
        )


def verify_backup(path: Backup, as_json: AsJson = False) -> None:
    """Verify a backup: every byte against its manifest, and its parts against each other.

    It writes nothing. The exit code is 1 if something is damaged.
    """
    from projectdavid.cli.deep_checkup import examine_backup
    from projectdavid.cli.doctor import print_findings

    print_findings(examine_backup(path, as_json=as_json), as_json=as_json)


def restore(
    path: Backup,
    data: Annotated[
        Path | None, typer.Option(metavar="NEW", help="A new or empty folder. Default: the usual data folder.")
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The secret.key, if the backup was made with --no-secrets.")
    ] = None,
    erasures: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An erasures.jsonl with later erasures of users.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Restore although bytes of files are missing; they are listed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup into an empty folder, as a copy on hold.

    A server on the copy serves reads only: it asks no model and sends no webhook until `projectdavid release`. Users
    that were erased after the backup was made are erased from the copy, as far as an erasure ledger names them: those
    of the backup, of the folder beside it, and of the target are read.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.server.backup.restoration import RestoreOptions, restore_backup

    folder = read_settings(data=data).data
    options = RestoreOptions(secret=secret, erasures=erasures, allow_missing=allow_missing)
    with _failing(), stage_bar(quiet=as_json) as report:
        done = restore_backup(path, folder, options, report)
    if as_json:
        missing = [{"id": blob.of, "owner": blob.owner, "blob": blob.key} for blob in done.missing]
        waiting = {"open_runs": done.open_runs, "pending_deliveries": done.pending_deliveries}
        erased = {"erased_users": done.erased_users, "missing": missing, "index_left_out": done.index_left_out}
        print_json({"data": str(folder), "held": True, **erased, **waiting, "backup": _facts(done.manifest)})
        return
    say(f"{folder}: restored from a backup of {moment(done.manifest.created_at)}")
    if done.erased_users:
        note(f"{done.erased_users} users that were erased since were erased from the copy.")
    for blob in done.missing:
        say(f"missing: the bytes of {blob.of} of {blob.owner}")
    if done.index_left_out:
        note("The search index is rebuilt after the release.")
    if not (folder / "secret.key").exists():
        note(f"It has no secret.key, without which no API key opens: put the server's into {folder} before you start.")
    _tell_waiting(done.open_runs, done.pending_deliveries)
    note(f"It is on hold and serves reads only. Next: projectdavid release --data {folder}")


def release(
    data: Data = None,
    runs: Annotated[
        OpenRuns | None, typer.Option(help="What to do with runs that were open when the backup was made.")
    ] = None,
    webhooks: Annotated[
        Webhooks | None, typer.Option(help="What to do with webhooks that were still to be sent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Release a restored copy, so that a server on it works again.

    `--runs resume` asks models again, which costs money a second time if the original still runs; `fail` ends such runs
    with the code `server_restored`. `--webhooks send` sends what is pending, which receivers may have had; `drop` does
    not. Stop a server that uses the folder first, and start it afterwards.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.server.backup.release import release_copy

    folder = read_settings(data=data).data
    with _failing(), stage_bar(quiet=as_json) as report:
        done = asyncio.run(
            release_copy(folder, runs.value if runs else None, webhooks.value if webhooks else None, report)
        )
    if as_json:
        counts = {"open_runs": done.open_runs, "pending_deliveries": done.pending_deliveries}
        print_json({"data": str(folder), "released": done.held, **counts})
    elif done.held:
        say(f"{folder}: released; start the server")
    else:
        say(f"{folder}: is not on hold; there is nothing to release")


def _tell_waiting(open_runs: int, pending_deliveries: int) -> None:
    if open_runs or pending_deliveries:
        note(f"Runs that are open in it: {open_runs}; webhooks that are pending: {pending_deliveries}.")


def _facts(manifest: Any) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(manifest)
    return {name: value for name, value in facts.items() if name not in ("files", "blobs")}


@contextmanager
def _failing() -> Generator[None]:
    from projectdavid.server.backup.layout import BackupError

    try:
        yield
    except BackupError as error:
        raise Failure(error.message, error.next_step) from error
