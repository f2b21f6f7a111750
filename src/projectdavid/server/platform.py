"""The parts of a running platform, as the routes see them."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from projectdavid.outbound import Guard
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Store
from projectdavid.ports.terminal import Terminals
from projectdavid.runtime.driver import Clock, Driver
from projectdavid.runtime.eraser import Eraser
from projectdavid.runtime.filing import Filing
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.outbox import Outbox
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.routing import Models
from projectdavid.runtime.sweeper import Sweeper
from projectdavid.runtime.toolbox import Toolbox
from projectdavid.runtime.worker import Worker
from projectdavid.server.hands import Hands
from projectdavid.server.knowledge import Knowledge
from projectdavid.server.links import Links
from projectdavid.server.rates import Rates
from projectdavid.server.settings import Settings
from projectdavid.server.web import Web


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A request that is being answered: what it is, and when that is over."""

    fingerprint: bytes
    over: asyncio.Event = field(default_factory=asyncio.Event)


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
    eraser: Eraser
    clock: Clock
    ids: Ids
    quota: Quota
    rates: Rates
    guard: Guard
    """The way out to URLs of users."""
    outbox: Outbox
    blobs: Blobs
    filing: Filing
    links: Links
    knowledge: Knowledge
    """The files of vector stores, and the search in them."""
    web: Web
    secret: bytes
    """Keys the hash of API keys."""
    started_at: float
    terminals: Terminals | None = None
    """The shells of threads, where the server has the tool for them."""
    viewers: Counter[str] = field(default_factory=Counter[str])
    """How many connections watch a terminal, by owner."""
    hands: Hands | None = None
    """What runs code and commands; None: the operator wants nothing of the kind."""
    held_since: int | None = None
    """When this copy was restored, in Unix seconds, if it is not released yet: it serves reads only."""
    under_way: dict[tuple[str, str], UnderWay] = field(default_factory=dict[tuple[str, str], UnderWay])
    """The requests that have an idempotency key, by owner and key."""
