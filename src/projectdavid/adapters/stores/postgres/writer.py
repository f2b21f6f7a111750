"""The writer of one process: commits the groups of all its requests and runs together, on one connection.

Groups run in the order of the calls, in one transaction for all that wait. If one is rejected after it has written
something, the transaction is rolled back and run again without it, and the group alone. If the answer to a commit is
lost, the writer looks for the mark of the transaction, and runs it again only if the mark is not there.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg

from projectdavid.adapters.stores.postgres.connections import (
    CONFLICTS,
    DRIVER_ERRORS,
    MISTAKES,
    Patience,
    connect,
    is_lost,
    unavailable,
)
from projectdavid.adapters.stores.postgres.locks import STREAM, SYSTEM, Locks, was_committed
from projectdavid.adapters.stores.postgres.queries import QUERIES, NamedQuery
from projectdavid.adapters.stores.postgres.stream_chunks import append_chunks
from projectdavid.ports.store import AnyRow, CommitObserver, Op, StoreError, StoreUnavailable

log = logging.getLogger("projectdavid.store")

Rows = list[AnyRow | None]
Work = Callable[[asyncpg.Connection], Awaitable[Any]]
T = TypeVar("T")
MOST = 500
"""Maximum operations of one transaction, unless a single group has more."""
PRUNE_EACH = 1000
"""Number of transactions between two deletions of old marks."""
PRUNE = """
DELETE FROM commits WHERE id IN (
    SELECT id FROM commits WHERE made_at < clock_timestamp() - interval '1 hour' LIMIT 2000 FOR UPDATE SKIP LOCKED
)
"""


@dataclass(slots=True, eq=False)
class _Job:
    ops: Sequence[Op]
    owner: str | None
    done: asyncio.Future[Any]
    work: Work | None = None
    outcome: Any = None

    @property
    def is_stream(self) -> bool:
        """True for a chunk of a model's reply."""
        return len(self.ops) == 1 and self.ops[0].query.name == STREAM


