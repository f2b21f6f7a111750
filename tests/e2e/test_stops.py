"""A server that is asked to stop, or killed while it starts."""

import random
from pathlib import Path

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.processes import Fake, Server
from tests.e2e.reading import DONE, Address, Cut, Stream, event
from tests.e2e.story import Story, new_assistant, new_run, new_thread

WORDS = "".join(f" w{number}" for number in range(60)).strip()


@pytest.mark.slow
def test_a_run_goes_on_after_a_stop_in_the_middle_of_its_stream(server: Server, fake: Fake):
    address = Address(server.url(), server.key)
    run = new_run(address, new_assistant(address), "stopped [tokens=60][delay=0.025]")
    path = f"/v1/runs/{run['id']}/events"
    seen: list[bytes] = []
    with Stream(address, path) as stream:
        reading = stream.frames()
        seen += [next(reading) for _ in range(10)]
        server.terminate()
        with pytest.raises(Cut):
            seen.extend(reading)
    assert DONE not in seen
    assert server.ended() == -15
    server.start()
    address = Address(server.url(), server.key)
    with Stream(address, path, last=event(seen[-1]).position) as stream:
        seen += stream.frames()
    story = Story.of(run["id"], seen[:-1])
    assert story.statuses == ["queued", "in_progress", "completed"]
    assert list(story.texts.values()) == [WORDS]
    with Stream(address, path) as stream:
        assert list(stream.frames()) == seen
    assert server.logged() == "Cancel 1 running task(s), timeout graceful shutdown exceeded\n"


@pytest.mark.slow
def test_a_stopping_server_lets_its_runs_finish_if_there_is_time(starting: Starting, fake: Fake):
    server = starting(drain_seconds=20)
    address = Address(server.url(), server.key)
    run = new_run(address, new_assistant(address), "drained [tokens=60][delay=0.01]")
    seen: list[bytes] = []
    with Stream(address, f"/v1/runs/{run['id']}/events") as stream:
        for frame in stream.frames():
            seen.append(frame)
            if len(seen) == 10:
                server.terminate()
    assert list(Story.of(run["id"], seen[:-1]).texts.values()) == [WORDS]
    assert server.ended() == -15
    assert [request.turn for request in fake.asked("drained ")] == [0]
    assert server.logged() == ""


@pytest.mark.slow
def test_a_server_that_is_killed_while_it_starts_starts_again(starting: Starting, tmp_path: Path):
    chance = random.Random(3)
    for number in range(10):
        server = starting(tmp_path / f"data-{number}", wait=True)
        for _ in range(3):
            server.start_and_kill(chance.uniform(0.005, 0.05))
        server.start()
        address = Address(server.url(), server.key)
        assert address.ask("GET", f"/v1/threads/{new_thread(address, 'hi')}")["object"] == "thread"
        server.close()
