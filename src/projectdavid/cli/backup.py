"""`projectdavid backup`, `verify-backup`, `restore` and `release`."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from projectdavid.cli.declarations import command
from projectdavid.cli.options import AsJson
from projectdavid.cli.output import CommandError, moment, note, print_json, say

Data = Annotated[Path | None, typer.Option(metavar="DIR", help="The server's data folder, if not the default.")]
Backup = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of the backup.", show_default=False)]


class OpenRuns(StrEnum):
    """What to do with open runs."""

    RESUME = "resume"
    FAIL = "fail"


class PendingWebhooks(StrEnum):
    """What to do with pending webhooks."""

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
            "--from",
            metavar="PREVIOUS",
            help=("A previous backup next to it: unchanged files are linked and take no extra space."),
        ),
    ] = None,
    no_index: Annotated[
        bool, typer.Option("--no-index", help="Exclude the search index; it is rebuilt after a restore.")
    ] = False,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Exclude secret.key, credentials.json and config.toml.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back up the data folder, with or without a running server.

    The backup is consistent, and appears under its name when it is complete and verified. An interrupted command can be
    repeated: it resumes. The exit code is 0 only if every file is there. A backup is as confidential as the data.
    docs/backup.md has an example for cron.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.composition.backup.writer import BackupOptions, write_backup

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
        raise CommandError(
            f"{target} is complete except for {len(tally.missing)} files whose bytes are missing in {folder}: {first}",
            "restore them from an older backup, or delete these files; `projectdavid doctor --deep` lists them",
        )


def verify_backup(path: Backup, as_json: AsJson = False) -> None:
    """Verify a backup: check every byte against its manifest, and its parts against each other. Writes nothing. The
    exit code is 1 if something is damaged.
    """
    from projectdavid.cli.doctor.command import print_findings
    from projectdavid.cli.doctor.deep_checkup import examine_backup

    print_findings(examine_backup(path, as_json=as_json), as_json=as_json)


def restore(
    path: Backup,
    data: Annotated[
        Path | None, typer.Option(metavar="NEW", help="A new or empty folder. Default: the default data folder.")
    ] = None,
    secret: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The secret.key, if the backup was made with --no-secrets.")
    ] = None,
    erasures: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An erasures.jsonl with later erasures of users.")
    ] = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Restore even if bytes of files are missing; they are listed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup to an empty folder, as a copy on hold.

    A server on the copy only answers reads: it calls no model and sends no webhook until `projectdavid release`. Users
    that were erased after the backup was made are erased from the copy, as far as an erasure ledger names them: those
    of the backup, of the folder beside it, and of the target are read.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.composition.backup.restoration import RestoreOptions, restore_backup

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
        note(f"{done.erased_users} users that were erased after the backup were erased from the copy.")
    for blob in done.missing:
        say(f"missing: the bytes of {blob.of} of {blob.owner}")
    if done.index_left_out:
        note("The search index is rebuilt after the release.")
    if not (folder / "secret.key").exists():
        note(
            f"It has no secret.key, without which no API key is valid: copy the server's secret.key to {folder}"
            " before you start."
        )
    _tell_waiting(done.open_runs, done.pending_deliveries)
    note(f"It is on hold and only answers reads. Next: projectdavid release --data {folder}")


def release(
    data: Data = None,
    runs: Annotated[
        OpenRuns | None, typer.Option(help="What to do with runs that were open when the backup was made.")
    ] = None,
    webhooks: Annotated[
        PendingWebhooks | None, typer.Option(help="What to do with webhooks that were pending.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Release a restored copy, so a server on it resumes work.

    `--runs resume` calls models again, which costs money a second time if the original still runs; `fail` ends such
    runs with the code `server_restored`. `--webhooks send` sends pending webhooks, which receivers may already have
    received; `drop` does not. Stop the server that uses the folder first, and start it afterwards.
    """
    from projectdavid.cli.bars import stage_bar
    from projectdavid.cli.configuration import read_settings
    from projectdavid.composition.backup.release import release_copy

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
        note(f"Open runs: {open_runs}; pending webhooks: {pending_deliveries}.")


def _facts(manifest: Any) -> dict[str, Any]:
    import msgspec

    facts: dict[str, Any] = msgspec.to_builtins(manifest)
    return {name: value for name, value in facts.items() if name not in ("files", "blobs")}


@contextmanager
def _failing() -> Generator[None]:
    from projectdavid.composition.backup.layout import BackupError

    try:
        yield
    except BackupError as error:
        raise CommandError(error.message, error.next_step) from error