class _Rejected(Exception):
    """A group was rejected after the transaction had written something; `at` is its place."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class GroupWriter:
    """Owns the writing connection of a process."""

    def __init__(self, url: str, observe: CommitObserver) -> None:
        self._url = url
        self._observe = observe
        self._loop = asyncio.get_running_loop()
        self._waiting: list[_Job] = []
        self._arrived = asyncio.Event()
        self._closing = False
        self._connection: asyncpg.Connection | None = None
        self._committing = False
        self._transactions = 0
        self._current: list[_Job] = []
        self._task = self._loop.create_task(self._serve())
        self._task.add_done_callback(self._end)

    async def write(self, ops: Sequence[Op], owner: str | None = None) -> Rows:
        """Write a group with the next commit; each operation is bound to `owner` if one is given."""
        return await self._add(_Job(ops, owner, self._loop.create_future()))

    async def run(self, work: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
        """Run a function that writes in the writer's transaction."""
        return await self._add(_Job((), None, self._loop.create_future(), work))

    async def _add(self, job: _Job) -> Any:
        if self._closing:
            raise StoreUnavailable("the store is closed")
        self._waiting.append(job)
        self._arrived.set()
        # If the caller is cancelled, the group is written nevertheless.
        return await job.done

    async def close(self) -> None:
        """Finish pending writes, and close."""
        self._closing = True
        self._arrived.set()
        await self._task
        await self._drop()

    async def _serve(self) -> None:
        while self._waiting or not self._closing:
            await self._arrived.wait()
            self._arrived.clear()
            while jobs := self._take():
                self._current = jobs
                await self._settle(jobs)

    def _end(self, task: asyncio.Task[None]) -> None:
        """Reject what waits if the writer itself fails."""
        self._closing = True
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the writer failed, so nothing can be written", exc_info=error)
        for job in (*self._current, *self._waiting):
            _resolve(job.done, StoreUnavailable("the writer of this process has stopped"))

    def _take(self) -> list[_Job]:
        jobs, count = self._waiting, 0
        for at, job in enumerate(jobs):
            count += len(job.ops)
            if at and count > MOST:
                self._waiting = jobs[at:]
                return jobs[:at]
        self._waiting = []
        return jobs

    async def _settle(self, jobs: list[_Job]) -> None:
        """Write groups, and report to each caller."""
        parts = [jobs]
        while parts:
            part = parts.pop(0)
            try:
                await self._write(part)
            except _Rejected as rejection:
                at = rejection.at
                parts = [one for one in (part[:at], part[at : at + 1], part[at + 1 :]) if one] + parts
                continue
            except StoreUnavailable as error:
                for job in part:
                    job.outcome = error
            for job in part:
                _resolve(job.done, job.outcome)

    async def _write(self, jobs: list[_Job]) -> None:
        """Commit groups together, with retries.

        Raises:
            _Rejected: one of them must run alone.
            StoreUnavailable: the server is gone for too long; if it was lost in a commit, the outcome is unknown.
        """
        if not any(job.ops or job.work for job in jobs):
            for job in jobs:
                job.outcome = []
            return  # they only wait for those before them
        patience, mark, is_unknown = Patience(), uuid4(), False
        while True:
            self._committing = False
            try:
                connection = self._connection = self._connection or await connect(self._url)
                if is_unknown and await was_committed(connection, mark):
                    return
                is_unknown = False
                await self._transact(connection, jobs, mark)
                return
            except CONFLICTS as error:
                await self._roll_back()
                await patience.retry_after(error)
            except DRIVER_ERRORS as error:
                if not is_lost(error):  # the disk is full, for example
                    await self._roll_back()
                    raise unavailable(error) from error
                is_unknown = is_unknown or self._committing
                await self._drop()
                await patience.retry_after(error)

    async def _transact(self, connection: asyncpg.Connection, jobs: list[_Job], mark: UUID) -> None:
        begun = time.perf_counter()
        await connection.execute("BEGIN")
        locks = Locks()
        for job in jobs:
            locks.add(job.ops, SYSTEM if job.work is not None else job.owner)
        await locks.take(connection, mark)
        try:
            written = await self._run_all(connection, jobs)
        except _Rejected:
            await connection.execute("ROLLBACK")
            if len(jobs) > 1:
                raise
            return  # the only group, which has its outcome
        self._transactions += 1
        if written and self._transactions % PRUNE_EACH == 0:
            await connection.execute(PRUNE)
        self._committing = written
        await connection.execute("COMMIT" if written else "ROLLBACK")
        if written:
            self._observe(time.perf_counter() - begun, len(jobs))

    async def _run_all(self, connection: asyncpg.Connection, jobs: list[_Job]) -> bool:
        """Run groups in order; returns True if one of them wrote.

        Raises:
            _Rejected: the transaction must be rolled back.
        """
        written, at = False, 0
        while at < len(jobs):
            end = at
            while end < len(jobs) and jobs[end].is_stream:
                end += 1
            if end > at:
                outcomes = await append_chunks(connection, [job.ops[0] for job in jobs[at:end]])
                for job, outcome in zip(jobs[at:end], outcomes, strict=True):
                    job.outcome = outcome
                    written = written or not isinstance(outcome, Exception)
                at = end
                continue
            written = await self._run(connection, jobs[at], at) or written
            at += 1
        return written

    async def _run(self, connection: asyncpg.Connection, job: _Job, at: int) -> bool:
        """Run one group; returns True if it wrote."""
        if job.work is not None:
            job.outcome = await job.work(connection)
            return True
        found: Rows = []
        written = False
        for op in job.ops:
            query = QUERIES.get(op.query.name)
            try:
                if query is None:
                    raise LookupError(f"there is no query '{op.query.name}'")
                rows, count = await _execute(connection, query, op, job.owner)
            except CONFLICTS:
                raise
            except MISTAKES as error:
                is_clash = op.clash is not None and isinstance(error, asyncpg.IntegrityConstraintViolationError)
                job.outcome = op.clash.with_traceback(None) if is_clash and op.clash is not None else error
                raise _Rejected(at) from error
            if op.missing is not None and count == 0:
                job.outcome = op.missing.with_traceback(None)  # the same error is raised many times
                if written:
                    raise _Rejected(at)
                return False
            written = written or (count > 0 and not query.select)
            found.append(rows[0] if rows else None)
        job.outcome = found
        return written

    async def _roll_back(self) -> None:
        if self._connection is not None:
            try:
                await self._connection.execute("ROLLBACK")
            except DRIVER_ERRORS:
                await self._drop()

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*DRIVER_ERRORS):
                await connection.close(timeout=2)


async def _execute(
    connection: asyncpg.Connection, query: NamedQuery, op: Op, owner: str | None
) -> tuple[list[Any], int]:
    """Run an operation; returns its rows, and the number of rows that it returned or changed."""
    params = op.params if owner is None else {**op.params, "owner": owner}
    await learn(connection, query)
    values = query.bind(params)
    if query.make is not None:
        rows = query.read(await connection.fetch(query.sql, *values))
        return rows, len(rows)
    status = await connection.execute(query.sql, *values)
    return [], int(status.rpartition(" ")[2])


async def learn(connection: asyncpg.Connection, query: NamedQuery) -> None:
    """Learn the types of a query's parameters from the server, once."""
    if query.encoders is None:
        statement = await connection.prepare(query.sql)
        query.learn([parameter.name for parameter in statement.get_parameters()])


def _resolve(done: asyncio.Future[Any], outcome: Any) -> None:
    if done.done():
        return
    if isinstance(outcome, StoreError | Exception):
        done.set_exception(outcome)
    else:
        done.set_result(outcome)
