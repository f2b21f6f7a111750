"""Deleting erases: what was deleted is nowhere in the data folder soon after, while the server runs."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from projectdavid import Entity, StreamEnded
from projectdavid.adapters.stores.sqlite.migrations import migrate
from projectdavid.adapters.stores.sqlite.sweep import ErasureSweep
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.services.erasure_ledger import NAME, hash_user, load
from tests.server.conftest import serving
from tests.server.routes import begun
from tests.server.talking import WEATHER, Caller, Json, frames, ok, refused
from tests.timeouts import wait_until

MARK = "zqmarkerqz"
"""What nothing else in a data folder says."""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[EmbeddedPlatform, Caller, Path]]:
    """A server of its own, its admin and its folder."""
    with serving(tmp_path) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
        yield server, admin, tmp_path


@contextmanager
def newcomer(server: EmbeddedPlatform, admin: Caller, key_name: str = "key", **fields: Json) -> Iterator[Caller]:
    """A new user."""
    user_id = ok(admin.post("/v1/users", json=fields))["id"]
    key = ok(admin.post(f"/v1/users/{user_id}/apikeys", json={"key_name": key_name}))["plain_key"]
    with Caller(server.base_url, user_id, key) as user:
        yield user


def marks(folder: Path) -> dict[str, int]:
    """How often the files of a folder have the mark, by name; those that have it."""
    found: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (count := path.read_bytes().lower().count(MARK.encode())):
            found[str(path.relative_to(folder))] = count
    return found


def assistant_of(user: Caller, **fields: Json) -> Json:
    """An assistant with the mark in every text."""
    tool = {**WEATHER["function"], "description": f"{MARK} weather"}
    return user.assistant(
        **{
            "model": "scripted/caller",
            "name": f"{MARK} name",
            "description": f"{MARK} description",
            "instructions": f"{MARK} instructions",
            "meta_data": {"k": f"{MARK} value"},
            "tools": [{"type": "function", "function": tool}],
            "webhook_url": f"https://{MARK}.example/hook",
            **fields,
        }
    )


def conversation(user: Caller, assistant: Json, mark: str = MARK) -> Json:
    """A thread with messages and a run that called a function; returns the run."""
    thread = ok(user.post("/v1/threads", json={"meta_data": {"k": f"{mark} thread"}}))
    key = {"idempotency-key": f"message {thread['id']}"}
    body = {"thread_id": thread["id"], "content": f"{mark} question", "meta_data": {"k": f"{mark} message"}}
    ok(user.post("/v1/messages", json=body, headers=key))
    ids = {"assistant_id": assistant["id"], "thread_id": thread["id"]}
    run = ok(user.post("/v1/runs", json={**ids, "meta_data": {"k": f"{mark} run"}}))
    run = user.until(run, "action_required")
    ok(user.submit(run, (run["actions"][0]["tool_call_id"], f"{mark} output")))
    return user.until(run, "completed")


def furnish(user: Caller, folder: Path) -> None:
    """One of everything that a user can have, with the mark in it."""
    conversation(user, assistant_of(user))
    file = user.upload(f"# Title\n\n{MARK} text of a file, {MARK}s and more.\n".encode() * 40, f"{MARK}.md")
    gate(user)
    user.read(user.store(file, name=f"{MARK} store", meta_data={"k": f"{MARK} value"}))
    ok(user.post(f"/v1/file-uploads/{begun(user, MARK.encode())['id']}/parts", files={"data": MARK.encode()}))
    imported = ok(user.post("/v1/imports", json={"source": MARK}))["id"]
    tools = [{"type": "unknown", "unknown": f"{MARK} definition"}]
    foreign = {"object": "assistant", "id": f"asst_{MARK}", "created_at": 1, "model": "m", "tools": tools}
    ok(user.post(f"/v1/imports/{imported}/objects", json={"objects": [foreign]}))
    again = {"idempotency-key": "again"}
    ok(user.post("/v1/assistants", json={"model": "scripted/hello", "name": f"{MARK} again"}, headers=again))
    with closing(apsw.Connection(str(folder / "projectdavid.db"))) as db:
        db.set_busy_timeout(10_000)
        page = "INSERT INTO pages (owner, url, read_at, final_url, title, text) VALUES (?, ?, ?, ?, ?, ?)"
        db.execute(page, (user.user_id, f"https://{MARK}.example/", time.time(), "", MARK, f"{MARK} page"))
        cut = "INSERT INTO prompt_cuts (thread, source, first) SELECT n, ?, 1 FROM threads WHERE owner = ? LIMIT 1"
        db.execute(cut, (MARK, user.user_id))


def gate(user: Caller) -> None:
    """Deny a call that needs approval, with the mark in the reason."""
    assistant = user.assistant(model="scripted/caller", tools=[{**WEATHER, "require_approval": True}])
    body = {"assistant_id": assistant["id"], "thread_id": user.thread("Hi")["id"]}
    run = user.until(ok(user.post("/v1/runs", json=body)), "action_required")
    (approval,) = ok(user.get("/v1/approvals", params={"run_id": run["id"]}))["data"]
    ok(user.post(f"/v1/approvals/{approval['id']}", json={"approve": False, "reason": f"{MARK} reason"}))
    user.until(run, "completed")


def completed(admin: Caller, erasure_id: str) -> Json:
    """The report of an erasure, once it is done."""
    report: Json = {}

    def done() -> bool:
        report.update(ok(admin.get(f"/v1/admin/erasures/{erasure_id}")))
        return report["status"] == "completed"

    wait_until(done)
    return report


def test_no_byte_of_a_deleted_user_is_left_while_the_server_runs(own: tuple[EmbeddedPlatform, Caller, Path]) -> None:
    server, admin, folder = own
    with newcomer(server, admin, f"{MARK} key", full_name=f"{MARK} Lovelace", email=f"{MARK}@example.com") as user:
        furnish(user, folder)
        assert marks(folder)
        gone = ok(admin.delete(f"/v1/users/{user.user_id}"))
        assert gone["erasure"]["user_id"] == user.user_id
        refused(user.get("/v1/threads"), 401, "invalid_api_key")
        refused(admin.get(f"/v1/users/{user.user_id}"), 404, "user_not_found", "user_id")
        report = completed(admin, gone["erasure_id"])
        assert marks(folder) == {}
        ok(admin.get("/v1/users", params={"after": user.user_id}))  # the list continues where the user stood
        assert (report["user_id"], report["blobs_left"], report["index_files_left"]) == (None, 0, 0)
        assert set(report["left"].values()) == {0}
        unused = {"auth_codes", "erased_ids", "file_batches", "batch_files", "tombstones"}
        assert {kind for kind, count in report["deleted"].items() if not count} <= unused
        (entry,) = load(folder / NAME)
        secret = bytes.fromhex((folder / "secret.key").read_text().strip())
        assert entry.user == hash_user(user.user_id, secret)


def test_no_byte_of_a_deleted_thread_or_assistant_is_left(own: tuple[EmbeddedPlatform, Caller, Path]) -> None:
    server, admin, folder = own
    with newcomer(server, admin) as user:
        run = conversation(user, user.assistant(model="scripted/caller", tools=[WEATHER]))
        assistant = assistant_of(user)
        kept = conversation(user, assistant, mark="kept")
        ok(user.delete(f"/v1/threads/{run['thread_id']}"))
        refused(user.get(f"/v1/runs/{run['id']}"), 404, "run_not_found")
        ok(user.delete(f"/v1/assistants/{assistant['id']}"))
        wait_until(lambda: not marks(folder))
        assert ok(user.get(f"/v1/runs/{kept['id']}"))["status"] == "completed"
        assert ("user", "kept question") in user.texts({"id": kept["thread_id"]})


def test_a_deleted_message_file_and_store_are_erased_and_an_id_can_be_used_again(
    own: tuple[EmbeddedPlatform, Caller, Path],
) -> None:
    server, admin, folder = own
    with newcomer(server, admin) as user:
        file = user.upload(f"{MARK} of a file. ".encode() * 100, f"{MARK}.txt")
        store = user.read(user.store(file, name=f"{MARK} store", shared_id="shelf"))
        message = user.say(user.thread(), f"{MARK} said")
        for path in (f"/v1/messages/{message['id']}", f"/v1/files/{file['id']}", f"/v1/vector-stores/{store['id']}"):
            ok(user.delete(path))
        ok(user.post("/v1/vector-stores", json={"shared_id": "shelf", "name": "again"}))
        wait_until(lambda: not marks(folder))
        assert ok(user.get(f"/v1/vector-stores/{store['id']}"))["name"] == "again"


def user_gone(admin: Caller, user: Caller, run: Json) -> None:
    ok(admin.delete(f"/v1/users/{user.user_id}"))


def thread_gone(admin: Caller, user: Caller, run: Json) -> None:
    ok(user.delete(f"/v1/threads/{run['thread_id']}"))


def key_gone(admin: Caller, user: Caller, run: Json) -> None:
    user.delete(f"/v1/users/{user.user_id}/apikeys/{user.key[:12]}").raise_for_status()


ENDS = {"user_deleted": user_gone, "thread_deleted": thread_gone, "key_revoked": key_gone}


@pytest.mark.parametrize("code", ENDS)
def test_a_native_stream_ends_with_an_error_when_it_may_not_be_read_any_more(
    server: EmbeddedPlatform, admin: Caller, code: str
) -> None:
    with newcomer(server, admin) as user:
        run = user.run("scripted/silent")
        events = user.events(run)
        while next(events).get("content") != "I begin":
            pass
        ENDS[code](admin, user, run)
        (last,) = events
        assert (last["type"], last["code"], last["run_id"]) == ("error", code, run["id"])


@pytest.mark.parametrize("code", ENDS)
def test_a_stream_of_completions_ends_in_the_same_way(server: EmbeddedPlatform, admin: Caller, code: str) -> None:
    with newcomer(server, admin) as user:
        run = user.run("scripted/silent")
        body = {"run_id": run["id"], "thread_id": run["thread_id"], "assistant_id": run["assistant_id"], "stream": True}
        with user.stream("POST", "/v1/completions", json=body) as response:
            events = frames(response)
            while next(events).get("content") != "I begin":
                pass
            ENDS[code](admin, user, run)
            assert [event["code"] for event in events] == [code]


@pytest.mark.parametrize("code", ENDS)
def test_a_stream_of_the_dialect_ends_in_the_same_way(server: EmbeddedPlatform, admin: Caller, code: str) -> None:
    with newcomer(server, admin) as user:
        run = user.run("scripted/silent")
        with user.stream("GET", f"/openai/v1/threads/{run['thread_id']}/runs/{run['id']}/events") as response:
            lines = response.iter_lines()
            while "I begin" not in next(lines):
                pass
            ENDS[code](admin, user, run)
            rest = "\n".join(lines)
        assert f'"code":"{code}"' in rest.partition("event: error")[2]
        assert rest.rstrip().endswith("[DONE]")


@pytest.mark.parametrize("code", ENDS)
def test_the_sdk_raises_its_own_error_and_does_not_connect_again(
    server: EmbeddedPlatform, admin: Caller, code: str
) -> None:
    with newcomer(server, admin) as user:
        run = user.run("scripted/silent")
        with (
            Entity(base_url=server.base_url, api_key=user.key) as client,
            client.runs.stream(run_id=run["id"]) as stream,
        ):
            while next(stream).type != "content":
                pass
            ENDS[code](admin, user, run)
            with pytest.raises(StreamEnded) as ended:
                stream.until_done()
        assert ended.value.code == code


def test_the_runs_of_a_deleted_user_stop_at_once(own: tuple[EmbeddedPlatform, Caller, Path]) -> None:
    server, admin, _ = own
    with newcomer(server, admin) as user:
        for _ in range(3):
            user.until(user.run("scripted/silent"), "in_progress")
        assert ok(admin.get("/health"))["runs"]["at_work"] == 3
        ok(admin.delete(f"/v1/users/{user.user_id}"))
        wait_until(lambda: ok(admin.get("/health"))["runs"]["at_work"] == 0)


def test_an_erasure_goes_on_after_a_crash(tmp_path: Path) -> None:
    with (
        serving(tmp_path) as server,
        Caller(server.base_url, "", server.admin_api_key) as admin,
        newcomer(server, admin, full_name=MARK) as user,
    ):
        furnish(user, tmp_path)
    with closing(apsw.Connection(str(tmp_path / "projectdavid.db"))) as db:
        # As a process leaves it that is killed after it has answered, and deleted a little.
        db.execute("PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON").fetchall()
        erasure = "INSERT INTO erasures (id, user, requested_at) VALUES ('erasure_1', ?, 1)"
        db.execute(erasure, (user.user_id,))
        db.execute("UPDATE users SET erased = 1, body = '{}' WHERE id = ?", (user.user_id,))
        db.execute("DELETE FROM messages WHERE n IN (SELECT min(n) FROM messages)")
    assert marks(tmp_path)
    with serving(tmp_path) as server, Caller(server.base_url, "", server.admin_api_key) as admin:
        completed(admin, "erasure_1")
        assert marks(tmp_path) == {}


def test_only_admins_see_erasures(admin: Caller, user: Caller) -> None:
    refused(user.get("/v1/admin/erasures/erasure_1"), 403, "admin_only")
    refused(admin.get("/v1/admin/erasures/erasure_1"), 404, "erasure_not_found", "erasure_id")


NOT_OF_USERS = {"configs", "erasures", "meta", "blob_removals", "index_removals", "sqlite_sequence", "used_tickets"} | {
    "rate_limits",
    "instances",
    "sandbox_sessions",
}
"""Tables without an owner: shared, about the installation, what is still to be erased, or what goes by itself soon."""


def test_a_report_names_every_table_that_belongs_to_users() -> None:
    with closing(apsw.Connection(":memory:")) as db:
        migrate(db)
        tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        assert set(ErasureSweep(db).kinds()) == tables - NOT_OF_USERS
