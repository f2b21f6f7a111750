"""The one writer: collects what all requests and runs have to write, and commits it together.

Statements run in the event loop, where they cost microseconds; the commit, which waits for the disk, runs in a thread.
What arrives meanwhile is the next group.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import apsw

from projectdavid.ports.store import Op, Row, StoreError, Unavailable
from projectdavid.stores.sqlite.queries import QUERIES

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


@dataclass(slots=True)
class _Job:
    ops: Sequence[Op]
    done: asyncio.Future[Rows]


class Writer:
    """Owns the writing connection."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._waiting: list[_Job] = []
        self._busy = False
        self._idle = asyncio.Event()
        self._idle.set()

    async def write(self, ops: Sequence[Op]) -> Rows:
        """Write a group with the next commit; returns when it is on the disk."""
        done: asyncio.Future[Rows] = self._loop.create_future()
        self._waiting.append(_Job(ops, done))
        if not self._busy:
            self._busy = True
            self._idle.clear()
            self._loop.call_soon(self._flush)
        # A caller that is cancelled must not take a group back that is already being written.
        return await asyncio.shield(done)

    async def close(self) -> None:
        """Finish what is waiting, and close."""
        while self._busy:  # until nothing came while we waited
            await self._idle.wait()
        self._thread.shutdown()
        self._connection.close()

    def _flush(self) -> None:
        jobs, self._waiting = self._waiting, []
        finished: list[tuple[_Job, Rows]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                rows = self._run(job)
                if rows is not None:
                    finished.append((job, rows))
        except apsw.Error as error:
            self._settle(jobs, finished, error)
            return
        if not finished:
            self._connection.execute("ROLLBACK")
            self._settle(jobs, finished, None)
            return
        commit = self._loop.run_in_executor(self._thread, self._commit)
        commit.add_done_callback(lambda result: self._settle(jobs, finished, result.result()))

    def _commit(self) -> apsw.Error | None:
        try:
            self._connection.execute("COMMIT")
        except apsw.Error as error:
            return error
        return None

    def _run(self, job: _Job) -> Rows | None:
        """Run one group inside the transaction; a group that is refused leaves nothing behind."""
        connection = self._connection
        connection.execute("SAVEPOINT job")
        try:
            rows = [self._op(op) for op in job.ops]
        except (StoreError, *MISTAKES) as error:
            _fail(job, error)
        else:
            connection.execute("RELEASE job")
            return rows
        connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")
        return None

    def _op(self, op: Op) -> Row | None:
        query = QUERIES[op.query]
        try:
            rows = query.rows(self._connection, op.params)
        except apsw.ConstraintError as error:
            if op.clash is not None:
                raise op.clash from error
            raise
        if op.missing is not None and not rows and (query.select or self._connection.changes() == 0):
            raise op.missing
        return rows[0] if rows else None

    def _settle(self, jobs: list[_Job], finished: list[tuple[_Job, Rows]], error: apsw.Error | None) -> None:
        if error is not None:
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")
            failure = Unavailable(f"cannot write: {error}") if isinstance(error, DISK_ERRORS) else error
            for job in jobs:
                _fail(job, failure)
        else:
            for job, rows in finished:
                if not job.done.done():
                    job.done.set_result(rows)
        if self._waiting:
            self._loop.call_soon(self._flush)
        else:
            self._busy = False
            self._idle.set()


def _fail(job: _Job, error: Exception) -> None:
    if not job.done.done():
        job.done.set_exception(error)
