"""Several processes over PostgreSQL: whichever dies, freezes or loses its connection, each run ends once."""

import os
import random
from collections import Counter

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.fleet import Fleet
from tests.e2e.killing import have_runs_while_killing
from tests.e2e.processes import Fake
from tests.e2e.test_kill import moments

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("FLEET_KILLS", "12"))


def test_accepted_runs_finish_once_whichever_process_is_killed(
    starting: Starting, postgres_url: str, fake: Fake, seed: int
) -> None:
    chance = random.Random(seed)
    fleet = Fleet(starting, postgres_url, chance.choice)
    callers = have_runs_while_killing(fleet, fake, moments(chance, KILLS))
    asked = {caller.tag: len(caller.asked()) for caller in callers}
    print(f"{len(callers)} runs, {fleet.starts} starts, requests of a run: {sorted(Counter(asked.values()).items())}")
    assert fleet.starts == 4 + KILLS
