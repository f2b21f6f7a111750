"""Backups at random moments of a busy server: each restored copy is whole, and every run of it ends correctly."""

import itertools
import json
import os
import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from tests.cli.processes import finished
from tests.e2e.conftest import Starting
from tests.e2e.processes import PATIENCE, Server
from tests.e2e.reading import DONE, Address, Stream, event
from tests.e2e.story import TERMINAL, Story, messages, new_assistant, new_run, outputs

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CHAOS_ROUNDS") or 2)
"""`make chaos` asks for 20."""
WORDS = ("[tokens=60][delay=0.02]", "[tokens=20][delay=0.05][call=weather]", "[tokens=5]", "[call=weather][turns=2]")


@pytest.fixture
def seed() -> int:
    """Where chance begins; pytest shows it when the test fails."""
    seed = int(os.environ.get("E2E_SEED") or random.SystemRandom().randrange(10**6))
    print(f"E2E_SEED={seed}")
    return seed


def follow(address: Address, run_id: str) -> Story:
    """Read a run to its end, and answer its calls."""
    story = Story(run_id)
    with Stream(address, f"/v1/runs/{run_id}/events") as stream:
        for frame in stream.frames():
            if frame == DONE:
                break
            story.see(event(frame))
            if story.statuses and story.statuses[-1] == "action_required" and story.kinds[-1] == "status":
                # What is read can be long over: only calls that the run waits for now can be answered.
                pending = address.ask("GET", f"/v1/actions/pending/{run_id}")
                if waiting := [one["tool_call_id"] for one in pending if one["tool_call_id"] in story.calls]:
                    address.ask("POST", f"/v1/runs/{run_id}/submit_tool_outputs", outputs(waiting, "fine"))
    return story


class Load:
    """What callers do to a server: runs, uploads, ingest and deletions, until they are stopped."""

    def __init__(self, server: Server, chance: random.Random) -> None:
        self._server = server
        self._chance = chance
        self.stopped = threading.Event()
        self.address = Address(server.url(), server.key)
        self._assistant = new_assistant(self.address)
        self._store = self.address.ask("POST", "/v1/vector-stores", {"name": "busy"})["id"]
        self.begun = threading.Semaphore(0)

    def have_runs(self) -> None:
        for number in itertools.count():
            if self.stopped.is_set():
                return
            run = new_run(self.address, self._assistant, f"busy {number} {WORDS[number % len(WORDS)]}")
            self.begun.release()
            assert follow(self.address, run["id"]).statuses[-1] == "completed"

    def have_files(self) -> None:
        kept: list[str] = []
        with Entity(self._server.url(), self._server.key) as client:
            for number in itertools.count():
                if self.stopped.is_set():
                    return
                text = "\n".join(f"line {line} of file {number}" for line in range(self._chance.randint(1, 400)))
                file = client.files.upload(text.encode(), filename=f"{number}.txt")
                client.vectors.add_file(self._store, file)
                kept.append(file.id)
                self.begun.release()
                if len(kept) > 5:
                    client.files.delete(kept.pop(self._chance.randrange(len(kept))))


@contextmanager
def busy(server: Server, chance: random.Random) -> Iterator[Load]:
    """A server under load."""
    load = Load(server, chance)
    with ThreadPoolExecutor(4) as pool:
        callers = [pool.submit(load.have_runs), pool.submit(load.have_runs), pool.submit(load.have_files)]
        try:
            yield load
        finally:
            load.stopped.set()
    for caller in callers:
        caller.result()


def run_command(home: Path, *arguments: str) -> Any:
    done = finished(*arguments, "--json", home=home)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return json.loads(done.stdout)


def all_runs(address: Address) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    while True:
        after = f"&after={runs[-1]['id']}" if runs else ""
        page = address.ask("GET", f"/v1/runs?limit=100&order=asc{after}")
        runs += page["data"]
        if not page["has_more"]:
            return runs


def see_copy(address: Address) -> int:
    """See that everything in a released copy ends as it should; returns how many runs had been open."""
    runs = all_runs(address)
    for run in runs:
        story = follow(address, run["id"])
        assert story.statuses[-1] == "completed", (run, story.statuses, story.errors)
        said = [message for message in messages(address, run["thread_id"]) if message["role"] == "assistant"]
        texts = [text for text in story.texts.values() if text]
        assert [message["content"] for message in said if message["content"]] == texts
    for store in address.ask("GET", "/v1/vector-stores"):
        while (counts := address.ask("GET", f"/v1/vector-stores/{store['id']}")["file_counts"])["in_progress"]:
            pass
        assert counts["completed"] == counts["total"], counts
    return sum(run["status"] not in TERMINAL for run in runs)


def test_a_backup_at_any_moment_of_a_busy_server_is_restored_whole_and_every_run_of_it_ends_correctly(
    starting: Starting, tmp_path: Path, seed: int
) -> None:
    chance, server, home = random.Random(seed), starting(), tmp_path / "home"
    home.mkdir()
    open_runs = 0
    with busy(server, chance) as load:
        for number in range(ROUNDS):
            for _ in range(chance.randint(1, 12)):
                assert load.begun.acquire(timeout=PATIENCE), "the load has ended"
            threading.Event().wait(chance.uniform(0, 0.5))  # a moment between two of the callers' own
            backup, data = home / f"b{number}", home / f"copy{number}"
            made = run_command(home, "backup", str(backup), "--data", str(server.data))
            run_command(home, "verify-backup", str(backup))
            run_command(home, "restore", str(backup), "--data", str(data))
            run_command(home, "doctor", "--deep", "--data", str(data))
            run_command(home, "release", "--data", str(data), "--runs", "resume", "--webhooks", "send")
            copy = starting(data)
            see_copy(Address(copy.url(), copy.key))
            copy.terminate()
            copy.ended()
            run_command(home, "doctor", "--deep", "--data", str(data))
            open_runs += made["open_runs"]
        run_command(home, "doctor", "--deep", "--data", str(server.data))
    assert open_runs, "no run was open at any of the moments"
    print(f"{ROUNDS} backups, {open_runs} runs open in them")
