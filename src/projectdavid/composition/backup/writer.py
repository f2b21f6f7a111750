"""Creates a backup of a data folder, whether or not a server uses it."""

import fcntl
import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from projectdavid.adapters.blobs.directory import hold_blobs
from projectdavid.composition.backup.blob_files import BlobCopier, BlobTally
from projectdavid.composition.backup.layout import DATABASE, INDEX, LEDGER, SECRETS, BackupError, DataFolder, Report
from projectdavid.composition.backup.manifest import BackupManifest, FileEntry, read_manifest, write_manifest
from projectdavid.composition.backup.snapshot import (
    copy_database,
    count_open_runs,
    count_pending_deliveries,
    count_rows,
    get_fact,
    list_blobs,
    list_faults,
    read_database,
)
from projectdavid.distribution import VERSION
from projectdavid.durable_files import copy_file, hash_file, sync_folder
from projectdavid.ports.blobs import BlobsHeld
from projectdavid.services.erasure_ledger import LedgerError, load, merge

PARTIAL = ".partial"
"""Suffix of an incomplete backup's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupOptions:
    """Options of a backup, and the previous one, whose blobs are linked if those of the server cannot be."""

    previous: Path | None = None
    index: bool = True
    secrets: bool = True


def write_backup(data: Path, target: Path, options: BackupOptions, report: Report) -> tuple[BackupManifest, BlobTally]:
    """Create a backup, or continue an interrupted one.

    It appears under its name when it is complete and verified. Blobs that the data folder lacks are listed in its
    manifest.

    Raises:
        BackupError: it cannot be created; existing parts are kept for the next attempt.
    """
    source = DataFolder(data)
    _check_source(source)
    _check_target(source, target)
    sources = [source.blobs, source.trash]
    if options.previous is not None:
        read_manifest(DataFolder(options.previous))
        sources.append(DataFolder(options.previous).blobs)
    partial = target.with_name(target.name + PARTIAL)
    try:
        with _own(partial), _hold_source(source):
            made = _write(source, DataFolder(partial), sources, options, report)
            partial.rename(target)
            sync_folder(target.parent)
        merge(target.parent / LEDGER, load(target / LEDGER))
    except LedgerError as error:
        raise BackupError(str(error), "remove the line, if no other line of the file is damaged") from error
    except OSError as error:
        where = error.filename or partial
        again = f"free space or correct it, then repeat the command: it resumes with {partial}"
        raise BackupError(f"cannot write the backup: {error.strerror} ({where})", again) from error
    return made


def _check_source(source: DataFolder) -> None:
    if not source.database.is_file():
        raise BackupError(f"{source.path} has no {DATABASE}", "pass the data folder of the server with --data")


def _check_target(source: DataFolder, target: Path) -> None:
    """Reject a target that would mix with other files, or be lost together with the data."""
    real, data = target.resolve(), source.path.resolve()
    if real == data or data in real.parents:
        raise BackupError(f"{target} is inside the data folder {source.path}", "choose a folder elsewhere")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise BackupError(f"{target} exists and is not a folder", "choose another name")
    if target.is_dir() and any(target.iterdir()):
        raise BackupError(f"{target} is not empty", "choose a new name for each backup, such as one with the date")
    if not target.parent.is_dir():
        raise BackupError(f"the folder {target.parent} does not exist", "create it; or mount the disk, if it is one")


@contextmanager
def _own(partial: Path) -> Generator[None]:
    """Create the folder of an incomplete backup if needed, and lock it."""
    partial.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _lock(handle, partial)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, partial: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise BackupError(f"another command is writing {partial}", "wait for it") from None


@contextmanager
def _hold_source(source: DataFolder) -> Generator[None]:
    try:
        with hold_blobs(source.blobs):
            yield
    except BlobsHeld:
        raise BackupError(f"another backup of {source.path} is running", "wait for it") from None


def _write(
    source: DataFolder, partial: DataFolder, sources: list[Path], options: BackupOptions, report: Report
) -> tuple[BackupManifest, BlobTally]:
    """Copy the database, the index, then the blobs.

    Blobs are held, so those named by the copied database stay. Later changes in the index are corrected by a restore,
    which is cheapest in this order.
    """
    partial.manifest.unlink(missing_ok=True)
    moment = int(time.time())
    copy_database(source.database, partial.database, _ticker("database", source.database, partial.database, report))
    names = [DATABASE]
    partial.index.unlink(missing_ok=True)
    if options.index and source.index.is_file():
        copy_database(source.index, partial.index, _ticker("index", source.index, partial.index, report))
        names.append(INDEX)
    for path in (partial.database, *([partial.index] if INDEX in names else [])):
        _check(path, source, report)
    with read_database(partial.database, frozen=True) as database:
        blobs = list(list_blobs(database))
        tally = BlobCopier(partial.blobs, sources, link=True).bring_all(blobs, report)
        names += _copy_small(source, partial, [LEDGER, *(SECRETS if options.secrets else ())])
        manifest = BackupManifest(
            product=VERSION,
            schema=int(database.pragma("user_version") or 0),
            created_at=moment,
            instance=get_fact(database, "instance_id"),
            files={name: _entry(partial.path / name) for name in names},
            blobs=tally.count,
            blob_bytes=tally.size,
            missing=[blob.key for blob in tally.missing],
            rows=count_rows(database),
            open_runs=count_open_runs(database),
            pending_deliveries=count_pending_deliveries(database),
            left_out=[*([] if INDEX in names else ["index"]), *([] if options.secrets else ["secrets"])],
        )
    write_manifest(partial, manifest)
    return manifest, tally


def _check(copy: Path, source: DataFolder, report: Report) -> None:
    with read_database(copy, frozen=True) as database:
        stage = f"check of {copy.name}"
        report(stage, 0, 0)
        if faults := list_faults(database, lambda: report(stage, 0, 0)):
            others = (
                "repeat it with --no-index" if copy.name == INDEX else "run `projectdavid doctor --deep` to examine it"
            )
            raise BackupError(f"{source.path / copy.name} is damaged: {faults[0]}", others)


def _copy_small(source: DataFolder, partial: DataFolder, wanted: list[str]) -> list[str]:
    """Copy the small files of the data folder; returns their names."""
    found: list[str] = []
    for name in (LEDGER, *SECRETS):
        (partial.path / name).unlink(missing_ok=True)
        if name in wanted and (source.path / name).is_file():
            copy_file(source.path / name, partial.path / name)
            found.append(name)
    sync_folder(partial.path)
    return found


def _entry(path: Path) -> FileEntry:
    return FileEntry(path.stat().st_size, hash_file(path))


def _ticker(stage: str, source: Path, copy: Path, report: Report) -> Callable[[], None]:
    size = source.stat().st_size

    def tick() -> None:
        report(stage, min(copy.stat().st_size, size), size)

    report(stage, 0, size)
    return tick
