"""`kill -9` at any moment: what was accepted finishes, and nothing is told, kept or paid twice."""

import itertools
import os
import random
from collections import Counter

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.killing import Moment, have_runs_while_killing
from tests.e2e.processes import Fake

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "24"))


def moments(chance: random.Random, kills: int = KILLS) -> list[Moment]:
    """Moments of all kinds, in any order."""
    kinds = [
        lambda: Moment("posting", delay=chance.uniform(0, 0.005)),
        lambda: Moment("accepted", delay=chance.uniform(0, 0.05)),
        lambda: Moment("accepted", delay=chance.uniform(0, 0.005)),
        lambda: Moment("reasoning", chance.randint(1, 12)),
        lambda: Moment("call_arguments", chance.randint(1, 30)),
        lambda: Moment("tool_call_manifest"),
        lambda: Moment("submitting", delay=chance.uniform(0, 0.005)),
        lambda: Moment("submitted", delay=chance.uniform(0, 0.01)),
        lambda: Moment("message_created", delay=chance.uniform(0, 0.01)),
        lambda: Moment("message_completed"),
        *[lambda: Moment("content", chance.randint(1, 120))] * 3,
        *[lambda: Moment("anything", chance.randint(1, 250))] * 3,
    ]
    chosen = [make() for make, _ in zip(itertools.cycle(kinds), range(kills), strict=False)]
    chance.shuffle(chosen)
    return chosen


def test_accepted_runs_finish_once_however_often_the_server_is_killed(starting: Starting, fake: Fake, seed: int):
    server = starting(lease_seconds=5)  # runs that lost two processes without progress wait for so long
    callers = have_runs_while_killing(server, fake, moments(random.Random(seed)))

    asked = {caller.tag: len(caller.asked()) for caller in callers}
    print(f"{len(callers)} runs, {server.starts} starts, requests of a run: {sorted(Counter(asked.values()).items())}")
    assert server.starts == KILLS + 1
    assert server.logged() == ""
