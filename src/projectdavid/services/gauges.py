"""Gauges of the store, the process and the event loop: read when they are asked for, at most every few seconds."""

import asyncio
import os
import resource
import time
from dataclasses import dataclass, field
from pathlib import Path

from projectdavid.distribution import VERSION
from projectdavid.engine.run import TERMINAL, RunStatus
from projectdavid.instruments.server_metrics import ServerMetrics
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports import queries
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.services.sandbox import SandboxService
from projectdavid.settings import Settings

READ_EVERY = 5.0
"""Minimum seconds between two readings of the store."""
LAG_EVERY = 0.25
"""Seconds of the timer that measures the event loop."""
STATUSES_COUNTED = 2_000
"""Maximum open runs that are counted by status, which takes about a millisecond."""
QUEUE_COUNTED = 10_000
"""Maximum entries of a queue that are counted, in an index."""
LEASED = frozenset({"runs", "ingest"})
"""Queues whose entries are worked on with a lease."""
PAGE = os.sysconf("SC_PAGE_SIZE")
HAS_PROC = Path("/proc/self/statm").exists()
"""False on systems other than Linux."""


@dataclass(slots=True)
class ServerGauges:
    """Updates the gauges of a server. The queues are those of the store, so all processes report the same."""

    telemetry: Telemetry
    store: Store
    clock: Clock
    worker: RunWorker
    settings: Settings
    hands: SandboxService | None
    _read_at: float = field(init=False, default=float("-inf"))
    _cpu: float = field(init=False, default=0.0)

    @property
    def metrics(self) -> ServerMetrics:
        """The metrics of this process."""
        return self.telemetry.metrics

    def __post_init__(self) -> None:
        self.metrics.registry.refresh_with(self._read_process)
        self.metrics.start_time.set(_start_of_process() if HAS_PROC else time.time())
        self.metrics.build.set(1, VERSION)

    async def refresh(self) -> None:
        """Read the store, unless that was done just now. If it is not available, the previous values remain."""
        now = time.monotonic()
        if now - self._read_at < READ_EVERY:
            return
        self._read_at = now
        try:
            await self._read_store()
        except StoreUnavailable:
            self._read_at = float("-inf")

    async def _read_store(self) -> None:
        metrics, now, lease = self.metrics, self.clock(), self.settings.lease_seconds
        statuses = await self.store.all(queries.RUNS_BY_STATUS, limit=STATUSES_COUNTED)
        backlogs = await self.store.all(queries.QUEUE_BACKLOGS, now=now, limit=QUEUE_COUNTED)
        metrics.free_bytes.set(await self.store.free_bytes())
        amounts = {row.status: row.amount for row in statuses}
        for status in RunStatus:
            if status not in TERMINAL:
                metrics.runs_open.set(amounts.get(status, 0), str(status))
        for row in backlogs:
            metrics.queue_depth.set(row.amount, row.queue)
            metrics.queue_oldest.set(0.0 if row.oldest_at is None else max(now - row.oldest_at, 0.0), row.queue)
            if row.queue in LEASED:
                left = lease if row.lease_until is None else row.lease_until - now
                metrics.lease_oldest.set(max(lease - left, 0.0), row.queue)

    def _read_process(self) -> None:
        metrics = self.metrics
        metrics.runs_active.set(self.worker.at_work)
        if self.worker.looked_at is not None:
            metrics.look_age.set(max(self.clock() - self.worker.looked_at, 0.0))
        if self.hands is not None:
            metrics.sandbox_sessions.set(self.hands.sessions.live)
        space = os.statvfs(self.settings.data)
        metrics.disk_free.set(space.f_bavail * space.f_frsize)
        used = resource.getrusage(resource.RUSAGE_SELF)
        cpu = used.ru_utime + used.ru_stime
        metrics.cpu_seconds.add(cpu - self._cpu)
        self._cpu = cpu
        if not HAS_PROC:
            return
        metrics.resident_bytes.set(int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE)
        metrics.open_fds.set(sum(1 for _ in Path("/proc/self/fd").iterdir()))

    async def measure_loop(self) -> None:
        """Measure how late timers of the event loop are, until cancelled."""
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LAG_EVERY
            await asyncio.sleep(LAG_EVERY)
            self.metrics.loop_lag.observe(clock() - due)


def _start_of_process() -> float:
    """Return the start of this process in Unix seconds."""
    ticks = int(Path("/proc/self/stat").read_text("ascii").rpartition(")")[2].split()[19])
    booted = next(
        float(line.split()[1])
        for line in Path("/proc/stat").read_text("ascii").splitlines()
        if line.startswith("btime")
    )
    return booted + ticks / os.sysconf("SC_CLK_TCK")
