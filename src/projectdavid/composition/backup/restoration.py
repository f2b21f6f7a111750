"""Restores a backup into an empty folder, as a copy that is held until it is released."""

import asyncio
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.composition.backup.blob_files import BlobCopier, list_missing
from projectdavid.composition.backup.layout import DATABASE, INDEX, LEDGER, SECRETS, BackupError, DataFolder, Report
from projectdavid.composition.backup.manifest import BackupManifest, describe_damage, read_manifest
from projectdavid.composition.backup.snapshot import (
    NamedBlob,
    count_open_runs,
    count_pending_deliveries,
    list_blobs,
    list_faults,
    read_database,
)
from projectdavid.composition.restored_copy import INSTANCE, KEY
from projectdavid.durable_files import copy_file, sync_folder
from projectdavid.ports import queries
from projectdavid.ports.index import IndexUnavailable
from projectdavid.ports.store import Op, StoreError
from projectdavid.runtime.knowledge.index_sync import IndexSync
from projectdavid.services.erasure_ledger import LedgerEntry, LedgerError, load, matches, merge

PARTIAL = "restore.partial"
"""The folder in the target in which a copy is assembled; complete files are moved out, the database last."""
INTERRUPTED = frozenset({PARTIAL, "blobs", INDEX, LEDGER, *SECRETS})
"""Remains of an interrupted restore in the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """Options of a restore: a secret missing in the backup, and another erasure ledger."""

    secret: Path | None = None
    erasures: Path | None = None
    allow_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreResult:
    """The result of a restore, and what its release must decide."""

    manifest: BackupManifest
    erased_users: int
    missing: list[NamedBlob]
    index_left_out: bool
    open_runs: int
    pending_deliveries: int


def restore_backup(backup: Path, target: Path, options: RestoreOptions, report: Report) -> RestoreResult:
    """Restore a backup.

    Raises:
        BackupError: the backup is damaged, the target is not empty, or it cannot be written. At most a folder is left,
            which
        the next attempt replaces.
    """
    source = DataFolder(backup)
    manifest = read_manifest(source)
    _check_target(source, target)
    index_left_out = _check_files(source, manifest, report)
    secret = _read_secret(source, options)
    try:
        erasures = _read_ledgers(source, target, options)
        if erasures and secret is None:
            missing = "the backup has no secret, without which erased users cannot be recognized"
            raise BackupError(missing, "pass the secret.key of the server with --secret FILE")
        copy = _prepare(target)
        for name in (DATABASE, *(() if index_left_out else (INDEX,))):
            report(name, 0, 0)
            copy_file(source.path / name, copy.path / name)
        erased = _erase_users(copy, erasures, secret or b"")
        asyncio.run(_bring_up(copy))
        if erased:
            _drop_deleted_bytes(copy)
        restored = _bring_blobs(source, copy, manifest, options, report)
        _bring_small(source, copy, options, erasures)
        _move_out(copy, target)
    except (LedgerError, StoreError, IndexUnavailable, apsw.Error) as error:
        raise BackupError(f"cannot restore {backup}: {error}", "choose another backup") from error
    except OSError as error:
        where = error.filename or target
        raise BackupError(
            f"cannot write the copy: {error.strerror} ({where})", "correct it and repeat the command"
        ) from error
    missing, open_runs, deliveries = restored
    return RestoreResult(
        manifest=manifest,
        erased_users=erased,
        missing=missing,
        index_left_out=index_left_out,
        open_runs=open_runs,
        pending_deliveries=deliveries,
    )


def _check_target(source: DataFolder, target: Path) -> None:
    if target.resolve() == source.path.resolve() or source.path.resolve() in target.resolve().parents:
        raise BackupError(f"{target} is inside the backup", "choose another folder with --data")
    if not target.exists():
        if not target.parent.is_dir():
            raise BackupError(f"the folder {target.parent} does not exist", "create it")
        return
    if not target.is_dir():
        raise BackupError(f"{target} is not a folder", "choose another with --data")
    there = {entry.name for entry in target.iterdir()}
    if PARTIAL in there and there <= INTERRUPTED:
        return
    if strange := sorted(there - {LEDGER}):
        found = f"{target} is not empty: it contains {strange[0]}"
        raise BackupError(found, "choose an empty folder with --data; a restore never replaces data")


def _check_files(source: DataFolder, manifest: BackupManifest, report: Report) -> bool:
    """Compare the files with the manifest; returns True if there is no usable index, which is then rebuilt."""
    for number, (name, entry) in enumerate(manifest.files.items()):
        report("check of the backup", number, len(manifest.files))
        if name != INDEX and (damage := describe_damage(source, name, entry)):
            raise BackupError(f"{source.path} is damaged: {damage}", "choose another backup")
    entry = manifest.files.get(INDEX)
    return entry is None or describe_damage(source, INDEX, entry) is not None


def _read_secret(source: DataFolder, options: RestoreOptions) -> bytes | None:
    path = options.secret or source.secret
    try:
        return bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        if options.secret is None:
            return None
        raise BackupError(f"the file {path} does not exist", "pass the secret.key of the server") from None
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} is not the secret of a server: {error}", "pass its secret.key") from error


def _read_ledgers(source: DataFolder, target: Path, options: RestoreOptions) -> list[LedgerEntry]:
    """Read all known erasures: of the backup, of later backups beside it, of the target, and of named files."""
    if options.erasures is not None and not options.erasures.is_file():
        raise BackupError(f"the file {options.erasures} does not exist", "pass an erasures.jsonl")
    paths = [source.ledger, source.path.resolve().parent / LEDGER, target / LEDGER]
    paths += [] if options.erasures is None else [options.erasures]
    return sorted({entry for path in paths for entry in load(path)}, key=lambda entry: (entry.at, entry.user))


def _prepare(target: Path) -> DataFolder:
    """Create an empty folder for the copy, removing the remains of an interrupted restore."""
    target.mkdir(mode=0o700, exist_ok=True)
    for entry in list(target.iterdir()):
        if entry.name == LEDGER:
            continue
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    copy = DataFolder(target / PARTIAL)
    copy.path.mkdir(mode=0o700)
    return copy


def _erase_users(copy: DataFolder, erasures: list[LedgerEntry], secret: bytes) -> int:
    """Delete the rows of erased users and everything that depends on them; returns the number of users.

    One statement each: no requests wait for this database.
    """
    connection = apsw.Connection(str(copy.database))
    try:
        connection.pragma("foreign_keys", True)
        connection.pragma("secure_delete", True)
        erased = matches(erasures, [str(user_id) for (user_id,) in connection.execute("SELECT id FROM users")], secret)
        with connection:
            connection.executemany("DELETE FROM users WHERE id = ?", [(user_id,) for user_id in erased])
            if erased:
                connection.execute("DELETE FROM configs WHERE n NOT IN (SELECT config FROM runs)")
        return len(erased)
    finally:
        connection.close()


async def _bring_up(copy: DataFolder) -> None:
    """Upgrade the schema, hold the copy, and synchronize the index."""
    store = SQLiteStore(copy.database)
    await store.open()
    try:
        facts = {KEY: str(int(time.time())), INSTANCE: secrets.token_hex(16)}
        await store.write([Op(queries.META_SET, {"key": key, "value": value}) for key, value in facts.items()])
        index = SQLiteIndex(copy.index)
        try:
            await index.open()
            await IndexSync(store, LocalBus(), index, time.time, None).reconcile()
        finally:
            await index.close()
    finally:
        await store.close()
        copy.database.with_suffix(".lock").unlink(missing_ok=True)


def _drop_deleted_bytes(copy: DataFolder) -> None:
    """Rewrite both files, so no page contains erased data."""
    for path in (copy.database, copy.index):
        connection = apsw.Connection(str(path))
        try:
            if path == copy.index:
                connection.execute("INSERT INTO words (words) VALUES ('optimize')")
            connection.execute("VACUUM")
            connection.pragma("wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()


def _bring_blobs(
    source: DataFolder, copy: DataFolder, manifest: BackupManifest, options: RestoreOptions, report: Report
) -> tuple[list[NamedBlob], int, int]:
    """Copy the blobs of the restored database; returns the missing ones, and what its release must decide."""
    with read_database(copy.database) as database:
        report("check of the copy", 0, 0)
        if faults := list_faults(database, lambda: report("check of the copy", 0, 0)):
            raise BackupError(f"the database of {source.path} is damaged: {faults[0]}", "choose another backup")
        blobs = list(list_blobs(database))
        waiting = count_open_runs(database), count_pending_deliveries(database)
    missing = list_missing(source.blobs, blobs)
    if not missing or options.allow_missing:
        missing = BlobCopier(copy.blobs, [source.blobs], link=False).bring_all(blobs, report).missing
    if missing and not options.allow_missing:
        first = ", ".join(f"{blob.of} of {blob.owner}" for blob in missing[:3])
        noted = " as its manifest says" if {blob.key for blob in missing} <= set(manifest.missing) else ""
        lost = f"{len(missing)} of {len(blobs)} files are missing or damaged in {source.path}{noted}: {first}"
        raise BackupError(lost, "restore the others with --allow-missing, or choose another backup")
    return missing, *waiting


def _bring_small(source: DataFolder, copy: DataFolder, options: RestoreOptions, erasures: list[LedgerEntry]) -> None:
    for name in SECRETS:
        if (source.path / name).is_file():
            copy_file(source.path / name, copy.path / name)
    if options.secret is not None:
        copy_file(options.secret.resolve(), copy.secret)
    if erasures:
        merge(copy.ledger, erasures)
    sync_folder(copy.path)


def _move_out(copy: DataFolder, target: Path) -> None:
    """Move the copy to its place; the database last, because a folder without it counts as incomplete."""
    for entry in sorted(copy.path.iterdir(), key=lambda entry: entry.name == DATABASE):
        entry.rename(target / entry.name)
        sync_folder(target)
    copy.path.rmdir()
    sync_folder(target)
