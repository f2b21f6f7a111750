"""Readiness: whether a load balancer should send requests to this process."""

import asyncio
import time
from dataclasses import dataclass, field

from projectdavid.ports import queries
from projectdavid.ports.store import Op, StoreUnavailable
from projectdavid.services.platform import Platform

PROBE_EVERY = 5.0
"""Seconds for which the outcome of a probe of the store is valid."""
PROBE_TIMEOUT = 5.0
STALLED_AFTER = 10.0
"""Seconds without a look for runs after which a worker counts as stalled; it looks every second."""
PROBE_KEY = "ready_probe"
"""The key of `meta` that probes write."""


@dataclass(frozen=True, slots=True)
class ReadinessReport:
    """Why the process is not ready, as codes; empty if it is. `last_look_s` is None if the process executes no runs."""

    reasons: tuple[str, ...]
    last_look_s: float | None


@dataclass(slots=True)
class Readiness:
    """Checks a platform. What only degrades it, such as a provider that is down, does not make it unready."""

    platform: Platform
    is_draining: bool = False
    """True once the server has begun to stop."""
    _probed_at: float = field(init=False, default=float("-inf"))
    _works: bool = field(init=False, default=False)
    _lock: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)

    async def check(self) -> ReadinessReport:
        """Return the readiness now; the store is probed at most every few seconds."""
        looked_at = self.platform.worker.looked_at
        age = None if looked_at is None else max(self.platform.clock() - looked_at, 0.0)
        found = {
            "draining": self.is_draining,
            "held": self.platform.held_since is not None,
            "store_unavailable": not await self._probe(),
            "worker_stalled": age is not None and age > STALLED_AFTER,
        }
        reasons = tuple(reason for reason, applies in found.items() if applies)
        return ReadinessReport(reasons, None if age is None else round(age, 3))

    async def _probe(self) -> bool:
        """Return whether the store commits; of a copy that only serves reads, whether it can be read."""
        async with self._lock:  # probes of many clients are one
            if time.monotonic() - self._probed_at >= PROBE_EVERY:
                try:
                    async with asyncio.timeout(PROBE_TIMEOUT):
                        await self._use_store()
                    self._works = True
                except (StoreUnavailable, TimeoutError):
                    self._works = False
                self._probed_at = time.monotonic()
            return self._works

    async def _use_store(self) -> None:
        store, now = self.platform.store, self.platform.clock()
        if self.platform.held_since is None:
            await store.write([Op(queries.META_SET, {"key": PROBE_KEY, "value": f"{now:.0f}"})])
        else:
            await store.now()
