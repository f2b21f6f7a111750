"""A server's data moves from a data folder to PostgreSQL and back, and every object stays as it was."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from projectdavid.cli.app import run
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.composition.move.tables import list_tables
from projectdavid.ports.store import StoreUnavailable
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server
from tests.server.conftest import FOREIGN, serving
from tests.server.routes import CASES, Asked, World, world_of
from tests.server.talking import Caller, Json, ok
from tests.timeouts import PROCESS_TIMEOUT, wait_until

ODD = "before\ufdd0after \ufdd01"
"""A text with the character by which the store in PostgreSQL escapes NUL."""
NUL = f"{ODD}\0\0"
CHANGING = {
    "GET /v1/files/{file_id}/signed-url": "it has a new end",
    "GET /v1/computer/session": "it has a new ticket",
    "GET /v1/webhooks/deliveries": "attempts go on",
    "GET /v1/webhooks/deliveries/{delivery_id}": "attempts go on",
    "GET /v1/users/{user_id}/apikeys": "keys say when they were used last",
    "GET /v1/users/{user_id}/apikeys/{prefix}": "keys say when they were used last",
    "GET /v1/usage": "it says until when it counts",
    "GET /health": "it says for how long the server has run",
}
"""Routes whose answers are different each time, and why."""
ONLY_IN_POSTGRES = {"installation", "commits"}


class Seeded:
    """What was created before the move."""

    def __init__(self, server: EmbeddedPlatform) -> None:
        with Caller(server.base_url, "", server.admin_api_key) as admin:
            self.key = admin.key
            admin.user_id = ok(admin.get("/v1/auth/validate-key"))["user_id"]
            self.world: World = world_of(admin)
            self.user_id = admin.user_id
            self.waiting = [admin.waiting(), admin.waiting()]
            self.finished = admin.until(admin.run("scripted/thinker"), "completed")
            self.failed = admin.until(admin.run("scripted/broken"), "failed")
            odd = admin.thread(ODD)
            gone = admin.say(odd, "gone")
            ok(admin.delete(f"/v1/messages/{gone['id']}"))
            erased = ok(admin.post("/v1/users", json={"full_name": "Erased"}))
            erasure = ok(admin.delete(f"/v1/users/{erased['id']}"))
            self.erasure = f"/v1/admin/erasures/{erasure['erasure_id']}"
            wait_until(lambda: ok(admin.get(self.erasure))["status"] == "completed")
            self.paths = [
                self.erasure,
                f"/v1/threads/{odd['id']}/messages",
                *(f"/v1/runs/{one['id']}{end}" for one in (self.finished, self.failed) for end in ("", "/events")),
                *(f"/v1/runs/{one['id']}" for one in self.waiting),
            ]
            self.odd_message = ok(admin.get(f"/v1/threads/{odd['id']}/messages"))["first_id"]
            self.answers = self.read(server)
            self.found = self.search(admin)

    def caller(self, server: EmbeddedPlatform) -> Caller:
        return Caller(server.base_url, self.user_id, self.key)

    def read(self, server: EmbeddedPlatform) -> dict[str, bytes]:
        """The answer of every GET."""
        answers: dict[str, bytes] = {}
        world = {**self.world, "erasure": self.erasure.rpartition("/")[2]}
        with self.caller(server) as admin:
            for route, number in CASES:
                if route.startswith("GET ") and route not in CHANGING:
                    answer = Asked(route, number, world).send(admin)
                    assert answer.status_code == 200, (route, answer.text)
                    answers[route] = answer.content.replace(server.base_url.encode(), b"")
            for path in self.paths:
                answers[path] = admin.get(path).raise_for_status().content
            for path in ("/v1/webhooks/deliveries", f"/v1/users/{self.user_id}/apikeys"):
                answers[path] = json.dumps(_without_changes(ok(admin.get(path)))).encode()
        return answers

    def search(self, admin: Caller) -> Json:
        """What searches find, by words and by vectors."""
        by_words = ok(admin.post(f"/v1/vector-stores/{self.world['store']}/search", json={"query": "secret"}))
        body = {"query_vector": [1, 0]}
        answer = admin.post(f"/v1/vector-stores/{self.world['brought']}/search", json=body)
        return [[(one["file_id"], one["content"]) for one in by_words["data"]], answer.json()]

    def check(self, server: EmbeddedPlatform) -> None:
        """Check that a server has all of it."""
        found = self.read(server)
        assert {path for path, answer in self.answers.items() if found[path] != answer} == set()
        with self.caller(server) as admin:
            assert self.search(admin) == self.found

    def answer_waiting(self, server: EmbeddedPlatform) -> None:
        """Answer the call of a run that waits; it ends."""
        waiting = self.waiting.pop()
        with self.caller(server) as admin:
            outputs = [{"tool_call_id": waiting["actions"][0]["tool_call_id"], "output": "rain"}]
            ok(admin.post(f"/v1/runs/{waiting['id']}/submit_tool_outputs", json={"tool_outputs": outputs}))
            admin.until(waiting, "completed")
            self.paths.remove(f"/v1/runs/{waiting['id']}")
        self.answers = self.read(server)


def _without_changes(value: Json) -> Json:
    changing = {"last_used_at", "attempts", "next_attempt_at", "status", "attempt_count", "log", "ended_at"}
    if isinstance(value, dict):
        return {name: _without_changes(item) for name, item in value.items() if name not in changing}
    return [_without_changes(item) for item in value] if isinstance(value, list) else value


Move = Callable[..., tuple[int, str]]


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Move:
    """Run `projectdavid`; returns the exit code and the output."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)

    def command(*arguments: object) -> tuple[int, str]:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out + err

    return command


