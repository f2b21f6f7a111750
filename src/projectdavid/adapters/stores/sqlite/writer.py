"""The single writer: commits the groups of all requests and runs together.

Statements run in the event loop, where they take microseconds; the commit, which waits for the disk, runs in a thread.
A group of many operations, or with large values, runs entirely in that thread. Groups that arrive during a commit are
part of the next one.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

import apsw

from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.adapters.stores.sqlite.reserve import DiskReserve
from projectdavid.ports.store import AnyRow, CommitObserver, Op, StoreError, StoreUnavailable

DISK_ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.BusyError,
    apsw.CorruptError,
    apsw.CantOpenError,
    apsw.NotADBError,
)

GROUP_ERRORS = (
    apsw.ConstraintError,
    apsw.SQLError,
    apsw.MismatchError,
    apsw.BindingsError,
    apsw.TooBigError,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,
)
"""Errors of a single group: its caller receives the error, and the other groups continue."""
REJECTIONS = (StoreError, *GROUP_ERRORS)

Rows = list[AnyRow | None]
T = TypeVar("T")
DELETION = re.compile(r"DELETE|UPDATE \w+ SET (owner = 'erased'|erased = 1)")
TO_ERASE = re.compile(r"INSERT INTO (erased_ids|erasures|meta) ")
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"
LARGE = 256 * 1024
"""Minimum bytes of a group that a thread writes: SQLite takes 2 ms to copy a megabyte into pages."""
MANY = 500
"""Minimum operations of a group that a thread runs: each takes 5 to 20 microseconds."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    done: asyncio.Future[Any]
    deletes: bool | None
    """True if it frees disk space; None if it writes nothing."""
    large: bool = False
    """True if it takes too long for the event loop."""
    atomic: bool = False
    """True if it is at most one statement, which SQLite rolls back itself if it fails."""
    repeatable: bool = False
    """True if it changes only the database, so it can be rolled back and run again."""
    outcome: Any = None
    """Its outcome, reported only after the commit, because a rejection also depends on earlier writes."""


Settle = Callable[[apsw.Error | None], None]
"""Called in the event loop with the outcome of a commit."""


class CommitRunner(Protocol):
    """Runs work that takes too long for the event loop."""

    def run(self, work: Callable[[], None], settle: Settle) -> None:
        """Run `work`, which can raise `apsw.Error`, then `settle` in the event loop."""
        ...

    def close(self) -> None:
        """Finish, and accept no more work."""
        ...


