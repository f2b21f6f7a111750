"""The parts of a running platform, as the routes see them."""

from dataclasses import dataclass

from projectdavid.outbound import Guard
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Store
from projectdavid.runtime.driver import Clock, Driver
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.outbox import Outbox
from projectdavid.runtime.routing import Models
from projectdavid.runtime.sweeper import Sweeper
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.worker import Worker
from projectdavid.server.settings import Settings


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything that a request may need; made by `bootstrap`."""

    settings: Settings
    store: Store
    bus: Bus
    models: Models
    toolbox: Toolbox
    driver: Driver
    worker: Worker
    sweeper: Sweeper
    clock: Clock
    ids: Ids
    secret: bytes
    """Keys the hash of API keys."""
    started_at: float
    guard: Guard
    """The way out to URLs of users."""
    outbox: Outbox
