"""An import from Azure that is killed again and again has everything once in the end, and reports all of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from projectdavid.composition.embedded import EmbeddedPlatform
from tests.cli.processes import COMMAND, finished, started
from tests.fakes.azure import KEY, FakeAzure, World
from tests.fakes.azure import serving as serving_azure
from tests.fakes.imported import expected, found
from tests.server.conftest import serving
from tests.server.talking import Caller, Json
from tests.timeouts import EVENT_TIMEOUT

HELD = [
    "/files/assistant-large/content",
    "/vector_stores/vs_a+/files",
    "/threads/thread_0*3/messages.*after=",
    "/threads/thread_0*150/messages",
]
"""Where the import is killed: while it waits for an answer to such a request, and does other things besides."""
PROBLEMS = {
    ("assistant-path", "name_changed"),
    ("assistant-text", "text_only"),
    ("assistant-lost", "bytes_missing"),
    (f"vs_{'c' * 20}", "expired"),
    (f"vs_{'b' * 20}/assistant-lost", "file_missing"),
    (f"asst_{1:016}", "tool_replaced"),
    (f"asst_{2:016}", "reference_missing"),
}


@pytest.fixture
def fake() -> FakeAzure:
    """A service that is busy now and then, and breaks connections off."""
    fake = FakeAzure(World())
    fake.busy_every, fake.cut = 9, {7, 60}
    return fake


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPlatform]:
    with serving(tmp_path / "data", sandbox="off") as server:
        yield server


def test_an_import_that_is_killed_again_and_again_has_everything_once(
    fake: FakeAzure, server: EmbeddedPlatform, tmp_path: Path
) -> None:
    environment = {
        "PROJECTDAVID_BASE_URL": server.base_url,
        "PROJECTDAVID_API_KEY": server.api_key,
        "PROJECTDAVID_OUTBOUND_ALLOW": '["127.0.0.1"]',
        "PROJECTDAVID_OUTBOUND_ALLOW_HTTP": "true",
        "AZURE_KEY": KEY,
    }
    report = tmp_path / "report.json"
    with serving_azure(fake) as endpoint, Caller(server.base_url, "", server.api_key) as user:
        command = ("import", "azure", "--endpoint", endpoint, "--key-env", "AZURE_KEY", "--report", str(report))
        for place in HELD:
            fake.hold(place)
            with started(COMMAND, *command, home=tmp_path, environment=environment) as process:
                assert fake.held.wait(EVENT_TIMEOUT), process.communicate(timeout=1)
                process.kill()
            fake.release()
        before = len(fake.asked)
        done = finished(*command, home=tmp_path, environment=environment)
        assert done.returncode == 3, done.stderr
        assert len(fake.asked) - before < 150  # threads that were complete were not read again
        first = found(user)
        assert first == expected(fake.world)
        told = json.loads(report.read_text())
        assert (told["complete"], told["round"]) == (True, 1)
        assert problems(told) == PROBLEMS
        assert counts(told) == {
            "assistant": (3, 0),
            "file": (5, 0),
            "message": (sum(map(len, first["messages"].values())), 0),
            "thread": (200, 0),
            "vector_store": (3, 0),
            "vector_store_file": (2, 1),
        }
        grow(fake.world)
        again = finished(*command, home=tmp_path, environment=environment)
        assert found(user) == expected(fake.world)
        told = json.loads(report.read_text())
        assert problems(told) == PROBLEMS
        added = {kind: one["added"] for kind, one in told["counts"].items() if one["added"]}
        assert added == {"thread": 1, "message": 5}
    assert fake.wrong == []
    assert not any(KEY in text for text in (done.stdout, done.stderr, again.stdout, again.stderr, report.read_text()))


def grow(world: World) -> None:
    """What is said at the source after it was imported."""
    world.say(world.thread(3), 230)
    world.say(world.thread(4), 4)
    world.add_thread(200, 3)


def problems(told: Json) -> set[tuple[str, str]]:
    pairs = [(one["source_id"], one["code"]) for one in told["problems"]]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def counts(told: Json) -> Json:
    return {kind: (one["imported"], one["refused"]) for kind, one in told["counts"].items()}
