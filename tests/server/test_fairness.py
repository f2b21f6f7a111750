"""One greedy user in each queue, whose work never ends by itself: the work of other users is done all the same."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.fakes.embeddings import embedded
from tests.fakes.sites import Answer, Asked, site
from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok
from tests.timeouts import wait_until

PLACES = 8
ENDLESS = "never embedded"


@contextmanager
def users(server: EmbeddedPlatform, count: int) -> Iterator[list[Caller]]:
    """So many new users of a server."""
    with Caller(server.base_url, "", server.admin_api_key) as admin:
        made: list[Caller] = []
        for _ in range(count):
            user_id = ok(admin.post("/v1/users", json={}))["id"]
            key = ok(admin.post(f"/v1/users/{user_id}/apikeys"))["plain_key"]
            made.append(Caller(server.base_url, user_id, key))
        yield made
        for user in made:
            user.close()


def health(user: Caller) -> Json:
    return ok(user.get("/health"))


def silent_runs(user: Caller, count: int) -> list[Json]:
    """Runs whose model never ends."""
    return [user.run("scripted/silent") for _ in range(count)]


def test_a_run_starts_although_the_model_of_another_users_runs_is_silent(tmp_path: Path) -> None:
    with serving(tmp_path, max_runs=PLACES) as server, users(server, 2) as (greedy, other):
        silent_runs(greedy, 2 * PLACES)
        wait_until(lambda: health(other)["runs"]["at_work"] >= PLACES // 2)
        assert other.until(other.run(), "completed")["status"] == "completed"
        assert health(other)["runs"]["at_work"] == PLACES // 2


def test_several_greedy_users_leave_a_place_for_a_newcomer(tmp_path: Path) -> None:
    with serving(tmp_path, max_runs=PLACES) as server, users(server, 4) as (first, second, third, newcomer):
        for at_work, user in ((4, first), (6, second), (7, third)):
            silent_runs(user, PLACES)
            wait_until(lambda at_work=at_work: health(newcomer)["runs"]["at_work"] == at_work)
        newcomer.until(newcomer.run(), "completed")


@contextmanager
def embedding_server(folder: Path) -> Iterator[None]:
    """A server that embeds, named by the settings of a folder; it does not answer for texts with ENDLESS."""
    over = threading.Event()

    def answer(asked: Asked) -> Answer:
        texts = json.loads(asked.body)["input"]
        if any(ENDLESS in text for text in texts):
            over.wait()
        data = [
            {"object": "embedding", "index": index, "embedding": embedded(text, 8)} for index, text in enumerate(texts)
        ]
        said = {"object": "list", "data": data, "model": "m", "usage": {"total_tokens": 1}}
        return Answer(json.dumps(said).encode(), headers={"content-type": "application/json"})

    with site() as server:
        server.pages["/v1/embeddings"] = answer
        (folder / "config.toml").write_text(f'[providers.acme]\nbase_url = "{server.url}/v1"\napi_key = "sk"\n')
        try:
            yield
        finally:
            over.set()


def test_a_file_is_indexed_although_another_users_files_are_never_embedded(tmp_path: Path) -> None:
    with (
        embedding_server(tmp_path),
        serving(tmp_path, embedding_model="acme/m") as server,
        users(server, 2) as (greedy, other),
    ):
        files = [greedy.upload(f"{ENDLESS} {number}".encode(), f"{number}.txt") for number in range(30)]
        store = greedy.store(*files)
        wait_until(lambda: health(other)["knowledge"]["reading"] >= 2)
        mine = other.read(other.store(other.upload(b"Penguins eat fish.")))
        assert mine["file_counts"]["completed"] == 1
        assert ok(greedy.get(f"/v1/vector-stores/{store['id']}"))["file_counts"]["in_progress"] == len(files)
