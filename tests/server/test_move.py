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
from tests.timeouts import wait_until

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
    "GET /v1/settings": "it names the database and the folders",
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


@pytest.fixture
def seeded(seeded_folder: tuple[Path, Seeded]) -> Seeded:
    """What the folder has."""
    return seeded_folder[1]


@pytest.fixture
def bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty bucket."""
    monkeypatch.setenv("PROJECTDAVID_S3_ENDPOINT", s3_server.endpoint)
    for name in ("PROJECTDAVID_S3_ACCESS_KEY_ID", "PROJECTDAVID_S3_SECRET_ACCESS_KEY", "PROJECTDAVID_S3_REGION"):
        monkeypatch.setenv(name, "us-east-1")
    return f"s3://{s3_server.create_bucket()}/files"


def write_nul(folder: Path, seeded: Seeded) -> None:
    """Let a text of the database contain NUL: the API refuses it, but tools return it."""
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database, database:
        database.execute("UPDATE messages SET provider_state = ? WHERE id = ?", (NUL, seeded.odd_message))


def read_nul(folder: Path, seeded: Seeded) -> str:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        return database.execute("SELECT provider_state FROM messages WHERE id = ?", (seeded.odd_message,)).fetchone()[0]


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


def test_files_move_to_a_bucket_and_back(
    move: Move, folder: Path, seeded: Seeded, tmp_path: Path, postgres_url: str, bucket: str
) -> None:
    code, text = move("move", "--to", postgres_url, "--data", folder, "--blobs", bucket, "--json")
    assert code == 0, text
    assert json.loads(text)["files"] > 1
    subprocess.run(["rm", "-r", folder / "blobs"], check=True)
    with serving(folder, database_url=postgres_url, blobs_url=bucket) as server:
        seeded.check(server)
    back = tmp_path / "back"
    options = ["--data", back, "--secret", folder / "secret.key"]
    code, text = move("move", "--from", postgres_url, *options)
    assert code == 1, text
    assert "would not be in" in text
    code, text = move("move", "--from", postgres_url, *options, "--blobs", bucket, "--json")
    assert code == 0, text
    with at_home(back) as server:
        seeded.check(server)


def test_a_damaged_file_stops_a_move_to_a_bucket_and_the_repaired_one_continues_it(
    move: Move, folder: Path, postgres_url: str, bucket: str
) -> None:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        [[key]] = database.execute("SELECT blob FROM files ORDER BY n LIMIT 1")
    blob = folder / "blobs" / key[:2] / key
    content = blob.read_bytes()
    options = ["--to", postgres_url, "--data", folder, "--blobs", bucket]
    blob.write_bytes(b"x" * len(content))
    code, text = move("move", *options)
    assert code == 1, text
    assert "are damaged" in text
    blob.unlink()
    code, text = move("move", *options)
    assert code == 1, text
    assert "are missing" in text
    blob.write_bytes(content)
    code, text = move("move", *options)
    assert code == 0, text


def test_an_interrupted_move_continues_and_excludes_servers(
    move: Move, folder: Path, seeded: Seeded, postgres_server: PostgresServer, store_url: str
) -> None:
    database = store_url.rpartition("/")[2]
    postgres_server.execute("ALTER TABLE tool_calls ADD CONSTRAINT halt CHECK (run < 0)", database)
    code, text = move("move", "--to", store_url, "--data", folder)
    assert code == 1, text
    assert "repeat the command" in text
    count = "SELECT count(*), min(ctid::text) FROM messages"
    copied = postgres_server.execute(count, database)
    assert not copied.startswith("0")
    with pytest.raises(StoreUnavailable, match="unfinished"), serving(folder, database_url=store_url):
        pass
    code, text = move("move", "--from", store_url, "--data", folder.parent / "new", "--secret", folder / "secret.key")
    assert code == 1, text
    assert "unfinished" in text
    postgres_server.execute("ALTER TABLE tool_calls DROP CONSTRAINT halt", database)
    code, text = move("move", "--to", store_url, "--data", folder)
    assert code == 0, text
    assert postgres_server.execute(count, database) == copied
    with serving(folder, database_url=store_url) as server:
        seeded.check(server)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE messages SET content = content || ' ' WHERE n = 1",
        "DELETE FROM journal WHERE position = 1",
        "INSERT INTO meta (key, value) VALUES ('a', 'b')",
    ],
)
def test_a_source_that_changed_during_an_interruption_is_noticed(
    move: Move, folder: Path, postgres_server: PostgresServer, store_url: str, change: str
) -> None:
    database = store_url.rpartition("/")[2]
    postgres_server.execute("ALTER TABLE tool_calls ADD CONSTRAINT halt CHECK (run < 0)", database)
    assert move("move", "--to", store_url, "--data", folder)[0] == 1
    postgres_server.execute("ALTER TABLE tool_calls DROP CONSTRAINT halt", database)
    with closing(sqlite3.connect(folder / "projectdavid.db")) as source, source:
        source.execute("PRAGMA foreign_keys = ON")
        source.execute(change)
    code, text = move("move", "--to", store_url, "--data", folder)
    assert code == 1, text
    assert "different table" in text
    assert (folder / "projectdavid.db").exists()


STAGES = ["rows ...", "search index ...", "verification of the rows ...", "verification of the search index ..."]


def kill_at(stage: str, *arguments: object) -> bool:
    """Run a command until it reports a stage, and kill it there; returns False if it ended before."""
    environ = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    environ["PYTHONPATH"] = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", "from projectdavid.cli import main; main()", *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ) as process:
        assert process.stderr is not None
        seen: list[str] = []
        while stage not in seen:
            line = process.stderr.readline()
            if not line:
                return False
            seen.append(line.strip())
        process.send_signal(signal.SIGKILL)
    return process.returncode == -signal.SIGKILL


def test_a_killed_move_is_repeated_in_both_directions(
    move: Move, folder: Path, seeded: Seeded, tmp_path: Path, postgres_server: PostgresServer, postgres_url: str
) -> None:
    def is_free() -> bool:
        """Whether the server noticed that the process is gone."""
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
        return postgres_server.execute(locks).strip() == "0"

    to = ["move", "--to", postgres_url, "--data", folder]
    assert kill_at(STAGES[0], *to)
    for stage in STAGES[1:]:
        wait_until(is_free)
        kill_at(stage, *to)
    wait_until(is_free)
    code, text = move(*to)
    assert code == 0 or "is missing" in text  # the signal can come late
    back = tmp_path / "back"
    options = ["--data", back, "--secret", folder / "secret.key", "--blobs", folder]
    for stage in [*STAGES, "files ..."]:
        kill_at(stage, "move", "--from", postgres_url, *options)
        wait_until(is_free)
    code, text = move("move", "--from", postgres_url, *options)
    assert code == 0 or "is not empty" in text
    with at_home(back) as server:
        seeded.check(server)


HALT = """
CREATE FUNCTION halt() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT FROM {objects}() WHERE object_identity LIKE '%move_state') THEN
        RAISE EXCEPTION 'halted';
    END IF;
