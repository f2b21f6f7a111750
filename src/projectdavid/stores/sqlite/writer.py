"""The one writer: collects what all requests and runs have to write, and commits it together.

Statements run in the event loop, where they cost microseconds; the commit, which waits for the disk, runs in a thread.
What arrives meanwhile is the next group.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread
from typing import Any, Protocol, TypeVar

import apsw

from projectdavid.ports.store import Op, Row, StoreError, Unavailable
from projectdavid.stores.sqlite.queries import QUERIES
from projectdavid.stores.sqlite.reserve import DiskReserve

DISK_ERRORS = (
    apsw.FullError,
    apsw.IOError,
    apsw.ReadOnlyError,
    apsw.BusyError,
    apsw.CorruptError,
    apsw.CantOpenError,
    apsw.NotADBError,
)

MISTAKES = (
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
"""What a group of operations can have wrong with it; it is told to whoever wrote it, and the others go on."""

Rows = list[Row | None]
T = TypeVar("T")
DELETION = re.compile(r"DELETE|UPDATE \w+ SET (owner = 'erased'|erased = 1)")
TO_ERASE = re.compile(r"INSERT INTO (erased_ids|erasures|meta) ")
CHECKPOINT = "PRAGMA wal_checkpoint(TRUNCATE)"


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    done: asyncio.Future[Any]
    deletes: bool | None
    """Whether it makes room on the disk; None: it writes nothing."""
    outcome: Any = None
    """What it came to; told only after the commit, for a refusal, too, rests on what was written before it."""


Settle = Callable[[apsw.Error | None], None]
"""Told in the event loop how a commit ended."""


class Commits(Protocol):
    """Who commits."""

    def commit(self, connection: apsw.Connection, settle: Settle, statement: str = "COMMIT") -> None:
        """Commit what the connection has begun, or run another statement, without holding up the event loop."""
        ...

    def close(self) -> None:
        """Take no more."""
        ...


class CommitThread:
    """Commits in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked: SimpleQueue[tuple[apsw.Connection, Settle, str] | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, name="commit", daemon=True)
        self._thread.start()

    def commit(self, connection: apsw.Connection, settle: Settle, statement: str = "COMMIT") -> None:
        """Commit after what was asked for before."""
        self._asked.put((connection, settle, statement))

    def close(self) -> None:
        """End the thread."""
        self._asked.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (asked := self._asked.get()) is not None:
            connection, settle, statement = asked
            failure: apsw.Error | None = None
            try:
                for row in connection.execute(statement):  # a checkpoint returns whether it was in the way of a reader
                    if row[0]:
                        raise apsw.BusyError("a reader needs the write-ahead log")
            except apsw.Error as error:
                failure = error
            with suppress(RuntimeError):  # the loop is closed, and whoever waited is gone with it
                self._loop.call_soon_threadsafe(settle, failure)


class Writer:
    """Owns the writing connection."""

    def __init__(self, connection: apsw.Connection, commits: Commits, reserve: DiskReserve) -> None:
        self._connection = connection
        self._reserve = reserve
        self._commits = commits
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job] = []
        self._checkpoints: list[asyncio.Future[None]] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def write(self, ops: Sequence[Op]) -> Rows:
        """Write a group with the next commit; returns when it is on the disk."""
        return await self.run(lambda: [self._op(op) for op in ops], deletes=_deletes(ops) if ops else None)

    async def run(self, work: Callable[[], T], *, deletes: bool | None = False) -> T:
        """The same of what a function writes with the connection of the writer; `deletes`: it makes room."""
        done: asyncio.Future[T] = self._loop.create_future()
        self._waiting.append(_Job(work, done, deletes))
        self._wake()
        # A caller that is cancelled takes nothing back: the group is written all the same, and nobody is told.
        return await done

    async def checkpoint(self) -> bool:
        """Copy the write-ahead log into the file and truncate it, before the next commit.

        Returns False if a reader is in the way.
        """
        done: asyncio.Future[None] = self._loop.create_future()
        self._checkpoints.append(done)
        self._wake()
        try:
            await done
        except apsw.BusyError:
            return False
        except DISK_ERRORS as error:
            raise Unavailable(f"cannot write: {error}") from error
        return True

    async def close(self) -> None:
        """Finish what is waiting, and close."""
        while self._busy:  # until nothing came while we waited
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
                _tell(done, error)
                self._next()

            self._commits.commit(self._connection, settle, CHECKPOINT)
            return
        jobs, self._waiting = self._waiting, []
        self._begin(jobs if self._reserve.restore() else _only_deleting(jobs))

    def _begin(self, jobs: list[_Job]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            written = [self._run(job) for job in jobs]
        except apsw.Error as error:
            self._settle(jobs, error)
            return
        if not any(written):
            self._connection.execute("ROLLBACK")
            self._settle(jobs, None)
            return
        self._commits.commit(self._connection, lambda error: self._settle(jobs, error))

    def _run(self, job: _Job) -> bool:
        """Run one group inside the transaction; a group that is refused leaves nothing behind."""
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            job.outcome = job.work()
        except (StoreError, *MISTAKES) as error:
            job.outcome = error
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return not isinstance(job.outcome, Exception)

    def _op(self, op: Op) -> Row | None:
        query = QUERIES[op.query]
        try:
            rows = query.rows(self._connection, op.params)
        except apsw.ConstraintError as error:
            if op.clash is not None:
                raise op.clash.with_traceback(None) from error
            raise
        if op.missing is not None and not rows and (query.select or self._connection.changes() == 0):
            raise op.missing.with_traceback(None)  # errors are named once and raised often: each time afresh
        return rows[0] if rows else None

    def _settle(self, jobs: list[_Job], error: apsw.Error | None) -> None:
        failure: Exception | None = error
        if error is not None:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
            if isinstance(error, apsw.FullError) and any(job.deletes for job in jobs) and self._reserve.release():
                self._begin(_only_deleting(jobs))
                return
            if isinstance(error, DISK_ERRORS):
                failure = Unavailable(f"cannot write: {error}")
        for job in jobs:
            _tell(job.done, failure or job.outcome)
        self._next()


def _deletes(ops: Sequence[Op]) -> bool:
    """True if a group makes room: it deletes or hides rows, and adds none but those that say what to erase."""
    texts = [QUERIES[op.query].sql for op in ops if op.query in QUERIES]
    added = [text for text in texts if text.startswith("INSERT") and not TO_ERASE.match(text)]
    return any(map(DELETION.match, texts)) and not added


def _only_deleting(jobs: list[_Job]) -> list[_Job]:
    """Return the groups that make room, and those that write nothing; all others are refused."""
    kept = [job for job in jobs if job.deletes is not False]
    for job in jobs:
        if job not in kept:
            _tell(job.done, Unavailable("cannot write: the disk is full, and what is left of it is for deleting"))
    return kept


def _tell(done: asyncio.Future[Any], outcome: Any) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
