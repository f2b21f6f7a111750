"""Reads the journal of a run while the caller has access to it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from projectdavid.api.http.errors import ApiError
from projectdavid.api.requests.authentication import Caller
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.protocol.events import STREAM_ENDED
from projectdavid.protocol.runs import TERMINAL_STATUSES
from projectdavid.runtime.runs.journal import JournalPart, tail
from projectdavid.runtime.topics import journal_topic
from projectdavid.services.platform import Platform

POLL = 0.5
"""Poll interval of the store in seconds, because another process can end the run or revoke the key."""


class ReaderLostAccess(ApiError):
    """The caller lost access to the run: an object was deleted or the key is no longer valid."""

    def __init__(self, code: str) -> None:
        super().__init__(401 if code == "key_revoked" else 404, code, STREAM_ENDED[code])


async def read(caller: Caller, row: RunRow, after: int, until: frozenset[str]) -> AsyncGenerator[list[JournalPart]]:
    """Yield events after a position, up to the first with a status in `until`.

    Yields an empty list for each keep-alive interval without events.

    Raises:
        ReaderLostAccess: within a second of the deletion or revocation.
    """
    platform, clock = caller.platform, asyncio.get_running_loop().time
    checked = yielded = clock()
    ended = False
    poll = min(POLL, platform.settings.stream_keep_alive)
    async with aclosing(tail(platform.store, platform.bus, row.n, after, poll, until)) as parts:
        async for part in parts:
            now = clock()
            # Those who read live look in the same moments: SQLite reads all pages again for the first query after a
            # commit, and has them for the others.
            if not part or now // POLL != checked // POLL:
                await _check(caller, row)
                checked = now
            if part or now - yielded >= platform.settings.stream_keep_alive:
                yielded = now
                ended = bool(part) and part[-1].status() in until
                yield part
    if not ended:
        await _check(caller, row)


async def wait_for_end(platform: Platform, n: int, seconds: float) -> None:
    """Wait until the run of row `n` ends or is deleted, or until the timeout."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    with platform.bus.subscribe(journal_topic(n)) as hints:
        while (left := deadline - clock()) > 0:
            row = await platform.store.one(queries.RUN_LEASE, n=n)
            if row is None or row.status in TERMINAL_STATUSES:
                return
            await hints.wait(min(left, POLL))


async def _check(caller: Caller, row: RunRow) -> None:
    now = int(caller.platform.clock())
    reader = await caller.view.one(queries.READER, n=row.n, thread_id=row.thread_id, prefix=caller.key_prefix, now=now)
    if reader is None or not reader.user:
        raise ReaderLostAccess("user_deleted")
    if not reader.key:
        raise ReaderLostAccess("key_revoked")
    if not reader.thread:
        raise ReaderLostAccess("thread_deleted")
    if not reader.run:
        raise ReaderLostAccess("run_deleted")
