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

from projectdavid.adapters.stores.queries import SHARED, check_owned
from projectdavid.adapters.stores.sqlite.migrations import migrate
from projectdavid.adapters.stores.sqlite.queries import QUERIES, NamedQuery
from projectdavid.adapters.stores.sqlite.reserve import DiskReserve
from projectdavid.adapters.stores.sqlite.sweep import ErasureSweep
from projectdavid.adapters.stores.sqlite.writer import CommitRunner, CommitThread, GroupWriter
from projectdavid.ports.store import (
    AnyRow,
    CommitObserver,
    Op,
    R,
    RowQuery,
    StoreUnavailable,
    StoreView,
    SweptRows,
    Value,
)

# Without cache spill, changes stay in memory until the commit, which runs in a thread; otherwise a large row would be
# written to the disk in the event loop.
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
"""Errors of a read if the file is damaged or missing."""


CHECKED = 256 << 20
"""Maximum bytes of a file that is checked completely at the start; a larger one would delay it."""
RESTORE = "restore it from a backup, and keep the damaged file until the restored one works"


class SQLiteStore:
    """A store in one file, which only one process can open at a time.

    `reserve` is the disk space in bytes that is reserved for deletions on a full disk. `inspect` is called before the
    file is opened or created, when no other process can use it; its exceptions are propagated. `observe` is called
    after each commit.
    """

    exclusive = True

    def __init__(
        self,
        path: Path,
        commits: Callable[[], CommitRunner] = CommitThread,
        reserve: int = 0,
        inspect: Callable[[], None] = lambda: None,
        observe: CommitObserver = lambda _, __: None,
    ) -> None:
        self._path = path
        self._observe = observe
        self._reserve = DiskReserve(path.with_suffix(".reserve"), reserve)
        self._inspect = inspect
        self._commits = commits
        self._lock = -1
        self._reader: apsw.Connection | None = None
        self._writer: GroupWriter | None = None
        self._sweep: ErasureSweep | None = None

    async def open(self) -> None:
        """Lock the file, migrate its schema, and start the writer.

        Raises:
            StoreUnavailable: another process uses it, it cannot be opened, it is damaged, or a newer version wrote it.
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
            self._writer = GroupWriter(connection, self._commits(), self._reserve, self._observe)
        except (apsw.NotADBError, apsw.CorruptError) as error:
            raise StoreUnavailable(f"{self._path} is damaged: {error}", RESTORE) from error
        except apsw.Error as error:
            raise StoreUnavailable(f"cannot open {self._path}: {error}") from error
        except OSError as error:
            raise StoreUnavailable(f"cannot open {self._path}: {error.strerror}") from error
        finally:
            if self._writer is None:  # opening failed, so the lock must be released
                await self.close()

    def _hold(self) -> int:
        """Lock out other processes; returns the handle of the lock."""
        return lock_folder(self._path.with_suffix(".lock"))

    async def close(self) -> None:
        """Commit pending writes, close the file, and release its lock."""
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
        """Return the view of one owner."""
        return _OwnerView(self, owner)

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        """Return the first row of a named query, or None."""
        rows = self.read(QUERIES[query.name], params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        """Return all rows of a named query."""
        return self.read(QUERIES[query.name], params)

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        """Return the first rows of a named query with at most `max_bytes` together, and whether there are more."""
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
        """Wait until each group whose `write` was called before is written or rejected."""
        await self.write(())

    async def now(self) -> float:
        """Return the time of the store, in Unix seconds: that of this machine."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return time.time()

    async def sweep(self) -> SweptRows | None:
        """Delete some of the hidden rows."""
        if self._writer is None or self._sweep is None:
            raise StoreUnavailable("the store is closed")
        return await self._writer.run(self._sweep.slice, deletes=True)

    async def left(self, owner: str) -> Mapping[str, int]:
        """Return an owner's number of rows by kind."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return ErasureSweep(self._reader).left(owner)

    async def checkpoint(self) -> bool:
        """Erase deleted data from the write-ahead log."""
        if self._writer is None:
            raise StoreUnavailable("the store is closed")
        return await self._writer.checkpoint()

    async def free_bytes(self) -> int:
        """Return the bytes that compaction would return to the file system."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        return free_bytes(self._reader)

    def read(self, query: NamedQuery, params: dict[str, Value]) -> list[Any]:
        """Run a query on committed data, in the event loop: for small reads, a thread would be slower."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        try:
            return query.rows(self._reader, params)
        except DAMAGE as error:
            raise StoreUnavailable(f"cannot read: {error}") from error

    def read_up_to(self, query: NamedQuery, max_bytes: int, params: dict[str, Value]) -> tuple[list[Any], bool]:
        """Run a query like `read`, until its rows exceed `max_bytes`."""
        if self._reader is None:
            raise StoreUnavailable("the store is closed")
        try:
            return query.rows_up_to(self._reader, params, max_bytes)
        except DAMAGE as error:
            raise StoreUnavailable(f"cannot read: {error}") from error


class _OwnerView:
    """A view that binds every query to one owner, and rejects queries without an owner as programming errors."""

    def __init__(self, store: SQLiteStore, owner: str) -> None:
        self._store = store
        self._owner = owner

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        rows = await self.all(query, **params)
        return rows[0] if rows else None

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        return self._store.read(_owned_query(query.name), {**params, "owner": self._owner})

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        return self._store.read_up_to(_owned_query(query.name), max_bytes, {**params, "owner": self._owner})

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        for name in {op.query.name for op in ops} - SHARED:
            _owned_query(name)
        return await self._store.write_of(self._owner, ops)


def _owned_query(name: str) -> NamedQuery:
    query = QUERIES[name]
    check_owned(name, query.owned)
    return query


def compact(path: Path, others: Sequence[Path] = ()) -> int:
    """Rewrite a database, and others in its folder, without unused pages; returns the freed bytes.

    Raises:
        StoreUnavailable: a server uses the folder, the disk is too full for a copy, or a file is damaged.
    """
    lock = lock_folder(path.with_suffix(".lock"))
    try:
        return sum(_rewrite(one) for one in (path, *others) if one.exists())
    finally:
        os.close(lock)


def _rewrite(path: Path) -> int:
    copy = path.with_name(f"{path.name}.compact")
    copy.unlink(missing_ok=True)  # left by an interrupted compaction
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
    # SQLite creates its log and shared memory files with the mode of the database file.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = apsw.Connection(str(path), statementcachesize=256)
    connection.set_busy_timeout(5000)
    # Otherwise SQLite plans every join again at each execution, based on the bound values, at three times the cost.
    connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
    for _ in connection.execute(PRAGMAS):
        pass
    return connection


def _check(connection: apsw.Connection, path: Path) -> None:
    """Check that a file is complete and, unless it is too large, undamaged.

    Raises:
        apsw.CorruptError: it is not.
    """
    expected = connection.pragma("page_count") * connection.pragma("page_size")
    wal = path.with_name(f"{path.name}-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0  # the log can contain pages that the file does not have yet
    if not has_wal and path.stat().st_size < expected:
        raise apsw.CorruptError(f"it has {path.stat().st_size} of {expected} bytes")
    if expected <= CHECKED and (found := connection.pragma("quick_check", 1)) != "ok":
        raise apsw.CorruptError(str(found))


def lock_folder(path: Path) -> int:
    """Lock a file until its handle is closed, at the latest when the process ends; returns the handle.

    Raises:
        StoreUnavailable: another process holds the lock, or the folder cannot be written.
    """
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
