"""Waits for work on a run, unless the run must end first."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from projectdavid.ports import queries
from projectdavid.ports.bus import Bus, TopicSubscription
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.runtime.topics import abort_topic

LOOK = 1.0
"""Seconds between polls of the store for runs that another process ended."""

SLOT = LOOK / 8
"""Seconds between the polls of two groups of runs.

The runs of a group poll at the same moment, because SQLite reads all pages again for the first query after a commit and
has them cached for the others. Several groups, so many runs do not block the event loop.
"""

T = TypeVar("T")


class RunInterrupted(Exception):
    """The run must end; the work was stopped."""


async def unless_aborted(store: Store, bus: Bus, n: int, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """Return the result of work on the run of row `n`; it is stopped after `seconds`, or when the run must end.

    Raises:
        TimeoutError: the timeout expired.
        RunInterrupted: the run must end.
    """
    with bus.subscribe(abort_topic(n)) as subscription:
        working = asyncio.create_task(work)
        listening = asyncio.create_task(_cancel_on_abort(store, n, subscription, working))
        try:
            async with asyncio.timeout(seconds):
                return await working
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise RunInterrupted from None
        finally:
            for task in (working, listening):
                task.cancel()
            await asyncio.gather(working, listening, return_exceptions=True)


async def _cancel_on_abort(store: Store, n: int, subscription: TopicSubscription, working: asyncio.Task[Any]) -> None:
    """Stop the work when the run is aborted."""
    clock = asyncio.get_running_loop().time
    while not await subscription.wait(LOOK - clock() % SLOT):
        if await _is_ended(store, n):
            break
    working.cancel()


async def _is_ended(store: Store, n: int) -> bool:
    """Return True if the run was deleted, ended or cancelled; False if the store is unavailable."""
    with suppress(StoreUnavailable):
        row = await store.one(queries.RUN_LEASE, n=n)
        return row is None or row.lease is None or row.status == "cancelling"
    return False
