"""Runs whose thread has a sandbox session on another worker: that one gets the chance to claim them first."""

from collections.abc import Sequence

import msgspec

from projectdavid.ports import queries
from projectdavid.ports.store import Store
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.queues import WaitingRow

ALIVE = 30.0
"""Seconds since it was last seen after which a process counts as gone."""
PATIENCE = 2.0
"""Seconds for which a run is left to the worker with the session."""
REMEMBERED = 5.0
"""Seconds after which a run that still waits, or waits again, counts as new."""


class HomeRuns:
    """Decides which waiting runs a worker leaves to others for a while."""

    def __init__(self, store: Store, clock: Clock, worker: str) -> None:
        self._store = store
        self._clock = clock
        self._worker = worker
        self._seen: dict[int, float] = {}
        """When this worker found each run that it leaves to others."""

    async def claimable(self, waiting: Sequence[WaitingRow]) -> Sequence[WaitingRow]:
        """Return the runs that this worker can claim now, in their order.

        Raises:
            StoreUnavailable: the sessions cannot be read.
        """
        if self._store.exclusive or not waiting:
            return waiting
        now = self._clock()
        numbers = msgspec.json.encode([one.n for one in waiting]).decode()
        rows = await self._store.all(queries.RUNS_AT_HOME, runs=numbers, worker=self._worker, since=now - ALIVE)
        self._seen = {n: at for n, at in self._seen.items() if 0 <= now - at < REMEMBERED}
        left = {row.n for row in rows if now - self._seen.setdefault(row.n, now) < PATIENCE}
        return [one for one in waiting if one.n not in left]
