"""The store on one SQLite file: named SQL on apsw, reads in the event loop, one group-committing writer."""

import asyncio
import fcntl
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from projectdavid.adapters.stores.sqlite.migrations import migrate
from projectdavid.adapters.stores.sqlite.queries import QUERIES, NamedQuery
from projectdavid.adapters.stores.sqlite.reserve import DiskReserve
from projectdavid.adapters.stores.sqlite.sweep import ErasureSweep
from projectdavid.adapters.stores.sqlite.writer import CommitRunner, CommitThread, GroupWriter
from projectdavid.ports.store import (
    AnyRow,
    Op,
    R,
    RowQuery,
    StoreUnavailable,
    StoreView,
    SweptRows,
    Value,
)

# What a statement changes stays in memory until the commit, which runs in a thread: else a large row is written to the
# disk in the event loop.
PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA temp_store = MEMORY;
PRAGMA cache_size = -16000;
PRAGMA cache_spill = OFF;
PRAGMA secure_delete = ON;
"""
DAMAGE = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError)
"""What a read raises where the file is damaged or gone."""


CHECKED = 256 << 20
"""Bytes of a file that is checked as a whole before it is used; a larger one would hold up the start."""
RESTORE = "restore it from a backup, and keep the damaged file until all is well"


class SQLiteStore:
    """Everything in one file, which one process holds at a time.

    `reserve` are the bytes of disk space that are set aside for deleting on a full disk. `inspect` is called before the
    file is opened or made, when no other process can hold it; what it raises is raised.
    """

    exclusive = True

    def __init__(
        self,
        path: Path,
        commits: Callable[[], CommitRunner] = CommitThread,
        reserve: int = 0,
        inspect: Callable[[], None] = lambda: None,
    ) -> None:
        self._path = path
        self._reserve = DiskReserve(path.with_suffix(".reserve"), reserve)
        self._inspect = inspect
        self._commits = commits
        self._lock = -1
        self._reader: apsw.Connection | None = None
        self._writer: GroupWriter | None = None
        self._sweep: ErasureSweep | None = None

    async def open(self) -> None:
        """Take the file, bring its schema up to date, and start the writer.

        Raises:
            Unavailable: another process holds it, it cannot be opened, it is damaged, or a newer version wrote it.
        """
        self._lock = self._hold()
        try:
            self._inspect()
            connection = _connect(self._path)
            await asyncio.to_thread(_check, connection, self._path)
            migrate(connection, self._path.name)
            self._reader = _connect(self._path)
            self._reserve.open()
            self._sweep = ErasureSweep(connection)
            self._writer = GroupWriter(connection, self._commits(), self._reserve)
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise StoreUnavailable(f"{self._path} is damaged: {error}", RESTORE) from error
        except apsw.Error as error:
            raise StoreUnavailable(f"cannot open {self._path}: {error}") from error
        except OSError as error:
            raise StoreUnavailable(f"cannot open {self._path}: {error.strerror}") from error
        finally:
            if self._writer is None:  # a rejected caller holds nothing
                await self.close()

    def _hold(self) -> int:
        """Keep other processes off the file. Returns the handle of the lock."""
        return lock_folder(self._path.with_suffix(".lock"))

    async def close(self) -> None:
        """Commit what is waiting, close, and let go of the file."""
        if self._writer is not None:
            await self._writer.close()
            self._writer = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def of(self, owner: str) -> StoreView:
        """The view of one owner."""
        return _OwnerView(self, owner)

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        """The first row of a named query, or None."""
        rows = self.read(QUERIES[query.name], params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        """All rows of a named query."""
        return self.read(QUERIES[query.name], params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        """The first rows of a named query that hold at most `max_bytes` together, and whether it has more."""
        return self.read_up_to(QUERIES[query.name], max_bytes, params)

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group, all or nothing, durably."""
        return await self.write_of(None, ops)

    async def write_of(self, owner: str | None, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group with each operation bound to an owner, if there is one."""
        if self._writer is None:
            raise StoreUnavailable("the store is closed")
        return await self._writer.write(ops, owner)

    async def flush(self) -> None:
        """Wait until each group whose `write` was called before is written or refused."""
        await self.write(())

    async def now(self) -> float:
        """Return the time of the store, in Unix seconds: the clock of this machine."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return time.time()

    async def sweep(self) -> SweptRows | None:
        """Delete some of the rows that are hidden."""
        if self._writer is None or self._sweep is None:
            raise StoreUnavailable("the store is closed")
        return await self._writer.run(self._sweep.slice, deletes=True)

    async def left(self, owner: str) -> Mapping[str, int]:
        """Return how many rows an owner has by kind."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return ErasureSweep(self._reader).left(owner)

    async def checkpoint(self) -> bool:
        """Remove what was deleted from the write-ahead log."""
        if self._writer is None:
            raise StoreUnavailable("the store is closed")
        return await self._writer.checkpoint()

    async def free_bytes(self) -> int:
        """Return the bytes that compaction would return to the file system."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return free_bytes(self._reader)

    def read(self, query: NamedQuery, params: dict[str, Value]) -> list[Any]:
        """Run a query on what is committed; small reads are quicker here than a hop to a thread."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        try:
            return query.rows(self._reader, params)
        except DAMAGE as error:
            raise StoreUnavailable(f"cannot read: {error}") from error

    def read_up_to(self, query: NamedQuery, max_bytes: int, params: dict[str, Value]) -> tuple[list[Any], bool]:
        """Run a query as `read` does, until its rows hold more than `max_bytes`."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        try:
            return query.rows_up_to(self._reader, params, max_bytes)
        except DAMAGE as error:
            raise StoreUnavailable(f"cannot read: {error}") from error


class _OwnerView:
    """A view in which every query is bound to one owner; others are rejected as programming errors."""

    def __init__(self, store: SQLiteStore, owner: str) -> None:
        self._store = store
        self._owner = owner

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        rows = await self.all(query, **params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        return self._store.read(_bound(query.name), {**params, "owner": self._owner})

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        return self._store.read_up_to(_bound(query.name), max_bytes, {**params, "owner": self._owner})

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        for name in {op.query.name for op in ops} - SHARED:
            _bound(name)
        return await self._store.write_of(self._owner, ops)


SHARED = frozenset({"config_insert"})
"""Writes without an owner: equal configurations of all owners share one row."""


def _bound(name: str) -> NamedQuery:
    query = QUERIES[name]
    if not query.owned:
        raise LookupError(f"the query '{name}' is not bound to an owner")
    return query


def compact(path: Path, others: Sequence[Path] = ()) -> int:
    """Rewrite a database, and others in its folder, without unused pages; returns the freed bytes.

    Raises:
        Unavailable: a server uses the folder, the disk is too full for a copy, or a file is damaged.
    """
    lock = lock_folder(path.with_suffix(".lock"))
    try:
        return sum(_rewrite(one) for one in (path, *others) if one.exists())
    finally:
        os.close(lock)


def _rewrite(path: Path) -> int:
    copy = path.with_name(f"{path.name}.compact")
    copy.unlink(missing_ok=True)  # of a compaction that was interrupted
    before = path.stat().st_size
    try:
        os.close(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        with closing(_connect(path)) as connection:
            connection.pragma("wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM INTO ?", (str(copy),))
        with copy.open("rb") as file:
            os.fsync(file.fileno())
        copy.replace(path)
    except apsw.Error as error:
        raise StoreUnavailable(f"cannot compact {path}: {error}") from error
    except OSError as error:
        raise StoreUnavailable(f"cannot compact {path}: {error.strerror}") from error
    finally:
        copy.unlink(missing_ok=True)
    return max(before - path.stat().st_size, 0)


def free_bytes(connection: apsw.Connection) -> int:
    """Return the size of the unused pages of a database."""
    return int(connection.pragma("freelist_count") or 0) * int(connection.pragma("page_size") or 0)


def _connect(path: Path) -> apsw.Connection:
    # What SQLite makes beside the file gets the file's mode.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = apsw.Connection(str(path), statementcachesize=256)
    connection.set_busy_timeout(5000)
    # Otherwise every join is planned at each execution, for the sake of the values bound to it: three times the cost.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    for _ in connection.execute(PRAGMAS):
        pass
    return connection


def _check(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file that lost its end, and a damaged one if it is not too large to look through.

    Raises:
        apsw.CorruptError: says what is wrong.
    """
    expected = connection.pragma("page_count") * connection.pragma("page_size")
    wal = path.with_name(f"{path.name}-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0  # then pages may be there that the file itself does not have yet
    if not has_wal and path.stat().st_size < expected:
        raise apsw.CorruptError(f"it has {path.stat().st_size} of {expected} bytes")
    if expected <= CHECKED and (found := connection.pragma("quick_check", 1)) != "ok":
        raise apsw.CorruptError(str(found))


def lock_folder(path: Path) -> int:
    """Hold the lock file until the process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailable(f"cannot write to {path.parent}: {error.strerror}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise StoreUnavailable(
            f"{path.parent} is in use by another server; stop it, or choose another folder with --data"
        ) from None
    return handle