END $$;
CREATE EVENT TRIGGER halted ON {event} EXECUTE FUNCTION halt()
"""
"""Prevents that the table is dropped, which opens the target, or created, which retires the source."""


def test_a_verified_move_ends_without_its_source(
    move: Move, folder: Path, seeded: Seeded, tmp_path: Path, postgres_server: PostgresServer, store_url: str
) -> None:
    database = store_url.rpartition("/")[2]
    to = ["move", "--to", store_url, "--data", folder, "--json"]
    postgres_server.execute(HALT.format(event="sql_drop", objects="pg_event_trigger_dropped_objects"), database)
    code, text = move(*to)
    assert code == 1, text
    assert "halted" in text
    assert not (folder / "projectdavid.db").exists()
    postgres_server.execute("DROP EVENT TRIGGER halted", database)
    code, text = move(*to)
    assert code == 0, text
    assert json.loads(text)["rows"] > 100
    postgres_server.execute("DROP FUNCTION halt", database)
    postgres_server.execute(HALT.format(event="ddl_command_end", objects="pg_event_trigger_ddl_commands"), database)
    options = ["--data", tmp_path / "back", "--secret", folder / "secret.key", "--blobs", folder]
    code, text = move("move", "--from", store_url, *options)
    assert code == 1, text
    assert "halted" in text
    with pytest.raises(StoreUnavailable, match="is missing"), at_home(tmp_path / "back"):
        pass
    postgres_server.execute("DROP EVENT TRIGGER halted", database)
    code, text = move("move", "--from", store_url, *options)
    assert code == 0, text
    with at_home(tmp_path / "back") as server:
        seeded.check(server)


def test_the_owner_of_a_database_needs_no_other_rights(
    move: Move, folder: Path, seeded: Seeded, postgres_server: PostgresServer, postgres_url: str
) -> None:
    database = postgres_url.rpartition("/")[2]
    postgres_server.execute("CREATE ROLE mover LOGIN")
    try:
        postgres_server.execute(f"ALTER DATABASE {database} OWNER TO mover")
        url = postgres_url.replace("postgres@", "mover@")
        code, text = move("move", "--to", url, "--data", folder)
        assert code == 0, text
        with serving(folder, database_url=url) as server:
            seeded.check(server)
    finally:
        postgres_server.execute("REASSIGN OWNED BY mover TO postgres; DROP OWNED BY mover", database)
        postgres_server.execute(f"ALTER DATABASE {database} OWNER TO postgres")
        postgres_server.execute("DROP ROLE mover")


def test_sources_and_targets_in_use_are_refused(
    move: Move, folder: Path, tmp_path: Path, postgres_server: PostgresServer, postgres_url: str
) -> None:
    with at_home(folder):
        code, text = move("move", "--to", postgres_url, "--data", folder)
        assert code == 1, text
        assert "in use" in text
    other = tmp_path / "other"
    with serving(other, database_url=postgres_url):
        options = ["--data", tmp_path / "new", "--secret", other / "secret.key"]
        for arguments in (["--to", postgres_url, "--data", folder], ["--from", postgres_url, *options]):
            code, text = move("move", *arguments)
            assert code == 1, text
            assert "in use" in text
    code, text = move("move", "--to", postgres_url, "--data", folder)
    assert code == 1, text
    assert "is not empty" in text


def test_no_server_starts_on_a_source_that_was_moved(
    move: Move, folder: Path, tmp_path: Path, postgres_url: str
) -> None:
    assert move("move", "--to", postgres_url, "--data", folder)[0] == 0
    with pytest.raises(StoreUnavailable, match="missing"), at_home(folder):
        pass
    options = ["--secret", folder / "secret.key", "--blobs", folder]
    assert move("move", "--from", postgres_url, "--data", tmp_path / "back", *options)[0] == 0
    with pytest.raises(StoreUnavailable, match="was moved"), serving(folder, database_url=postgres_url):
        pass
    for arguments in (["--to", postgres_url, "--data", tmp_path / "back"], _back(postgres_url, tmp_path, options)):
        code, text = move("move", *arguments)
        assert code == 1, text
        assert "was moved" in text


def _back(url: str, tmp_path: Path, options: list[object]) -> list[object]:
    return ["--from", url, "--data", tmp_path / "again", *options]


def test_wrong_arguments_are_refused_with_the_next_step(
    move: Move, folder: Path, tmp_path: Path, postgres_url: str
) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.write_text("ab" * 32)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").touch()
    cases: list[tuple[list[object], str]] = [
        ([], "--to or a source"),
        (["--to", postgres_url, "--from", postgres_url], "--to or a source"),
        (["--from", postgres_url], "needs a new data folder"),
        (["--to", postgres_url, "--data", tmp_path / "none"], "does not exist"),
        (["--to", postgres_url, "--data", tmp_path], "has no projectdavid.db"),
        (["--to", "mysql://a:secretword@b/c", "--data", folder], "bad configuration"),
        (["--to", f"{postgres_url}_none", "--data", folder], "no such database"),
        (["--to", postgres_url, "--data", folder, "--blobs", "./files"], "must be a bucket"),
        (["--to", postgres_url, "--data", folder, "--secret", wrong], "--secret belongs to --from"),
        (["--from", postgres_url, "--data", tmp_path / "full"], "is not empty"),
        (["--from", postgres_url, "--data", tmp_path / "new"], "is empty"),
    ]
    for arguments, words in cases:
        code, text = move("move", *arguments)
        assert code == 1, (arguments, text)
        assert words in text, (arguments, text)
        assert "secretword" not in text
    (folder / "secret.key").write_text("cd" * 32)
    code, text = move("move", "--to", postgres_url, "--data", folder)
    assert code == 1, text
    assert "not the secret" in text


def test_every_table_is_moved_with_all_columns(postgres_server: PostgresServer, store_url: str) -> None:
    query = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    rows = [row.split("|") for row in postgres_server.execute(query, store_url.rpartition("/")[2]).splitlines()]
    views = {"vector_store_counts", "live_runs", "steps", "revisions"}
    found = {(table, column) for table, column in rows if table not in ONLY_IN_POSTGRES | views}
    assert found == {(table.name, column) for table in list_tables() for column in table.columns}
