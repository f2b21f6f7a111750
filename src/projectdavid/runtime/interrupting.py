"""Wait for work on a run, unless the run is to end first."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from projectdavid.ports.bus import Bus, Subscription
from projectdavid.ports.store import Store, Unavailable
from projectdavid.runtime.driver import abort_topic

LOOK = 1.0
"""Seconds after which the store is asked whether the run was ended by another process."""

T = TypeVar("T")


class Interrupted(Exception):
    """The run is to end; the work was stopped."""


async def unless_aborted(store: Store, bus: Bus, n: int, seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work on the run of row `n` comes to; it is stopped after `seconds`, and when the run is to end.

    Raises:
        TimeoutError: the time is up.
        Interrupted: the run is to end.
    """
    with bus.subscribe(abort_topic(n)) as ear:
        working = asyncio.create_task(work)
        listening = asyncio.create_task(_heard(store, n, ear, working))
        try:
            async with asyncio.timeout(seconds):
                return await working
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise Interrupted from None
        finally:
            for task in (working, listening):
                task.cancel()
            await asyncio.gather(working, listening, return_exceptions=True)


async def _heard(store: Store, n: int, ear: Subscription, working: asyncio.Task[Any]) -> None:
    """Stop the work when the run is to be aborted."""
    while not await ear.wait(LOOK):
        if await _is_ended(store, n):
            break
    working.cancel()


async def _is_ended(store: Store, n: int) -> bool:
    """Return whether the run was deleted, ended or cancelled; not if the store cannot say."""
    with suppress(Unavailable):
        row = await store.one("run_lease", n=n)
        return row is None or row.lease is None or row.status == "cancelling"
    return False
