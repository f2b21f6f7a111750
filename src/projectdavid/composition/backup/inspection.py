"""Verification of a data folder or a backup: reads every byte, and checks that its parts agree."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import apsw

from projectdavid.adapters.blobs.directory import KEY as BLOB_NAME
from projectdavid.composition.backup.blob_files import find_place, has_size
from projectdavid.composition.backup.layout import BackupError, DataFolder, Report
from projectdavid.composition.backup.manifest import BackupManifest, describe_damage, read_manifest
from projectdavid.composition.backup.snapshot import NamedBlob, has_table, list_blobs, list_faults, read_database
from projectdavid.durable_files import hash_file

SHOWN = 3
"""Number of examples per check."""
YOUNG = 3600.0
"""Age in seconds below which bytes without a row are ignored: an upload is running, or was just deleted."""
LOOKS = 3
"""Number of comparisons of the index with a store in use: only differences that persist count."""

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class BackupCheck:
    """The subject of a check, its result, and the remedy."""

    name: str
    level: Level
    text: str
    remedy: str = ""


def verify_backup(path: Path, report: Report) -> Iterator[BackupCheck]:
    """Verify a backup: each file against the manifest, each blob against its row, and all parts against each other.

    Raises:
        BackupError: there is no backup that this program can restore.
    """
    folder = DataFolder(path)
    manifest = read_manifest(folder)
    damages = [describe_damage(folder, name, entry) for name, entry in manifest.files.items()]
    found = [damage for damage in damages if damage]
    yield _verdict("manifest", found, f"{len(damages)} files match it", "choose another backup")
    if not found:
        yield from inspect_folder(folder, report, frozen=True, manifest=manifest)


def inspect_folder(
    folder: DataFolder, report: Report, *, frozen: bool = False, manifest: BackupManifest | None = None
) -> Iterator[BackupCheck]:
    """Run all checks, one after the other.

    Args:
        frozen: the files do not change, and nothing can be written beside them.
        manifest: the manifest, for a backup.

    Raises:
        BackupError: the database cannot be read at all.
    """
    with read_database(folder.database, frozen=frozen) as database:
        faults = _faults(database, "database", report)
        yield _verdict("database", faults, "integrity and foreign keys are valid", "restore a backup")
        if faults:
            return
        yield _journals(database, report)
        yield _blobs(folder, database, report, known=set(manifest.missing if manifest else ()))
        yield _orphans(folder, database)
        if folder.index.is_file():
            yield from _index(folder, database, report, frozen=frozen, is_backup=manifest is not None)
        elif manifest is not None and "index" in manifest.left_out:
            yield BackupCheck("index", "ok", "not part of this backup; a release rebuilds it")
        else:
            yield BackupCheck("index", "warn", f"{folder.index} is missing", "the next start of the server rebuilds it")


def _faults(connection: apsw.Connection, stage: str, report: Report) -> list[str]:
    report(stage, 0, 0)
    return list_faults(connection, lambda: report(stage, 0, 0))


def _verdict(name: str, faults: list[str], well: str, remedy: str) -> BackupCheck:
    if not faults:
        return BackupCheck(name, "ok", well)
    more = f"; and {len(faults) - SHOWN} more" if len(faults) > SHOWN else ""
    return BackupCheck(name, "fail", "; ".join(faults[:SHOWN]) + more, remedy)


def _journals(database: apsw.Connection, report: Report) -> BackupCheck:
    """Check that each journal has no gap, and ends with the status of its run."""
    report("journals", 0, 0)
    gaps = """
        SELECT r.id, j.position FROM (
            SELECT run, position, lag(position + count, 1, 1) OVER (PARTITION BY run ORDER BY position) AS expected
            FROM journal
        ) AS j JOIN runs AS r ON r.n = j.run WHERE j.position <> j.expected
    """
    ends = """
        SELECT id, status FROM runs AS r
        WHERE status IN ('cancelled', 'failed', 'completed', 'incomplete', 'expired') AND status IS NOT (
            SELECT data ->> '$.status' FROM journal WHERE run = r.n ORDER BY position DESC LIMIT 1
        )
    """
    faults = [f"the journal of {run} has a gap before event {position}" for run, position in database.execute(gaps)]
    faults += [f"{run} is {status}, but its journal ends with another status" for run, status in database.execute(ends)]
    return _verdict("journals", faults, "none has a gap", "restore a backup, or delete these runs")


def _blobs(folder: DataFolder, database: apsw.Connection, report: Report, known: set[str]) -> BackupCheck:
    """Check that the blob of each row exists, with its size and hash."""
    blobs = list(list_blobs(database))
    faults: list[str] = []
    for number, blob in enumerate(blobs):
        report("files", number, len(blobs))
        damage = _describe_blob(folder, blob)
        if damage and _is_named(database, blob.key):  # and was not deleted during the check
            faults.append(f"{blob.of} of {blob.owner} {damage}{', as the manifest says' if blob.key in known else ''}")
    report("files", len(blobs), len(blobs))
    remedy = "restore the bytes from a backup, or delete these files"
    return _verdict("files", faults, f"all {len(blobs)} have their bytes", remedy)


def _describe_blob(folder: DataFolder, blob: NamedBlob) -> str | None:
    place = find_place(folder.blobs, blob.key)
    try:
        if not has_size(place, blob.size):
            return (
                f"has no {place}" if not place.exists() else f"has {place.stat().st_size} bytes instead of {blob.size}"
            )
        if blob.sha256 is not None and hash_file(place) != blob.sha256:
            return "has other bytes than were uploaded"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None


def _is_named(database: apsw.Connection, key: str) -> bool:
    query = "SELECT 1 FROM files WHERE blob = :key"
    if has_table(database, "upload_parts"):
        query += " UNION ALL SELECT 1 FROM upload_parts WHERE blob = :key"
    return bool(list(database.execute(query, {"key": key})))


def _orphans(folder: DataFolder, database: apsw.Connection) -> BackupCheck:
    """Find bytes without a row."""
    found = [path for path in folder.blobs.glob("[0-9a-f][0-9a-f]/*") if BLOB_NAME.fullmatch(path.name)]
    named = {blob.key for blob in list_blobs(database)}
    count = size = 0
    for path in found:
        try:
            status = path.stat()
        except FileNotFoundError:  # deleted in the meantime
            continue
        if path.name not in named and status.st_mtime < time.time() - YOUNG:
            count, size = count + 1, size + status.st_size
    if not count:
        return BackupCheck("orphans", "ok", "no bytes without a file")
    return BackupCheck(
        "orphans", "warn", f"{count} blobs ({size} bytes) belong to no file", "a running server removes them"
    )


def _index(
    folder: DataFolder, database: apsw.Connection, report: Report, *, frozen: bool, is_backup: bool
) -> Iterator[BackupCheck]:
    rebuild = f"stop the server, move {folder.index} away, and start it: it rebuilds the index"
    try:
        with read_database(folder.index, frozen=frozen) as index:
            faults = _faults(index, "index", report)
            yield _verdict("index", faults, "integrity is valid", rebuild)
            if not faults and has_table(database, "vector_store_files"):
                report("index against stores", 0, 0)
                differing = _persistent(lambda: _differences(database, index), frozen=frozen)
                yield _index_check(sorted(differing), is_backup=is_backup)
    except BackupError as error:
        yield BackupCheck("index", "fail", error.message, rebuild)


def _index_check(differing: list[str], *, is_backup: bool) -> BackupCheck:
    """Report the differences. The index of a backup is copied after the database, so it can contain later changes."""
    name = "index against stores"
    if differing and is_backup:
        return BackupCheck(name, "warn", f"{len(differing)} differences: {differing[0]}", "a restore corrects them")
    return _verdict(name, differing, "they agree", "restart the server: it corrects the differences")


def _persistent(look: Callable[[], set[str]], *, frozen: bool) -> set[str]:
    """Return differences that persist: index and store are read separately, while a server can change them."""
    found = look()
    for _ in range(0 if frozen else LOOKS - 1):
        if found:
            time.sleep(1)
            found &= look()
    return found


def _differences(database: apsw.Connection, index: apsw.Connection) -> set[str]:
    editions = "SELECT file, version, chunks FROM editions WHERE published = 1"
    before = {file: version for file, version, _ in index.execute(editions)}
    stored = "SELECT n, file_id, version, chunks FROM vector_store_files WHERE status = 'completed'"
    completed = {n: (file_id, version, chunks) for n, file_id, version, chunks in database.execute(stored)}
    known = {n for (n,) in database.execute("SELECT n FROM vector_store_files UNION SELECT file FROM index_removals")}
    found = {file: (version, chunks) for file, version, chunks in index.execute(editions)}
    differing = {
        f"{file_id} is completed, but its chunks are not in the index"
        for n, (file_id, version, chunks) in completed.items()
        if found.get(n) != (version, chunks)
    }
    differing |= {f"the index has chunks of file {n}, which no store has" for n in before.keys() - known}
    counts = """
        SELECT file FROM editions AS e WHERE
            chunks <> (SELECT count(*) FROM chunks WHERE n >= e.n << 32 AND n < (e.n + 1) << 32)
            OR chunks <> (SELECT count(*) FROM words_docsize WHERE id >= e.n << 32 AND id < (e.n + 1) << 32)
            OR (space IS NOT NULL
                AND chunks <> (SELECT count(*) FROM vectors WHERE n >= e.n << 32 AND n < (e.n + 1) << 32))
    """
    return differing | {f"the index lacks chunks of file {n}" for (n,) in index.execute(counts)}
