"""`kill -9` at any moment: what was accepted finishes, and nothing is told, kept or paid twice."""

import itertools
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.e2e.killing import Caller, Killer, Moment
from tests.e2e.processes import PATIENCE, Fake, Server
from tests.e2e.reading import Address
from tests.e2e.story import new_assistant

pytestmark = pytest.mark.slow

KILLS = 50
CALLERS = 4


@pytest.fixture
def seed() -> int:
    """Where chance begins; pytest shows it when the test fails."""
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().randrange(10**6))
    print(f"E2E_SEED={seed}")
    return seed


def moments(chance: random.Random) -> list[Moment]:
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
    chosen = [make() for make, _ in zip(itertools.cycle(kinds), range(KILLS), strict=False)]
    chance.shuffle(chosen)
    return chosen


def test_accepted_runs_finish_once_however_often_the_server_is_killed(server: Server, fake: Fake, seed: int):
    killer = Killer(server)
    assistant_id = new_assistant(Address(server.url(), server.key))
    enough = threading.Event()
    callers: list[Caller] = []

    def have_runs(name: int) -> None:
        for number in itertools.count():
            if enough.is_set():
                return
            caller = Caller(server, fake, killer, assistant_id, f"run-{name}-{number}", delay=0.002 + name / 1000)
            callers.append(caller)
            try:
                caller.have_run()
            except BaseException:
                enough.set()
                killer.fired.set()
                raise

    with ThreadPoolExecutor(CALLERS) as pool:
        having = [pool.submit(have_runs, name) for name in range(CALLERS)]
        for moment in moments(random.Random(seed)):
            killer.wait_for(moment)
            assert killer.fired.wait(PATIENCE), moment
            if enough.is_set():
                break
            server.ended()
            server.start()
        enough.set()
    for future in having:
        future.result()

    asked = {caller.tag: len(caller.asked()) for caller in callers}
    print(f"{len(callers)} runs, {server.starts} starts, requests of a run: {sorted(Counter(asked.values()).items())}")
    assert server.starts == KILLS + 1
    assert server.logged() == ""
