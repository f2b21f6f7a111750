"""The clock of the runtime."""

import asyncio
import logging
from collections.abc import Callable

from projectdavid.ports.store import Store, StoreUnavailable

log = logging.getLogger("projectdavid.clock")

Clock = Callable[[], float]
"""Returns the time in Unix seconds."""
MEASURE_EVERY = 5.0
"""Seconds between two measurements of a store's time."""
NOTABLE = 5.0
"""Difference in seconds between the clocks of a machine and of a store that is logged."""


def to_ms(seconds: float) -> int:
    """Return a time in Unix milliseconds."""
    return round(seconds * 1000)


class StoreClock:
    """The time of a store that processes share, whatever the clock of the machine says."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._offset = 0.0

    def __call__(self) -> float:
        """Return the time of the store, as of the last measurement."""
        return self._clock() + self._offset

    async def measure(self) -> None:
        """Measure the difference to the clock of this machine.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        before = self._clock()
        now = await self._store.now()
        offset = now - (before + self._clock()) / 2
        if abs(offset - self._offset) > NOTABLE:
            log.warning("the clock of this machine differs by %+.1f s from that of the store, which is used", -offset)
        self._offset = offset

    async def serve(self) -> None:
        """Measure the difference again and again, until cancelled."""
        while True:
            await asyncio.sleep(MEASURE_EVERY)
            try:
                await self.measure()
            except StoreUnavailable:
                log.debug("the time of the store is not known now")
