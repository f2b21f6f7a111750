"""Restore a backup into an empty folder, as a copy that does nothing until it is released."""

import asyncio
import secrets
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import apsw

from projectdavid.buses.local import LocalBus
from projectdavid.indexes.sqlite import SQLiteIndex
from projectdavid.ports.index import IndexUnavailable
from projectdavid.ports.store import Op, StoreError
from projectdavid.runtime.upkeep import Upkeep
from projectdavid.server.backup.blob_files import BlobCopier, list_missing
from projectdavid.server.backup.layout import DATABASE, INDEX, LEDGER, SECRETS, BackupError, DataFolder, Report
from projectdavid.server.backup.manifest import Manifest, describe_damage, read_manifest
from projectdavid.server.backup.snapshot import (
    NamedBlob,
    count_open_runs,
    count_pending_deliveries,
    list_blobs,
    list_faults,
    read_database,
)
from projectdavid.server.durable_files import copy_file, sync_folder
from projectdavid.server.erasure_ledger import Erasure, LedgerError, load, matches, merge
from projectdavid.server.hold import INSTANCE, KEY
from projectdavid.stores.sqlite import SQLiteStore

PARTIAL = "restore.partial"
"""The folder in the target in which a copy is made; what is whole is moved out of it, the database last."""
INTERRUPTED = frozenset({PARTIAL, "blobs", INDEX, LEDGER, *SECRETS})
"""What an interrupted restore can have left in the target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """What a restore takes besides the backup: a secret that the backup does not have, and another erasure ledger."""

    secret: Path | None = None
    erasures: Path | None = None
    allow_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """What a restore has done, and what waits for its release."""

    manifest: Manifest
    erased_users: int
    missing: list[NamedBlob]
    index_left_out: bool
    open_runs: int
    pending_deliveries: int


def restore_backup(backup: Path, target: Path, options: RestoreOptions, report: Report) -> Restored:
    """Restore a backup.

    Raises:
        BackupError: the backup is damaged, the target is not empty, or it cannot be written. Nothing is left but a
            folder that the next attempt replaces.
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
            raise BackupError(missing, "name the secret.key of the server with --secret FILE")
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
        raise BackupError(f"cannot write the copy: {error.strerror} ({where})", "correct it and repeat") from error
    missing, open_runs, deliveries = restored
    return Restored(
        manifest=manifest,
        erased_users=erased,
        missing=missing,
        index_left_out=index_left_out,
        open_runs=open_runs,
        pending_deliveries=deliveries,
    )


def _check_target(source: DataFolder, target: Path) -> None:
    if target.resolve() == source.path.resolve() or source.path.resolve() in target.resolve().parents:
        raise BackupError(f"{target} is inside the backup", "choose a folder elsewhere with --data")
    if not target.exists():
        if not target.parent.is_dir():
            raise BackupError(f"there is no folder {target.parent}", "create it")
        return
    if not target.is_dir():
        raise BackupError(f"{target} is not a folder", "choose another with --data")
    there = {entry.name for entry in target.iterdir()}
    if PARTIAL in there and there <= INTERRUPTED:
        return
    if strange := sorted(there - {LEDGER}):
        found = f"{target} is not empty: it has {strange[0]}"
        raise BackupError(found, "choose an empty folder with --data; a restore never replaces data")


def _check_files(source: DataFolder, manifest: Manifest, report: Report) -> bool:
    """Compare the files with the manifest; true if there is no usable index, which is then rebuilt."""
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
        raise BackupError(f"there is no file {path}", "name the secret.key of the server") from None
    except (OSError, ValueError) as error:
        raise BackupError(f"{path} is not the secret of a server: {error}", "name its secret.key") from error


def _read_ledgers(source: DataFolder, target: Path, options: RestoreOptions) -> list[Erasure]:
    """All erasures that are known: to the backup, to later ones beside it, to the target, and those that are named."""
    if options.erasures is not None and not options.erasures.is_file():
        raise BackupError(f"there is no file {options.erasures}", "name an erasures.jsonl")
    paths = [source.ledger, source.path.resolve().parent / LEDGER, target / LEDGER]
    paths += [] if options.erasures is None else [options.erasures]
    return sorted({entry for path in paths for entry in load(path)}, key=lambda entry: (entry.at, entry.user))


def _prepare(target: Path) -> DataFolder:
    """Make an empty folder for the copy, without what an interrupted restore has left."""
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


def _erase_users(copy: DataFolder, erasures: list[Erasure], secret: bytes) -> int:
    """Delete the rows of users that were erased, and all that hangs on them; returns how many users there were.

    In one statement each: no request waits for this database.
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
    """Upgrade the schema, hold the copy, and let the index agree."""
    store = SQLiteStore(copy.database)
    await store.open()
    try:
        facts = {KEY: str(int(time.time())), INSTANCE: secrets.token_hex(16)}
        await store.write([Op("meta_set", {"key": key, "value": value}) for key, value in facts.items()])
        index = SQLiteIndex(copy.index)
        try:
            await index.open()
            await Upkeep(store, LocalBus(), index, time.time, None).reconcile()
        finally:
            await index.close()
    finally:
        await store.close()
        copy.database.with_suffix(".lock").unlink(missing_ok=True)


def _drop_deleted_bytes(copy: DataFolder) -> None:
    """Rewrite both files, so that no page holds what was erased."""
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
    source: DataFolder, copy: DataFolder, manifest: Manifest, options: RestoreOptions, report: Report
) -> tuple[list[NamedBlob], int, int]:
    """Copy the blobs that the restored database names; returns those that are missing, and what waits for a release."""
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


def _bring_small(source: DataFolder, copy: DataFolder, options: RestoreOptions, erasures: list[Erasure]) -> None:
    for name in SECRETS:
        if (source.path / name).is_file():
            copy_file(source.path / name, copy.path / name)
    if options.secret is not None:
        copy_file(options.secret.resolve(), copy.secret)
    if erasures:
        merge(copy.ledger, erasures)
    sync_folder(copy.path)


def _move_out(copy: DataFolder, target: Path) -> None:
    """Put the copy in its place; the database last, because a folder without it is not taken for a whole one."""
    for entry in sorted(copy.path.iterdir(), key=lambda entry: entry.name == DATABASE):
        entry.rename(target / entry.name)
        sync_folder(target)
    copy.path.rmdir()
    sync_folder(target)
