"""The services that a worker uses to execute runs, and its limits."""

from dataclasses import dataclass, field

from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Store
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.knowledge.citations import CitationLookup
from projectdavid.runtime.model_registry import ModelRegistry
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.tool_calls.call_context import FileOutput
from projectdavid.runtime.tool_calls.toolbox import Toolbox


@dataclass(frozen=True, slots=True)
class WorkerLimits:
    """Limits of a worker; times are in seconds."""

    lease: float = 30.0
    look: float = 1.0
    """Interval of polling the store, in case a notification was lost."""
    runs: int = 512
    """Maximum number of concurrent runs. No owner takes more than half of them, see `queues`."""


@dataclass(frozen=True, slots=True)
class WorkerServices:
    """The services of a process that a worker and its model turns share."""

    store: Store
    bus: Bus
    models: ModelRegistry
    toolbox: Toolbox
    file_output: FileOutput
    driver: RunDriver
    clock: Clock
    ids: IdFactory
    limits: WorkerLimits
    quota: Quota
    citations: CitationLookup | None
    """None: replies have no citations."""
    telemetry: Telemetry = field(default_factory=Telemetry)
