"""Copies of a data folder's SQLite files, and queries on them."""

import errno
import os
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import apsw

from projectdavid.composition.backup.layout import BackupError
from projectdavid.durable_files import sync_file

STEPS = 20_000
"""SQLite instructions between two progress reports."""
OPEN = (
    "(status = 'pending' OR status = 'queued' OR status = 'in_progress' OR status = 'requires_action'"
    " OR status = 'cancelling')"
)
KEY = re.compile(r"[0-9a-f]{32}")


class NamedBlob(NamedTuple):
    """A blob that a row names; parts of uploads have no stored hash."""

    key: str
    size: int
    sha256: str | None
    owner: str
    of: str
    """The id of the file or the part."""


@contextmanager
def read_database(path: Path, *, frozen: bool = False) -> Generator[apsw.Connection]:
    """Open a read-only connection; `frozen`: the file does not change, and nothing can be written beside it.

    Raises:
        BackupError: the file cannot be opened or read.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if frozen else ''}"
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        connection.set_busy_timeout(10_000)
        yield connection
    except apsw.Error as error:
        raise BackupError(f"cannot read {path}: {error}", "run `projectdavid doctor --deep` to examine it") from error
    finally:
        if connection is not None:
            connection.close()


def copy_database(source: Path, target: Path, tick: Callable[[], None]) -> None:
    """Copy a consistent snapshot of a database, without deleted bytes; readers and writers continue.

    One statement, because a copy in steps restarts at each commit of another process, and never ends under load.

    Raises:
        BackupError: it cannot be read or written.
    """
    for leftover in (target, target.with_name(f"{target.name}-journal")):
        leftover.unlink(missing_ok=True)
    with read_database(source) as connection:
        _watch(connection, tick)
        try:
            connection.execute("VACUUM INTO ?", (str(target),))
        except apsw.FullError as error:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
    target.chmod(0o600)
    sync_file(target)


def list_faults(connection: apsw.Connection, tick: Callable[[], None]) -> list[str]:
    """Return the faults that SQLite's checks find: broken pages and indexes, and rows without a parent."""
    _watch(connection, tick)
    try:
        faults = [str(text) for (text,) in connection.execute("PRAGMA integrity_check(20)") if text != "ok"]
        if not faults:
            found = connection.execute("PRAGMA foreign_key_check")
            faults = [f"row {row} of {table} refers to a missing row of {parent}" for table, row, parent, _ in found]
    except apsw.Error as error:
        faults = [str(error)]
    finally:
        connection.set_progress_handler(None)
    return faults


def list_blobs(connection: apsw.Connection) -> Iterator[NamedBlob]:
    """Return every blob that a row names.

    Raises:
        BackupError: a row names something that is not a blob key.
    """
    query = "SELECT blob, size, sha256, owner, id FROM files"
    if has_table(connection, "upload_parts"):
        query += (
            " UNION ALL SELECT p.blob, p.size, NULL, u.owner, p.id"
            " FROM upload_parts AS p JOIN uploads AS u ON u.n = p.upload"
        )
    for row in connection.execute(query):
        blob = NamedBlob(*row)
        if not KEY.fullmatch(blob.key):
            raise BackupError(f"the database is damaged: {blob.of} names the blob {blob.key!r}")
        yield blob


def count_rows(connection: apsw.Connection) -> dict[str, int]:
    """Return the number of rows by table."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    return {name: _count(connection, name) for name in tables if not name.startswith("sqlite_")}


def count_open_runs(connection: apsw.Connection) -> int:
    """Return the number of open runs."""
    return _count(connection, f"runs WHERE {OPEN}")


def count_pending_deliveries(connection: apsw.Connection) -> int:
    """Return the number of pending webhooks."""
    return _count(connection, "deliveries WHERE status = 'pending'")


def get_fact(connection: apsw.Connection, key: str) -> str | None:
    """Return a fact about the installation; None if it is not known."""
    if not has_table(connection, "meta"):
        return None
    row = next(iter(connection.execute("SELECT value FROM meta WHERE key = ?", (key,))), None)
    return None if row is None else str(row[0])


def has_table(connection: apsw.Connection, name: str) -> bool:
    """True if the table exists: older databases have fewer."""
    return bool(list(connection.execute("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", (name,))))


def _count(connection: apsw.Connection, what: str) -> int:
    return next(iter(connection.execute(f"SELECT count(*) FROM {what}")))[0]  # noqa: S608 - names of our own tables


def _watch(connection: apsw.Connection, tick: Callable[[], None]) -> None:
    def step() -> bool:
        tick()
        return False

    connection.set_progress_handler(step, STEPS)
