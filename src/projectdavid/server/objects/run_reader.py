"""Reads the journal of a run for a caller, for as long as the caller may read it."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from projectdavid.ports.store import Row
from projectdavid.protocol.events import STREAM_ENDED
from projectdavid.runtime.journal import Told, tail
from projectdavid.server.auth import Caller
from projectdavid.server.http.errors import ApiError

CHECK = 1.0
"""Seconds after which it is checked again that the caller may read."""


class StreamEnded(ApiError):
    """The caller may not read the run any more: something was deleted, or the key opens nothing now."""

    def __init__(self, code: str) -> None:
        super().__init__(401 if code == "key_revoked" else 404, code, STREAM_ENDED[code])


async def read(caller: Caller, row: Row, after: int, until: frozenset[str]) -> AsyncGenerator[list[Told]]:
    """Yield the events after a position as they come, up to the first that reports a status of `until`.

    Yields an empty list if nothing came for as long as the settings say.

    Raises:
        StreamEnded: within about a second of the deletion or revocation.
    """
    platform = caller.platform
    checked = yielded = time.monotonic()
    ended = False
    async with aclosing(tail(platform.store, platform.bus, row.n, after, CHECK, until)) as parts:
        async for part in parts:
            now = time.monotonic()
            if now - checked >= CHECK:
                await _check(caller, row)
                checked = now
            if part or now - yielded >= platform.settings.keep_alive:
                yielded = now
                ended = bool(part) and part[-1].status() in until
                yield part
    if not ended:
        await _check(caller, row)


async def _check(caller: Caller, row: Row) -> None:
    now = int(caller.platform.clock())
    reader = await caller.view.one("reader", n=row.n, thread_id=row.thread_id, prefix=caller.key_prefix, now=now)
    if reader is None or not reader.user:
        raise StreamEnded("user_deleted")
    if not reader.key:
        raise StreamEnded("key_revoked")
    if not reader.thread:
        raise StreamEnded("thread_deleted")
    if not reader.run:
        raise StreamEnded("run_deleted")
