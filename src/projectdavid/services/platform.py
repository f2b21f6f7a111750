"""The running platform, as used by routes."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from projectdavid.egress import EgressGuard
from projectdavid.instruments.metrics import Gauge
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Store
from projectdavid.ports.terminal import TerminalService
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.delivery.outbox import Outbox
from projectdavid.runtime.file_lifecycle import FileLifecycle
from projectdavid.runtime.housekeeping.eraser import Eraser
from projectdavid.runtime.housekeeping.sweeper import Sweeper
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.tool_calls.toolbox import Toolbox
from projectdavid.runtime.worker.worker import RunWorker
from projectdavid.security.auth_codes import WrongCodeLimiter
from projectdavid.security.rate_limiter import RateLimiter
from projectdavid.security.signed_links import SignedLinks
from projectdavid.services.gauges import ServerGauges
from projectdavid.services.knowledge import KnowledgeService
from projectdavid.services.sandbox import SandboxService
from projectdavid.services.terminal_relay import TerminalRelay
from projectdavid.services.web import WebService
from projectdavid.settings import Settings


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request in progress: its fingerprint and a future for its end."""

    fingerprint: bytes
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Platform:
    """All services that requests use; built by `bootstrap`."""

    settings: Settings
    store: Store
    bus: Bus
    models: ModelRegistry
    toolbox: Toolbox
    driver: RunDriver
    worker: RunWorker
    sweeper: Sweeper
    eraser: Eraser
    clock: Clock
    ids: IdFactory
    quota: Quota
    rates: RateLimiter
    guard: EgressGuard
    """Egress guard for URLs of users."""
    outbox: Outbox
    blobs: Blobs
    filing: FileLifecycle
    links: SignedLinks
    knowledge: KnowledgeService
    """Ingestion and search of vector stores."""
    web: WebService
    secret: bytes
    """Secret key for the hash of API keys."""
    started_at: float
    gauges: ServerGauges
    terminals: TerminalService | None = None
    """Shell sessions of threads, if the tool is available."""
    wrong_codes: WrongCodeLimiter = field(default_factory=WrongCodeLimiter)
    viewers: Counter[str] = field(default_factory=Counter[str])
    """Number of terminal viewers by owner."""
    hands: SandboxService | None = None
    """Code execution; None if the operator disabled it."""
    held_since: int | None = None
    """Time of restore in Unix seconds if this copy is not released yet; until then it is read-only."""
    under_way: dict[tuple[str, str], UnderWay] = field(default_factory=dict[tuple[str, str], UnderWay])
    """Requests in progress with an idempotency key, by owner and key."""

    @property
    def telemetry(self) -> Telemetry:
        """The instruments of this process."""
        return self.gauges.telemetry

    @property
    def relay(self) -> TerminalRelay:
        """The terminals of other processes."""
        return TerminalRelay(self.store, self.bus, self.clock, self.secret, self.worker.name)

    @property
    def streams(self) -> Gauge:
        """The number of open event streams."""
        return self.telemetry.metrics.streams_open

    async def close(self) -> None:
        """Close all parts, the store last."""
        if self.hands is not None:
            await self.hands.close()
        await self.web.close()
        await self.knowledge.close()
        await self.guard.close()
        await self.models.close()
        await self.bus.close()
        await self.store.close()
