"""Three hosts: PostgreSQL and the model on one, processes on two; whichever is cut off, each run ends once."""

import random
import time
from collections import Counter
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.fleet import LEASE, Disturbed
from tests.e2e.hosts import Hosts, require_hosts
from tests.e2e.killing import have_runs_while_killing
from tests.e2e.processes import PATIENCE, Fake, Nursery, Server
from tests.e2e.reading import Address, Cut, Refusal
from tests.e2e.test_fleet import SCALE
from tests.e2e.test_kill import moments
from tests.postgres_server import PostgresServer, run_postgres
from tests.timeouts import PAUSE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SCALE == 1, reason="starts three hosts, only in make chaos (FLEET_SCALE)"),
]
CUTS = SCALE
LEASED = "SELECT n FROM runs WHERE lease = '{worker}' AND lease_until > store_time(0)"
MOVED = "SELECT count(*) FROM runs WHERE n IN ({runs}) AND lease = '{worker}'"


class Cutting(Disturbed):
    """A host is cut off until its runs have moved to the other one, and then healed."""

    hosts: Hosts
    postgres: PostgresServer
    database: str
    names: tuple[str, ...]
    """The workers, by host."""
    host = 0
    moved = 0
    slowest = 0.0

    @property
    def silence(self) -> float | None:
        """A connection that ends while it is cut says nothing when it is healed."""
        return 30.0

    def find_workers(self) -> None:
        """Find out which worker is whose: start the second one again, which has another name then."""
        second = self.workers[1]
        before = self._await_workers()
        second.terminate()
        second.ended()
        second.start()
        after = self._await_workers()
        self.names = ((before & after).pop(), (after - before).pop())

    def await_readiness(self) -> None:
        """Wait until every process is ready again."""
        deadline = time.monotonic() + PATIENCE
        for server in self.all:
            while not self._is_ready(server):
                assert time.monotonic() < deadline, f"{server.log} is not ready again"
                time.sleep(PAUSE)

    @staticmethod
    def _is_ready(server: Server) -> bool:
        try:
            Address(server.url(), server.key, 5.0).ask("GET", "/health/ready")
        except (Cut, Refusal):
            return False
        return True

    def _await_workers(self) -> set[str]:
        deadline = time.monotonic() + PATIENCE
        while len(names := self._execute("SELECT id FROM instances WHERE role = 'worker'")) < len(self.workers):
            assert time.monotonic() < deadline
            time.sleep(PAUSE)
        return set(names)

    def disturb(self) -> None:
        """Cut a host off."""
        self.host = self.chance.randrange(Hosts.NUMBER)
        self.hosts.cut(self.host)

    def ended(self) -> int:
        """Wait until the runs of its worker are the other one's, or have ended."""
        begun = time.monotonic()
        worker = self.names[self.host]
        runs = self._execute(LEASED.format(worker=worker))
        while runs and self._execute(MOVED.format(runs=",".join(runs), worker=worker)) != ["0"]:
            assert time.monotonic() < begun + PATIENCE, f"runs {runs} stay with a worker that is cut off"
            time.sleep(PAUSE)
        self.moved += len(runs)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        return 0

    def start(self) -> None:
        """Heal the host. That counts as another disturbance: its lost connections fail one after the other."""
        self.hosts.heal(self.host)
        self.disturbed += 1

    def _execute(self, statement: str) -> list[str]:
        return self.postgres.execute(statement, self.database).split()


@contextmanager
def running(hosts: Hosts, folder: Path) -> Generator[tuple[PostgresServer, Fake, Any]]:
    """A database and a model on this host, and what starts servers on the others in turn."""
    with ExitStack() as stack:
        stack.enter_context(hosts.run())
        postgres = stack.enter_context(contextmanager(run_postgres)(hosts.address))
        fake = stack.enter_context(Fake(hosts.address))
        nurseries = [stack.enter_context(Nursery(hosts.prefix(host))) for host in range(Hosts.NUMBER)]
        started: Counter[str] = Counter()

        def start(*, role: str, wait: bool, **settings: Any) -> Server:
            host = started[role] % Hosts.NUMBER
            started[role] += 1
            settings |= {"embedding_model": "off", "role": role, "host": hosts.address_of(host)}
            environ = {"OPENAI_BASE_URL": fake.url}
            server = Server(nurseries[host], folder / "data", environ, folder / f"log-{role}-{host}", **settings)
            stack.callback(server.close)
            return server

        yield postgres, fake, start


def test_the_runs_of_a_host_that_is_cut_off_move_and_it_changes_nothing_when_it_is_back(
    tmp_path: Path, seed: int
) -> None:
    require_hosts()
    hosts = Hosts()
    with running(hosts, tmp_path) as (postgres, fake, starting):
        url = postgres.add_database()
        fleet = Cutting(starting, url, random.Random(seed))
        fleet.hosts, fleet.postgres, fleet.database = hosts, postgres, url.rpartition("/")[2]
        fleet.find_workers()
        callers = have_runs_while_killing(fleet, fake, moments(fleet.chance, CUTS))
        fleet.await_readiness()
        asked = Counter(len(caller.asked()) for caller in callers)
        print(f"{len(callers)} runs, {CUTS} cuts, requests of a run: {sorted(asked.items())}")
        print(f"{fleet.moved} runs moved, in at most {fleet.slowest:.1f} s, with a lease of {LEASE} s")
        assert fleet.moved > 0
