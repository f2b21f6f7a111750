"""Several processes over PostgreSQL: whichever dies, freezes or loses its connection, each run ends once."""

import os
import random
from collections import Counter

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.fleet import Disconnecting, Fleet, Freezing, Restarting, Upgrading
from tests.e2e.killing import have_runs_while_killing
from tests.e2e.processes import Fake
from tests.e2e.test_kill import moments
from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.slow

SCALE = int(os.environ.get("FLEET_SCALE", "1"))
"""How many times as often something happens; `make chaos` sets it."""


def check(fleet: Fleet, fake: Fake, times: int) -> None:
    """Have runs while something happens so many times."""
    before = fleet.starts
    callers = have_runs_while_killing(fleet, fake, moments(fleet.chance, times))
    asked = {caller.tag: len(caller.asked()) for caller in callers}
    print(f"{len(callers)} runs, {times} times, requests of a run: {sorted(Counter(asked.values()).items())}")
    assert fleet.starts == before + times


@pytest.mark.parametrize(
    ("times", "settings"),
    [
        pytest.param(3, {}, id="all as it should be"),
        pytest.param(1, {"bus_url": "nats://127.0.0.1:1"}, id="every hint is lost"),
        pytest.param(1, {"ahead": 3600.0}, id="half of the clocks are an hour ahead"),
        pytest.param(1, {"ahead": -3600.0}, id="half of the clocks are an hour behind"),
    ],
)
def test_accepted_runs_finish_once_whichever_process_is_killed(
    starting: Starting, postgres_url: str, fake: Fake, seed: int, times: int, settings: dict[str, object]
) -> None:
    check(Fleet(starting, postgres_url, random.Random(seed), **settings), fake, times * SCALE)


def test_a_worker_that_was_frozen_for_longer_than_its_lease_changes_nothing(
    starting: Starting, postgres_url: str, fake: Fake, seed: int
) -> None:
    check(Freezing(starting, postgres_url, random.Random(seed)), fake, 2 * SCALE)


def test_runs_finish_once_although_the_database_crashes(
    starting: Starting, postgres_url: str, postgres_server: PostgresServer, fake: Fake, seed: int
) -> None:
    fleet = Restarting(starting, postgres_url, random.Random(seed))
    fleet.postgres = postgres_server
    check(fleet, fake, 2 * SCALE)


def test_runs_finish_once_although_connections_are_cut(
    starting: Starting, postgres_url: str, postgres_server: PostgresServer, fake: Fake, seed: int
) -> None:
    fleet = Disconnecting(starting, postgres_url, random.Random(seed))
    fleet.postgres, fleet.database = postgres_server, postgres_url.rpartition("/")[2]
    check(fleet, fake, 3 * SCALE)


def test_runs_finish_once_while_processes_of_two_releases_work_before_and_after_the_migration(
    starting: Starting, postgres_url: str, postgres_server: PostgresServer, fake: Fake, seed: int
) -> None:
    fleet = Upgrading(starting, postgres_url, random.Random(seed))
    fleet.database_url = postgres_url
    callers = have_runs_while_killing(fleet, fake, moments(fleet.chance, 3))
    print(f"{len(callers)} runs during an upgrade")
    versions = "SELECT version - oldest FROM installation"
    assert postgres_server.execute(versions, postgres_url.rpartition("/")[2]).split() == ["1"]
