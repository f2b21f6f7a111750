"""Crashes of the server are no failed attempts of a file: they neither fail it nor lengthen its pause."""

import json
import threading
from collections.abc import Generator
from queue import Queue

import httpx2
import pytest

from tests.e2e.conftest import Starting
from tests.e2e.processes import PATIENCE
from tests.e2e.reading import Address
from tests.fakes.embeddings import Embeddings
from tests.fakes.sites import Answer, Asked, site
from tests.timeouts import wait_until

pytestmark = pytest.mark.slow

CRASHES = 10
"""More than the eight failed attempts after which a file fails for good."""
TRIES = 5
"""Requests that an attempt makes before it has failed."""


class BusyEmbeddings:
    """Leaves requests without an answer until it is `awake`; then it fails one attempt, and embeds from then on."""

    def __init__(self) -> None:
        self.arrived: Queue[None] = Queue()
        self.awake = threading.Event()
        self.failures = 0
        self._embeddings = Embeddings()

    def answer(self, asked: Asked) -> Answer:
        """What a request gets."""
        headers = {"content-type": "application/json"}
        if not self.awake.is_set():
            self.arrived.put(None)
            self.awake.wait()  # whoever asked is killed by then
            return Answer(b"{}", headers=headers)
        if self.failures < TRIES:
            self.failures += 1
            return Answer(b"{}", 503, {**headers, "retry-after": "0"})
        return Answer(json.dumps(self._embeddings.embedded(json.loads(asked.body))).encode(), headers=headers)


@pytest.fixture
def busy() -> Generator[tuple[BusyEmbeddings, str]]:
    """Such embeddings, and their URL."""
    fake = BusyEmbeddings()
    with site() as server:
        server.pages["/v1/embeddings"] = fake.answer
        yield fake, f"{server.url}/v1"
        fake.awake.set()


def test_crashes_while_a_file_is_read_are_no_failed_attempts(
    starting: Starting, busy: tuple[BusyEmbeddings, str]
) -> None:
    fake, url = busy
    server = starting(environ={"OPENAI_BASE_URL": url}, embedding_model="openai/busy")
    headers = {"x-api-key": server.key}
    uploaded = httpx2.post(
        f"{server.url()}/v1/files", files={"file": ("car.txt", b"The car needs oil.")}, headers=headers
    )
    body = {"name": "Cars", "file_ids": [uploaded.json()["id"]]}
    store = Address(server.url(), server.key).ask("POST", "/v1/vector-stores", body)
    for _ in range(CRASHES):
        fake.arrived.get(timeout=PATIENCE)
        server.kill()
        server.ended()
        server.start()
    fake.arrived.get(timeout=PATIENCE)
    server.kill()
    server.ended()
    fake.awake.set()
    server.start()
    here, path = Address(server.url(), server.key), f"/v1/vector-stores/{store['id']}"
    wait_until(lambda: not here.ask("GET", path)["file_counts"]["in_progress"])
    assert here.ask("GET", path)["file_counts"]["completed"] == 1
    assert fake.failures == TRIES
    assert server.logged().count("cannot be embedded") == 1
