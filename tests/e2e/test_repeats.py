"""Requests that are repeated under their key while the server is killed again and again: each happens once."""

import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx2
import pytest

from tests.e2e.processes import PATIENCE, Server

pytestmark = pytest.mark.slow

KILLS = 12
CALLERS = 4
TRIES = 200


@pytest.fixture
def seed() -> int:
    """Where chance begins; pytest shows it when the test fails."""
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().randrange(10**6))
    print(f"E2E_SEED={seed}")
    return seed


def insist(client: httpx2.Client, server: Server, name: str) -> httpx2.Response:
    """Make an assistant of this name, asking until somebody answers, with the name as the key."""
    body, headers = {"model": "m", "name": name}, {"x-api-key": server.key, "idempotency-key": name}
    for _ in range(TRIES):
        try:
            return client.post(f"{server.url()}/v1/assistants", json=body, headers=headers)
        except httpx2.RequestError:
            continue
    raise AssertionError(f"nobody answers {name}")


def test_a_request_that_is_repeated_under_its_key_happens_once_however_often_the_server_is_killed(
    server: Server, seed: int
):
    chance = random.Random(seed)
    enough, answered = threading.Event(), threading.Semaphore(0)
    made: dict[str, str] = {}

    def make(caller: int) -> None:
        with httpx2.Client() as client:
            for number in count():
                if enough.is_set():
                    return
                name = f"{caller}-{number}"
                first = insist(client, server, name)
                answered.release()
                again = insist(client, server, name)
                assert first.status_code == again.status_code == 200, (first.text, again.text)
                assert first.content == again.content
                made[name] = first.json()["id"]

    with ThreadPoolExecutor(CALLERS) as pool:
        making = [pool.submit(make, caller) for caller in range(CALLERS)]
        for _ in range(KILLS):
            for _ in range(chance.randint(1, 40)):  # then others are in the middle of their requests
                assert answered.acquire(timeout=PATIENCE)
            server.kill()
            server.ended()
            server.start()
        enough.set()
    for future in making:
        future.result()

    listed = httpx2.get(f"{server.url()}/v1/assistants", headers={"x-api-key": server.key}).json()
    assert Counter(assistant["name"] for assistant in listed) == Counter(made.keys())
    assert {assistant["name"]: assistant["id"] for assistant in listed} == made
    assert server.logged() == ""
