"""The disk is full, or may not be written to: the server says so, keeps what it has, and goes on when it can."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.conftest import Starting
from tests.e2e.disks import Disk, Forbidding, tiny
from tests.e2e.processes import CannotStart, Fake, Nursery, Server
from tests.e2e.reading import DONE, Address, Refusal, Stream, event
from tests.e2e.story import Story, messages, new_assistant, new_run, new_thread, outputs

NOBODY = 65534
TRIES = 5000


@pytest.fixture(params=["tiny", "forbidding"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Generator[Disk]:
    """A disk that can be full."""
    if request.param == "forbidding":
        yield Forbidding(tmp_path / "data")
        return
    with tiny(tmp_path / "disk") as disk:
        yield disk


def sound(server: Server) -> None:
    """Nothing in the file is broken."""
    with closing(sqlite3.connect(server.database)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def threads(address: Address) -> set[str]:
    """All threads."""
    return {thread["id"] for thread in address.ask("GET", "/v1/threads?limit=100")["data"]}


def refused(address: Address, path: str, body: object) -> None:
    """The server says that it cannot write."""
    with pytest.raises(Refusal) as caught:
        address.ask("POST", path, body)
    assert says_so(caught.value)


def says_so(refusal: Refusal) -> bool:
    """Whether it is the refusal of a store that cannot write."""
    return (refusal.status, refusal.code) == (503, "store_unavailable")


def until_refused(address: Address, made: set[str]) -> None:
    """Write until the last byte of the disk is taken."""
    for _ in range(TRIES):
        try:
            made.add(address.ask("POST", "/v1/threads", {"meta_data": {"padding": "x" * 500}})["id"])
        except Refusal as refusal:
            if says_so(refusal):
                return
            raise
    raise AssertionError("the disk is never full")


@pytest.mark.slow
def test_a_full_disk_refuses_what_is_new_and_loses_nothing(starting: Starting, disk: Disk, fake: Fake):
    server = starting(disk.data)
    address = Address(server.url(), server.key)
    assistant_id = new_assistant(address)
    parked = new_run(address, assistant_id, "parked [call=weather]")
    with Stream(address, f"/v1/runs/{parked['id']}/events") as stream:
        reading = stream.frames()
        while event(next(reading)).data.get("status") != "action_required":
            pass
    call_id = address.ask("GET", f"/v1/runs/{parked['id']}")["actions"][0]["tool_call_id"]
    thread_id = new_thread(address, "not yet")
    talking = new_run(address, assistant_id, "talking [tokens=200][delay=0.01]")
    story = Story(talking["id"])
    every: list[bytes] = []
    made: set[str] = set()
    with Stream(address, f"/v1/runs/{talking['id']}/events") as stream:
        for frame in stream.frames():
            every.append(frame)
            if frame != DONE:
                story.see(event(frame))
            if story.kinds.count("content") == 5 and story.kinds[-1] == "content" and not made:
                made = threads(address)
                disk.fill(server)
                until_refused(address, made)
                refused(address, "/v1/runs", {"assistant_id": assistant_id, "thread_id": thread_id})
                submitting = f"/v1/runs/{parked['id']}/submit_tool_outputs"
                refused(address, submitting, outputs([call_id], "fine"))
                refused(address, f"/v1/runs/{parked['id']}/cancel", None)
                assert address.ask("GET", "/health")["status"] == "ok"
                assert address.ask("GET", f"/v1/runs/{parked['id']}")["status"] == "action_required"
                assert address.ask("GET", f"/v1/threads/{thread_id}/runs")["data"] == []
                assert len(messages(address, parked["thread_id"])) == 1
                while not (frame := stream.frame()).startswith(b":"):
                    # Written into the last byte that was left.
                    every.append(frame)
                    story.see(event(frame))
                    disk.fill(server)
                disk.free(server)
                address.ask("POST", submitting, outputs([call_id], "fine"))
    assert story.statuses == ["queued", "in_progress", "completed"]
    assert story.discarded, "the turn that could not be written down was taken back"
    assert list(story.texts.values()) == ["w0" + "".join(f" w{number}" for number in range(1, 200))]
    assert [message["content"] for message in messages(address, talking["thread_id"])][1:] == [*story.texts.values()]
    with Stream(address, f"/v1/runs/{parked['id']}/events") as stream:
        assert Story.of(parked["id"], list(stream.frames())[:-1]).statuses[-1] == "completed"
    assert [request.turn for request in fake.asked("parked ")] == [0, 1]
    assert threads(address) == made
    server.kill()
    server.ended()
    sound(server)
    server.start()
    address = Address(server.url(), server.key)
    assert threads(address) == made
    with Stream(address, f"/v1/runs/{talking['id']}/events") as stream:
        assert list(stream.frames()) == every
    assert "Traceback" not in server.logged()


def test_a_full_disk_does_not_keep_readers_out(starting: Starting, tmp_path: Path):
    server = starting()
    address = Address(server.url(), server.key)
    thread_id = new_thread(address, "hi")
    server.kill()
    server.ended()
    with closing(sqlite3.connect(server.database)) as database, database:
        database.execute("UPDATE api_keys SET last_used_at = 1")
    server.start()
    server.limit_files(0)
    address = Address(server.url(), server.key)
    assert address.ask("GET", f"/v1/threads/{thread_id}")["id"] == thread_id
    refused(address, "/v1/threads", {})


def test_a_server_that_starts_on_a_full_disk_says_so_and_starts_when_there_is_space(starting: Starting, tmp_path: Path):
    with tiny(tmp_path / "disk") as disk:
        server = starting(disk.data)
        thread_id = new_thread(Address(server.url(), server.key), "hi")
        server.kill()
        server.ended()
        files = {path.name for path in disk.data.iterdir()}
        disk.fill()
        with pytest.raises(CannotStart, match=r"No space left|cannot write"):
            server.start()
        assert {path.name for path in disk.data.iterdir()} <= files
        disk.free()
        server.start()
        assert Address(server.url(), server.key).ask("GET", f"/v1/threads/{thread_id}")["id"] == thread_id
        server.close()


def test_a_folder_that_is_read_only_is_refused(starting: Starting, tmp_path: Path):
    with tiny(tmp_path / "disk") as disk:
        server = starting(disk.data)
        server.kill()
        server.ended()
        disk.remount("ro")
        with pytest.raises(CannotStart, match=r"Unavailable: cannot write to .*data: Read-only file system"):
            server.start()
        disk.remount("rw")
        server.start()
        server.close()


@pytest.fixture
def owned() -> Generator[Path]:
    """A folder of somebody who is not allowed everything."""
    folder = Path(tempfile.mkdtemp())
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
    yield folder
    shutil.rmtree(folder)


def test_a_database_that_is_read_only_is_refused(nursery: Nursery, fake: Fake, owned: Path):
    server = Server(nursery, owned / "data", {"OPENAI_BASE_URL": fake.url})
    server.user = NOBODY if os.getuid() == 0 else os.getuid()
    try:
        server.start()
        thread_id = new_thread(Address(server.url(), server.key), "hi")
        server.kill()
        server.ended()
        server.database.chmod(0o400)
        before = server.database.read_bytes()
        with pytest.raises(CannotStart, match=r"Unavailable: cannot .*(readonly|Permission denied)"):
            server.start()
        assert server.database.read_bytes() == before
        server.database.chmod(0o600)
        server.start()
        assert Address(server.url(), server.key).ask("GET", f"/v1/threads/{thread_id}")["id"] == thread_id
    finally:
        server.close()


def test_a_folder_that_a_server_holds_is_refused(starting: Starting, server: Server):
    with pytest.raises(CannotStart, match="is in use by another server"):
        starting(server.data)
    assert Address(server.url(), server.key).ask("GET", "/health")["status"] == "ok"
