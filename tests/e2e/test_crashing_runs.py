"""A run whose work ends the process of the server fails with `worker_crashed`; what others have done completes."""

import json
import random
from collections import deque

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.fleet import Fleet
from tests.e2e.processes import Server
from tests.e2e.reading import DONE, Address, Cut, Stream, event
from tests.e2e.serve_child import CRASHED
from tests.e2e.story import Story, new_assistant, new_run, new_thread

pytestmark = pytest.mark.slow

LOST = 3
"""Processes that such a run ends."""
WORDS = " ".join(f"w{number}" for number in range(60))


def stranger(server: Server) -> str:
    """The key of a new user."""
    credentials = json.loads((server.data / "credentials.json").read_text(encoding="utf-8"))
    admin = Address(server.url(), credentials["admin_api_key"])
    user = admin.ask("POST", "/v1/users", {})
    return admin.ask("POST", f"/v1/users/{user['id']}/apikeys", {})["plain_key"]


def crashing_run(address: Address) -> str:
    """The id of a run whose only call ends the process of the server."""
    tools = [{"type": "web_search"}]
    assistant = address.ask("POST", "/v1/assistants", {"name": "a", "model": "fake-model", "tools": tools})
    thread_id = new_thread(address, "poison [delay=0.1][call=crash:{}]")
    body = {"assistant_id": assistant["id"], "thread_id": thread_id}
    return address.ask("POST", "/v1/runs", body)["id"]


def story_of(address: Address, run_id: str) -> Story:
    """The events of a run that ended."""
    with Stream(address, f"/v1/runs/{run_id}/events") as stream:
        return Story.of(run_id, [frame for frame in stream.frames() if frame != DONE])


def test_a_run_that_crashes_the_server_fails_alone(starting: Starting) -> None:
    server = starting(wait=True, lease_seconds=3)
    server.deadly = True
    server.start()
    mine, theirs = Address(server.url(), server.key), Address(server.url(), stranger(server))
    bystander = new_run(theirs, new_assistant(theirs), "bystander [tokens=60][delay=0.05]")["id"]
    with Stream(theirs, f"/v1/runs/{bystander}/events") as stream:
        frames = stream.frames()
        while event(next(frames)).kind != "content":
            pass
        poison = crashing_run(mine)
        with pytest.raises(Cut):
            deque(frames)  # it is at work when the server crashes
    for _ in range(LOST):
        assert server.ended() == CRASHED
        server.start()
    story = story_of(Address(server.url(), server.key), poison)
    assert (story.statuses[-1], story.errors) == ("failed", ["worker_crashed"])
    assert story.kinds.count("tool_started") == LOST
    run = Address(server.url(), server.key).ask("GET", f"/v1/runs/{poison}")
    assert run["status"] == "failed"
    assert run["last_error"].startswith("worker_crashed")
    story = story_of(Address(server.url(), theirs.key), bystander)
    assert (story.statuses[-1], list(story.texts.values())) == ("completed", [WORDS])


def test_a_run_that_crashes_its_workers_fails_alone_and_ends_three_of_them(
    starting: Starting, postgres_url: str, seed: int
) -> None:
    fleet = Fleet(starting, postgres_url, random.Random(seed), workers=LOST + 1, deadly=True, lease_seconds=3)
    mine, theirs = Address(fleet.url(), fleet.key), Address(fleet.url(), stranger(fleet.apis[0]))
    assistant = new_assistant(theirs)
    bystanders = [new_run(theirs, assistant, "bystander [tokens=60][delay=0.05]")["id"] for _ in range(3)]
    story = story_of(mine, crashing_run(mine))
    assert (story.statuses[-1], story.errors) == ("failed", ["worker_crashed"])
    assert story.kinds.count("tool_started") == LOST
    for run in bystanders:
        story = story_of(theirs, run)
        assert (story.statuses[-1], list(story.texts.values())) == ("completed", [WORDS])
    assert [worker.has_ended for worker in fleet.workers].count(True) == LOST