class CommitThread:
    """A thread for commits."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[tuple[Callable[[], None], Settle] | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="commit", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[], None], settle: Settle) -> None:
        """Run `work` after earlier calls."""
        self._queue.put((work, settle))

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (item := self._queue.get()) is not None:
            work, settle = item
            failure: apsw.Error | None = None
            try:
                work()
            except apsw.Error as error:
                failure = error
            with suppress(RuntimeError):  # the event loop is closed, so no caller waits any more
                self._loop.call_soon_threadsafe(settle, failure)


class GroupWriter:
    """Owns the writing connection."""

    def __init__(
        self,
        connection: apsw.Connection,
        commits: CommitRunner,
        reserve: DiskReserve,
        observe: CommitObserver = lambda _, __: None,
    ) -> None:
        self._connection = connection
        self._observe = observe
        self._reserve = reserve
        self._commits = commits
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job] = []
        self._checkpoints: list[asyncio.Future[None]] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def write(self, ops: Sequence[Op], owner: str | None = None) -> Rows:
        """Write a group with the next commit; each operation is bound to `owner` if one is given.

        Returns when it is on the disk.
        """
        done: asyncio.Future[Rows] = self._loop.create_future()
        deletes = _deletes(ops) if ops else None
        self._add(
            _Job(partial(self._ops, ops, owner), done, deletes, _is_large(ops), atomic=len(ops) <= 1, repeatable=True)
        )
        # If the caller is cancelled, the group is written nevertheless.
        return await done

    async def run(self, work: Callable[[], T], *, deletes: bool | None = False) -> T:
        """Run a function that writes with the writer's connection, like `write`; `deletes`: it frees disk space."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._add(_Job(work, done, deletes))
        return await done

    def _add(self, job: _Job) -> None:
        self._waiting.append(job)
        self._wake()

    async def checkpoint(self) -> bool:
        """Copy the write-ahead log into the file and truncate it, before the next commit.

        Returns False if a reader prevents it.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        self._checkpoints.append(done)
        self._wake()
        try:
            await done
        except apsw.BusyError:
            return False
        except DISK_ERRORS as error:
            raise StoreUnavailable(f"cannot write: {error}") from error
        return True

    async def close(self) -> None:
        """Finish pending writes, and close."""
        while self._busy:  # new writes can arrive during the wait
            await self._idle.wait()
        self._commits.close()
        self._connection.close()

    def _wake(self) -> None:
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._flush)

    def _next(self) -> None:
        if self._waiting or self._checkpoints:
            self._loop.call_soon(self._flush)
        else:
            self._busy = False
            self._idle.set()

    def _flush(self) -> None:
        if self._checkpoints:
            done = self._checkpoints.pop()

            def settle(error: apsw.Error | None) -> None:
                _resolve(done, error)
                self._next()

            self._commits.run(partial(_checkpoint, self._connection), settle)
            return
        jobs, self._waiting = self._waiting, []
        self._begin(jobs if self._reserve.restore() else _only_deleting(jobs))

    def _begin(self, jobs: list[_Job]) -> None:
        settle = partial(self._settle, jobs, time.perf_counter())
        if any(job.large for job in jobs):
            self._commits.run(partial(self._write, jobs), settle)
            return
        try:
            written = self._execute(jobs)
        except apsw.Error as error:
            settle(error)
            return
        if written:
            self._commits.run(self._commit, settle)
        else:
            self._settle(jobs, None, None)

    def _write(self, jobs: list[_Job]) -> None:
        if self._execute(jobs):
            self._commit()

    def _execute(self, jobs: list[_Job]) -> bool:
        """Begin a transaction and run the groups in it; if none wrote anything, roll it back and return False."""
        self._connection.execute("BEGIN IMMEDIATE")
        written = self._run_together(jobs)
        if not written:
            self._connection.execute("ROLLBACK")
        return written

    def _run_together(self, jobs: list[_Job]) -> bool:
        """Run groups without savepoints; if one is rejected halfway, roll back and run all again with savepoints.

        A savepoint costs as much as the statements of a small group, and few groups are rejected.
        """
        if not all(job.repeatable for job in jobs):
            return self._run_separately(jobs)
        written = False
        for job in jobs:
            begun = written and not job.atomic
            written = self._run(job, alone=not written, saved=False) or written
            if begun and isinstance(job.outcome, Exception):
                self._connection.execute("ROLLBACK")
                self._connection.execute("BEGIN IMMEDIATE")
                return self._run_separately(jobs)
        return written

    def _run_separately(self, jobs: list[_Job]) -> bool:
        """Run groups with savepoints, so each can be rolled back alone."""
        written = False
        for job in jobs:
            written = self._run(job, alone=not written, saved=written and not job.atomic) or written
        return written

    def _commit(self) -> None:
        self._connection.execute("COMMIT")

    def _run(self, job: _Job, *, alone: bool, saved: bool) -> bool:
        """Run one group within the transaction; returns True if it wrote.

        A rejected group is rolled back to a savepoint if `saved`. If it is `alone`, the transaction contains nothing
        else yet, and is restarted.
        """
        connection = self._connection
        if saved:
            connection.execute("SAVEPOINT job")
        try:
            job.outcome = job.work()
        except REJECTIONS as error:
            job.outcome = error
            if saved:
                connection.execute("ROLLBACK TO job")
            elif alone and not job.atomic:
                connection.execute("ROLLBACK")
                connection.execute("BEGIN IMMEDIATE")
        if saved:
            connection.execute("RELEASE job")
        return not isinstance(job.outcome, Exception)

    def _ops(self, ops: Sequence[Op], owner: str | None) -> Rows:
        connection, found = self._connection, []
        for op in ops:
            query, params = QUERIES[op.query.name], op.params
            try:
                rows = query.rows(connection, params if owner is None else {**params, "owner": owner})
            except apsw.ConstraintError as error:
                if op.clash is not None:
                    raise op.clash.with_traceback(None) from error
                raise
            if op.missing is not None and not rows and (query.select or connection.changes() == 0):
                raise op.missing.with_traceback(None)  # the same error is raised many times
            found.append(rows[0] if rows else None)
        return found

    def _settle(self, jobs: list[_Job], begun: float | None, error: apsw.Error | None) -> None:
        """Report the outcome of groups to their callers; `begun` is None if nothing was committed."""
        failure: Exception | None = error
        if error is not None:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
            if isinstance(error, apsw.FullError) and any(job.deletes for job in jobs) and self._reserve.release():
                self._begin(_only_deleting(jobs))
                return
            if isinstance(error, DISK_ERRORS):
                failure = StoreUnavailable(f"cannot write: {error}")
        elif begun is not None:
            self._observe(time.perf_counter() - begun, len(jobs))
        for job in jobs:
            _resolve(job.done, failure or job.outcome)
        self._next()


def _checkpoint(connection: apsw.Connection) -> None:
    for row in connection.execute(CHECKPOINT):  # the first column is 1 if a reader prevented it
        if row[0]:
            raise apsw.BusyError("a reader uses the write-ahead log")


def _deletes(ops: Sequence[Op]) -> bool:
    """True if a group frees disk space: it deletes or hides rows, and inserts only rows that record an erasure."""
    deletes = False
    for op in ops:
        effect = _effect(op.query.name)
        if effect == "adds":
            return False
        deletes = deletes or effect == "deletes"
    return deletes


@cache
def _effect(query: str) -> str:
    sql = QUERIES[query].sql if query in QUERIES else ""
    if DELETION.match(sql):
        return "deletes"
    return "adds" if sql.startswith("INSERT") and not TO_ERASE.match(sql) else "neither"


def _is_large(ops: Sequence[Op]) -> bool:
    size = 0
    for op in ops:
        for value in op.params.values():
            if isinstance(value, str | bytes):
                size += len(value)
    return size >= LARGE or len(ops) >= MANY


def _only_deleting(jobs: list[_Job]) -> list[_Job]:
    """Return the groups that free disk space or write nothing; reject all others."""
    kept = [job for job in jobs if job.deletes is not False]
    for job in jobs:
        if job not in kept:
            _resolve(job.done, StoreUnavailable("cannot write: the disk is full, and only deletions work"))
    return kept


def _resolve(done: asyncio.Future[Any], outcome: Any) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
