"""Backups of servers that are running, stopped or killed, and copies restored from them."""

import json
import os
import signal
import sqlite3
import subprocess
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from projectdavid import Entity
from projectdavid.adapters.blobs.directory import hold_blobs
from projectdavid.composition.backup.blob_files import has_size
from tests.cli.processes import COMMAND, finished, surroundings
from tests.e2e.conftest import Starting
from tests.e2e.disks import tiny
from tests.e2e.processes import Fake, Server
from tests.e2e.reading import Address, Refusal, Stream, event
from tests.e2e.story import Story, messages, new_assistant, new_run, new_thread

pytestmark = pytest.mark.slow

SLOWLY = "[tokens=400][delay=0.05]"


def told(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """The error of a command that failed: one line, with the next step."""
    assert done.returncode == 1, done
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: ")
    assert " Next: " in line
    return line


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder for commands, without anything of this machine's configuration."""
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def backup(server: Server, target: Path, home: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return finished("backup", str(target), "--data", str(server.data), "--json", *more, home=home)


def restored(source: Path, target: Path, home: Path, *more: str) -> Any:
    return told(finished("restore", str(source), "--data", str(target), "--json", *more, home=home))


def deep(data: Path, home: Path) -> dict[str, Any]:
    """What the deep look at a folder finds, by name."""
    done = finished("doctor", "--deep", "--data", str(data), "--json", home=home)
    findings = json.loads(done.stdout)
    assert findings["ok"] == (done.returncode == 0)
    return {check["name"]: check for check in findings["checks"]}


def failing(found: dict[str, Any]) -> set[str]:
    return {name for name, check in found.items() if check["level"] == "fail"}


def upload(server: Server, content: bytes, name: str = "a.txt") -> str:
    with Entity(server.url(), server.key) as client:
        return client.files.upload(content, filename=name).id


def new_store(server: Server, *file_ids: str) -> str:
    """A vector store whose files have been read."""
    address = Address(server.url(), server.key)
    store_id: str = address.ask("POST", "/v1/vector-stores", {"name": "s"})["id"]
    for file_id in file_ids:
        address.ask("POST", f"/v1/vector-stores/{store_id}/files", {"file_id": file_id})
    until_read(address, store_id)
    return store_id


def until_read(address: Address, store_id: str) -> dict[str, Any]:
    while True:
        store = address.ask("GET", f"/v1/vector-stores/{store_id}")
        if not store["file_counts"]["in_progress"]:
            return store


def begin_run(server: Server, words: str) -> dict[str, Any]:
    """A run whose model has begun to answer."""
    address = Address(server.url(), server.key)
    run = new_run(address, new_assistant(address), words)
    with Stream(address, f"/v1/runs/{run['id']}/events") as stream:
        for frame in stream.frames():
            if event(frame).kind == "content":
                return run
    raise AssertionError("it ended without a word")


def story_of(address: Address, run_id: str) -> Story:
    with Stream(address, f"/v1/runs/{run_id}/events") as stream:
        return Story.of(run_id, list(stream.frames())[:-1])


def test_a_running_server_is_backed_up_and_the_copy_is_whole(server: Server, starting: Starting, home: Path) -> None:
    address = Address(server.url(), server.key)
    file_id = upload(server, b"The tide comes at noon.")
    store_id = new_store(server, file_id)
    run = begin_run(server, f"working {SLOWLY}")
    made = told(backup(server, home / "b", home))
    assert (made["ok"], made["open_runs"], made["left_out"]) == (True, 1, [])
    assert made["files"] == {"linked": 1, "copied": 0, "kept": 0, "missing": 0}
    verified = finished("verify-backup", str(home / "b"), "--json", home=home)
    assert told(verified)["ok"]
    assert address.ask("GET", f"/v1/runs/{run['id']}")["status"] == "in_progress"

    assert restored(home / "b", home / "copy", home)["open_runs"] == 1
    assert failing(deep(home / "copy", home)) == set()
    copy = starting(home / "copy")
    there = Address(copy.url(), copy.key)
    with Entity(copy.url(), copy.key) as client:
        assert client.files.content(file_id) == b"The tide comes at noon."
    assert there.ask("GET", f"/v1/vector-stores/{store_id}")["file_counts"]["completed"] == 1
    assert there.ask("GET", f"/v1/runs/{run['id']}")["status"] == "in_progress"


def test_a_second_server_on_a_copy_asks_no_model_and_sends_no_webhook_until_it_is_released(
    starting: Starting, fake: Fake, home: Path
) -> None:
    hooks = "http://127.0.0.1:9/hook"
    environ = {
        "OPENAI_BASE_URL": fake.url,
        "PROJECTDAVID_OUTBOUND_ALLOW": '["127.0.0.1:9"]',
        "PROJECTDAVID_OUTBOUND_ALLOW_HTTP": "true",
    }
    server = starting(environ=environ)
    address = Address(server.url(), server.key)
    body = {"name": "a", "model": "fake-model", "webhook_url": hooks, "webhook_events": ["run.completed"]}
    hooked = address.ask("POST", "/v1/assistants", body)["id"]
    ended = new_run(address, hooked, "ended")
    story_of(address, ended["id"])
    run = begin_run(server, f"held {SLOWLY}")
    made = told(backup(server, home / "b", home))
    assert (made["open_runs"], made["pending_deliveries"]) == (1, 1)
    asked = len(fake.asked("held "))
    assert restored(home / "b", home / "copy", home)["held"]

    copy = starting(home / "copy", environ)
    there = Address(copy.url(), copy.key)
    health = there.ask("GET", "/health")
    assert health["held_since"] is not None
    assert "`projectdavid release`" in copy.logged()
    for method, path, body in (
        ("POST", "/v1/threads", {}),
        ("POST", f"/v1/runs/{run['id']}/cancel", None),
        ("POST", "/openai/v1/threads", {}),
        ("POST", "/v1/completions", {"model": "fake-model"}),
        ("DELETE", f"/v1/assistants/{hooked}", None),
    ):
        with pytest.raises(Refusal) as caught:
            there.ask(method, path, body)
        assert (caught.value.status, caught.value.code) == (503, "server_held")
    [delivery] = there.ask("GET", "/v1/webhooks/deliveries")["data"]
    assert there.ask("GET", f"/v1/runs/{run['id']}")["status"] == "in_progress"
    assert len(messages(there, run["thread_id"])) == 1
    busy = refused(finished("release", "--data", str(copy.data), "--runs", "fail", "--webhooks", "drop", home=home))
    assert "stop the server" in busy
    copy.kill()
    copy.ended()
    assert len(fake.asked("held ")) == asked
    with closing(sqlite3.connect(copy.database)) as database:
        assert database.execute("SELECT attempts FROM deliveries").fetchall() == [(delivery["attempts"],)]
    choose = refused(finished("release", "--data", str(copy.data), home=home))
    assert "1 runs are open" in choose
    assert "1 webhooks are pending" in choose
    choices = ("--runs", "resume", "--webhooks", "send")
    done = told(finished("release", "--data", str(copy.data), *choices, "--json", home=home))
    assert done == {"data": str(copy.data), "released": True, "open_runs": 1, "pending_deliveries": 1}
    server.kill()
    copy.start()
    there = Address(copy.url(), copy.key)
    assert there.ask("GET", "/health")["held_since"] is None
    assert story_of(there, run["id"]).statuses[-1] == "completed"
    assert len(fake.asked("held ")) == asked + 1
    again = finished("release", "--data", str(home / "copy"), "--json", home=home)
    assert again.returncode == 1, "a server uses it"


def test_released_with_fail_and_drop_every_open_run_fails_with_a_reason_and_nothing_is_sent(
    server: Server, starting: Starting, fake: Fake, home: Path
) -> None:
    address = Address(server.url(), server.key)
    working = begin_run(server, f"failing {SLOWLY}")
    assistant_id = new_assistant(address)
    waiting = new_run(address, assistant_id, "asking [call=weather]")
    with Stream(address, f"/v1/runs/{waiting['id']}/events") as stream:
        while event(stream.frame()).data.get("status") != "action_required":
            pass
    parked = {"assistant_id": assistant_id, "thread_id": working["thread_id"], "on_busy": "queue"}
    queued = address.ask("POST", "/v1/runs", parked)
    told(backup(server, home / "b", home))
    restored(home / "b", home / "copy", home)
    asked = len(fake.asked("failing "))
    done = told(finished("release", "--data", str(home / "copy"), "--runs", "fail", "--json", home=home))
    assert done["open_runs"] == 3
    copy = starting(home / "copy")
    there = Address(copy.url(), copy.key)
    for run in (working, waiting, queued):
        assert there.ask("GET", f"/v1/runs/{run['id']}")["error"]["code"] == "server_restored"
        story = story_of(there, run["id"])
        assert (story.statuses[-1], story.errors) == ("failed", ["server_restored"])
    assert new_thread(there, "and it works again")
    assert len(fake.asked("failing ")) == asked


def test_a_stopped_and_a_killed_server_are_backed_up_too(server: Server, home: Path) -> None:
    file_id = upload(server, b"bytes")
    server.kill()
    server.ended()
    assert told(backup(server, home / "killed", home))["ok"]
    server.start()
    server.terminate()
    server.ended()
    assert told(backup(server, home / "stopped", home))["ok"]
    for name in ("killed", "stopped"):
        with closing(sqlite3.connect(home / name / "projectdavid.db")) as database:
            assert database.execute("SELECT id FROM files").fetchall() == [(file_id,)]


def test_what_is_deleted_while_a_backup_is_made_is_in_the_backup_and_is_deleted_afterwards(
    server: Server, home: Path
) -> None:
    file_id = upload(server, b"doomed")
    [blob] = [path for path in (server.data / "blobs").rglob("*") if path.is_file()]
    with hold_blobs(server.data / "blobs"):
        Address(server.url(), server.key).ask("DELETE", f"/v1/files/{file_id}")
        Address(server.url(), server.key).ask("DELETE", f"/v1/files/{upload(server, b'another')}")
        assert blob.read_bytes() == b"doomed"
        assert "another backup" in refused(backup(server, home / "b", home))
    while any(path.is_file() for path in (server.data / "blobs").rglob("*")):
        threading.Event().wait(0.05)


def test_unchanged_files_are_linked_from_the_previous_backup_where_the_server_s_cannot_be(
    server: Server, home: Path, tmp_path: Path
) -> None:
    upload(server, b"first")
    with tiny(tmp_path / "disk") as disk:
        one, two = disk.mounted / "one", disk.mounted / "two"
        assert told(backup(server, one, home))["files"]["copied"] == 1
        upload(server, b"second")
        made = told(backup(server, two, home, "--from", str(one)))
        assert made["files"] == {"linked": 1, "copied": 1, "kept": 0, "missing": 0}
        assert told(finished("verify-backup", str(two), "--json", home=home))["ok"]


def test_a_full_disk_ends_a_backup_with_the_reason_and_it_goes_on_when_there_is_room(
    server: Server, home: Path, tmp_path: Path
) -> None:
    for number in range(3):
        upload(server, os.urandom(700_000), f"{number}.bin")
    with tiny(tmp_path / "disk") as disk:
        filler = disk.mounted / "filler"
        filler.write_bytes(bytes(2_000_000))
        told_of = refused(backup(server, disk.mounted / "b", home))
        assert "No space left on device" in told_of
        assert "resumes" in told_of
        assert not (disk.mounted / "b").exists()
        filler.unlink()
        made = told(backup(server, disk.mounted / "b", home))
        assert made["files"]["kept"] > 0
        assert made["files"]["kept"] + made["files"]["copied"] == 3
        assert told(finished("verify-backup", str(disk.mounted / "b"), "--json", home=home))["ok"]


def is_copied(path: Path) -> bool:
    """Whether this is a whole blob; one whose name ends in `.tmp` is copied again by the next attempt."""
    return path.suffix != ".tmp" and has_size(path, 20_000)


def test_a_killed_backup_goes_on_when_it_is_repeated(server: Server, home: Path, tmp_path: Path) -> None:
    for number in range(30):
        upload(server, os.urandom(20_000), f"{number}.bin")
    with tiny(tmp_path / "disk") as disk:
        arguments = [COMMAND, "backup", str(disk.mounted / "b"), "--data", str(server.data)]
        with subprocess.Popen(
            arguments, env=surroundings(home), cwd=home, stderr=subprocess.PIPE, text=True
        ) as process:
            blobs = disk.mounted / "b.partial" / "blobs"
            while not any(is_copied(path) for path in blobs.rglob("*")) and process.poll() is None:
                pass
            process.send_signal(signal.SIGKILL)
        if not (disk.mounted / "b").exists():
            assert told(backup(server, disk.mounted / "b", home))["files"]["kept"] > 0
        assert not (disk.mounted / "b.partial").exists()
        assert told(finished("verify-backup", str(disk.mounted / "b"), "--json", home=home))["ok"]