@contextmanager
def at_home(folder: Path, **settings: object) -> Iterator[EmbeddedPlatform]:
    """A server on the data folder, whatever the store of the tests is."""
    with serving(folder, **{"database_url": None, **settings}) as server:
        yield server


@pytest.fixture(scope="module")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Seeded]:
    folder = tmp_path_factory.mktemp("seeded") / "data"
    with at_home(folder) as server:
        return folder, Seeded(server)


@pytest.fixture
def folder(seeded_folder: tuple[Path, Seeded], tmp_path: Path) -> Path:
    """A copy of a data folder with everything in it."""
    subprocess.run(["cp", "-r", seeded_folder[0], tmp_path / "data"], check=True)
    return tmp_path / "data"


def write_nul(folder: Path, seeded: Seeded) -> None:
    """Let a text of the database contain NUL: the API refuses it, but tools return it."""
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database, database:
        database.execute("UPDATE messages SET reasoning = ? WHERE id = ?", (NUL, seeded.odd_message))


def read_nul(folder: Path, seeded: Seeded) -> str:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        return database.execute("SELECT reasoning FROM messages WHERE id = ?", (seeded.odd_message,)).fetchone()[0]


def test_everything_moves_there_and_back(move: Move, tmp_path: Path, postgres_url: str) -> None:
    folder, back = tmp_path / "data", tmp_path / "back"
    with at_home(folder) as server:
        seeded = Seeded(server)
    write_nul(folder, seeded)
    code, text = move("move", "--to", postgres_url, "--data", folder)
    assert code == 0, text
    assert "moved and verified" in text
    assert "PROJECTDAVID_SECRET_KEY" in text
    with serving(folder, database_url=postgres_url) as server:
        seeded.check(server)
        seeded.answer_waiting(server)
    options = ["--data", back, "--secret", folder / "secret.key", "--blobs", folder]
    code, text = move("move", "--from", postgres_url, *options)
    assert code == 0, text
    with at_home(back) as server:
        seeded.check(server)
        seeded.answer_waiting(server)
    assert read_nul(back, seeded) == NUL
    code, text = move("doctor", "--deep", "--data", back, "--json")
    failed = [check for check in json.loads(text[text.index("{") :])["checks"] if check["level"] == "fail"]
    assert not failed
