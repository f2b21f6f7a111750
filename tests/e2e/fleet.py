"""Several processes over one PostgreSQL database: some answer requests, some work."""

import asyncio
import os
import random
import signal
import threading
import time
import urllib.request
from collections.abc import Iterable
from typing import Any

from projectdavid.adapters.stores.postgres import PostgresStore
from tests.e2e.conftest import Starting
from tests.e2e.processes import Server
from tests.e2e.serve_child import next_release
from tests.postgres_server import PostgresServer

LEASE = 5
"""Seconds after which another worker takes over."""
CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name LIKE 'projectdavid%' AND datname = current_database() AND random() < 0.5
"""


class Fleet:
    """Two processes that answer requests and some that work; for callers it is one server.

    `kill` kills one of them, and `start` starts it again. `ahead` is how far the clock of every second process is,
    `deadly` whether they have the tool that ends its process, see `serve_child`.
    """

    def __init__(
        self,
        starting: Starting,
        url: str,
        chance: random.Random,
        *,
        workers: int = 2,
        ahead: float = 0.0,
        deadly: bool = False,
        **settings: Any,
    ) -> None:
        shared = {"database_url": url, "sandbox": "off", "public_url": "http://fleet.example"}
        settings = {"lease_seconds": LEASE, **settings, **shared}
        self.apis = [starting(wait=True, role="api", **settings) for _ in range(2)]
        self.workers = [starting(wait=True, role="worker", **settings) for _ in range(workers)]
        self.chance = chance
        self._victim = self.apis[0]
        self._next = 0
        self._lock = threading.Lock()
        for server in self.all:
            server.deadly = deadly
            server.start()
        for server in (self.apis[1], self.workers[1]) if ahead else ():
            server.close()
            server.ahead = ahead
            server.start()

    @property
    def all(self) -> list[Server]:
        """All processes."""
        return [*self.apis, *self.workers]

    @property
    def key(self) -> str:
        """The key of the first user."""
        return self.apis[0].key

    @property
    def silence(self) -> float | None:
        """Seconds without a byte after which a connection counts as cut."""
        return None

    @property
    def starts(self) -> int:
        """Number of starts of all processes."""
        return sum(server.starts for server in self.all)

    def url(self) -> str:
        """The address of a process that answers requests: another one at each call, as behind a balancer."""
        with self._lock:
            self._next += 1
            up = [server for server in self.apis if server.is_up] or self.apis
        return up[self._next % len(up)].url()

    def kill(self) -> None:
        """Kill one process."""
        self._victim = self.chance.choice(self.all)
        self._victim.kill()

    def ended(self) -> int:
        """Wait until the killed process is gone; returns its exit code."""
        return self._victim.ended()

    def start(self) -> None:
        """Start the killed process again."""
        self._victim.start()


class Disturbed(Fleet):
    """What is done to it in place of a kill counts as a start: it can explain another request to the model."""

    disturbed = 0

    @property
    def starts(self) -> int:
        """Number of starts and disturbances."""
        return super().starts + self.disturbed

    def kill(self) -> None:
        """Disturb it."""
        self.disturb()
        self.disturbed += 1

    def disturb(self) -> None:
        """Do it."""
        raise NotImplementedError

    def ended(self) -> int:
        """Do nothing: no process ends."""
        return 0

    def start(self) -> None:
        """Do nothing: no process ended."""


class Freezing(Disturbed):
    """A worker stops where it is until its lease is long over, and then continues."""

    def disturb(self) -> None:
        """Stop a worker."""
        self._victim = self.chance.choice(self.workers)
        os.kill(self._victim.pid, signal.SIGSTOP)

    def ended(self) -> int:
        """Wait until its lease is over."""
        time.sleep(LEASE + 2)
        return 0

    def start(self) -> None:
        """Let it continue."""
        os.kill(self._victim.pid, signal.SIGCONT)


class Restarting(Disturbed):
    """The database crashes, and is started again."""

    postgres: PostgresServer

    def disturb(self) -> None:
        """Let it crash."""
        self.postgres.stop("immediate")

    def start(self) -> None:
        """Start it again."""
        self.postgres.start()


class Disconnecting(Restarting):
    """The server ends half of the connections."""

    database: str

    def disturb(self) -> None:
        """End them."""
        self.postgres.execute(CUT, self.database)

    def start(self) -> None:
        """Do nothing: the processes connect again."""


NEXT = """
ALTER TABLE runs ADD COLUMN priority bigint NOT NULL DEFAULT 0;
CREATE INDEX runs_by_priority ON runs (priority);
CREATE TABLE priorities (owner text PRIMARY KEY, priority bigint NOT NULL);
"""
"""What the next release adds to the schema."""


class Upgrading(Disturbed):
    """A rolling upgrade, one step each time; each process must be ready after each step."""

    database_url: str
    step = 0

    def disturb(self) -> None:
        """Do nothing: the step is taken once the callers can continue."""

    def ended(self) -> int:
        """Take the next step."""
        self.step += 1
        first, second = (self.apis[0], self.workers[0]), (self.apis[1], self.workers[1])
        if self.step == 1:
            self._replace(first, (NEXT,))
        elif self.step == 2:
            asyncio.run(self._migrate())
        else:
            self._replace(second, ())
        for server in self.all:
            urllib.request.urlopen(f"{server.url()}/health/ready").close()
        return 0

    async def _migrate(self) -> None:
        store = PostgresStore(self.database_url, schema=next_release(NEXT), upgrade=True)
        await store.open()
        await store.close()

    @staticmethod
    def _replace(servers: Iterable[Server], schema: tuple[str, ...]) -> None:
        for server in servers:
            server.terminate()
            server.ended()
            server.schema = schema
            server.start()
