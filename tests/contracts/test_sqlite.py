"""What the SQLite store keeps besides."""

import asyncio
import re
import resource
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import apsw
import pytest

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.stores.queries import SHARED
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS, migrate
from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.engine.inputs import OutputsSubmitted
from projectdavid.ports import queries
from projectdavid.ports.store import StoreUnavailable
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.runs.driver import RunDriver
from tests.contracts.rows import user
from tests.contracts.test_store import BOUND_READS, BOUND_WRITES, CREATIONS, OF_ONESELF

pytestmark = pytest.mark.anyio

ADMINISTRATION = {
    "user",
    "user_insert",
    "user_promote",
    "user_update",
    "user_limit",
    "user_delete",
    "users_none",
    "users_page",
    "user_position",
    "erasure",
    "erasure_insert",
    "import_owner",
    "removals_left",
    "admin_remains",
    "caller",
    "auth_code",
    "key_used",
}
"""For admins, and for whoever asks which user a key belongs to."""
RUNTIME = {
    "config_insert",
    "idempotency_prune",
    "auth_codes_prune",
    "erasures_swept",
    "erasure_done",
    "runs_erased",
    "runs_abandoned",
    "blob_removals",
    "blob_removals_done",
    "run_state",
    "run_decide",
    "run_deadline",
    "approval_insert",
    "approval_decide",
    "runs_by_status",
    "queue_backlogs",
    "runs_waiting",
    "runs_suspected",
    "run_release",
    "deadlines_move",
    "clock_change_set",
    "run_speaks",
    "run_unpark",
    "runs_expired",
    "runs_open",
    "runs_open_count",
    "runs_unanswered",
    "delivery_insert",
    "deliveries_due",
    "deliveries_pending_count",
    "deliveries_drop",
    "delivery_claim",
    "deliveries_recover",
    "delivery_settle",
    "deliveries_give_up",
    "deliveries_prune",
    "delivery_target",
    "webhook_disable",
    "webhook_secrets_prune",
    "usage_add",
    "run_lease",
    "leases_extend",
    "leases_clear",
    "journal_append",
    "journal_end",
    "journal_stream",
    "journal_tell",
    "journal_drop",
    "journal_put",
    "journal_after",
    "journal_last",
    "journal_unmoved",
    "journal_resumed",
    "call_insert",
    "call_start",
    "call_output",
    "call_before",
    "message_keep",
    "meta",
    "meta_add",
    "meta_set",
    "prompt_cut",
    "prompt_cut_set",
    "prompt_extent",
    "prompt_new",
    "prompt_page",
    "file_of_link",
    "files_expired",
    "blobs_known",
    "ingest_again",
    "ingest_claim",
    "ingest_done",
    "ingest_extend",
    "ingest_failed",
    "ingest_file",
    "ingest_later",
    "ingest_lost",
    "ingest_outdated",
    "ingest_progress",
    "ingest_rebuilding",
    "ingest_recover",
    "ingest_release",
    "ingest_waiting",
    "pages_prune",
    "rate_limits_prune",
    "instance_seen",
    "instance_gone",
    "instances_drop",
    "session_record",
    "session_end",
    "sessions_drop",
    "sessions_orphaned",
    "runs_at_home",
    "terminal_home",
    "terminal_relays",
    "tombstones_prune",
    "ticket_use",
    "used_tickets_prune",
    "removals",
    "removals_done",
    "search_numbered",
    "sources_of_thread",
    "files_made",
    "store_empty",
    "store_expire",
    "store_files_found",
    "stores_after",
    "stores_expired",
    "uploads_expired",
}
"""For what works on runs of all owners."""


def test_every_query_is_bound_to_an_owner_but_those_of_runtime_and_administration() -> None:
    unbound = {name.partition(".")[0] for name, query in QUERIES.items() if not query.owned}
    assert unbound == ADMINISTRATION | RUNTIME
    assert unbound >= SHARED


def test_every_bound_query_is_tried_by_a_stranger() -> None:
    bound = {name.partition(".")[0] for name, query in QUERIES.items() if query.owned}
    assert bound == {name.partition(".")[0] for name in (*BOUND_READS, *BOUND_WRITES, *CREATIONS, *OF_ONESELF)}


@pytest.mark.parametrize("name", [name for name, query in QUERIES.items() if query.owned])
def test_a_bound_query_compares_the_owner_or_writes_it(name: str) -> None:
    assert "owner = :owner" in QUERIES[name].sql or name in CREATIONS


EDITABLE = "users|assistants|threads|messages|runs|vector_stores|vector_store_files"
NOT_EDITS = {
    "run_decide": "the state of a run has a version of its own",
    "run_deadline": "written with a decision",
    "run_model": "written with a decision",
    "run_unpark": "whose turn it is",
    **dict.fromkeys(
        ("user_delete", "thread_delete", "assistant_delete", "store_delete", "run_delete"), "hides what is deleted"
    ),
    "deadlines_move": "how long a run has, after the clock was set",
    "run_release": "who works on a run",
    "run_speaks": "how often a run crashed the server",
    "leases_extend": "who works on a run",
    "leases_clear": "who works on a run",
    "stores_touch": "when a store was last used",
    "store_file_brought": "how far a file is read",
    "batch_files_cancel": "how far a file is read",
    **dict.fromkeys(
        ("claim", "progress", "done", "failed", "later", "extend", "recover", "again", "lost", "outdated", "release"),
        "the ingest",
    ),
}
"""Queries that change nothing which a user can update, by name or by what follows `ingest_`."""


def test_every_query_that_changes_what_users_can_update_counts_the_revision() -> None:
    changing = {
        name: query.sql
        for name, query in QUERIES.items()
        if re.search(rf"UPDATE ({EDITABLE})\s+SET|INSERT INTO ({EDITABLE})\b.*DO UPDATE SET", query.sql, re.DOTALL)
    }
    counted = re.compile(r"revision = (vector_store_files\.)?revision \+ 1")
    silent = {name.removeprefix("ingest_") for name, sql in changing.items() if not counted.search(sql)}
    assert silent == set(NOT_EDITS)


async def test_a_file_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "david.db"
    store = SQLiteStore(path)
    await store.open()
    await store.write([user("ann")])
    await store.close()
    connection = apsw.Connection(str(path))
    ours = int(connection.pragma("user_version"))
    connection.pragma("user_version", ours + 1)
    connection.close()
    with pytest.raises(StoreUnavailable, match="newer"):
        await store.open()
    connection = apsw.Connection(str(path))
    assert connection.pragma("user_version") == ours + 1
    connection.pragma("user_version", ours)
    connection.close()
    after = SQLiteStore(path)  # whoever was refused does not hold the file
    await after.open()
    assert (await after.one(queries.USER, id="ann")).id == "ann"
    await after.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "david.db"
    path.write_bytes(b"This is a letter, and a long one at that. " * 100)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"david\.db"):
            await SQLiteStore(path).open()


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreUnavailable, match="file"):
        await SQLiteStore(tmp_path / "file" / "david.db").open()


async def test_another_process_is_refused_while_one_holds_the_file(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "david.db")
    await store.open()
    program = (
        "import asyncio, pathlib, sys\n"
        "from projectdavid.ports.store import StoreUnavailable\n"
        "from projectdavid.adapters.stores.sqlite import SQLiteStore\n"
        "try: asyncio.run(SQLiteStore(pathlib.Path(sys.argv[1])).open())\n"
        "except StoreUnavailable as error: sys.exit(str(error))\n"
    )
    command = (sys.executable, "-c", program, str(tmp_path / "david.db"))
    other = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, said = await other.communicate()
    await store.close()
    assert other.returncode == 1
    assert b"in use by another server" in said


async def test_a_full_disk_is_told_and_harms_nothing(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "david.db")
    await store.open()
    await store.write([user("ann")])
    with full_after(2_000_000), pytest.raises(StoreUnavailable):
        await store.write([user("bob"), user("cid", body="x" * 8_000_000)])
    assert await store.one(queries.USER, id="bob") is None
    await store.write([user("dan")])
    await store.close()
    await store.open()
    assert [row.id for row in await store.all(queries.USERS_PAGE.asc, after=None, limit=9)] == ["ann", "dan"]
    await store.close()


@contextmanager
def full_after(size: int) -> Generator[None]:
    """No file can grow beyond so many bytes meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_file_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "data" / "david.db")
    await store.open()
    await store.close()
    assert (tmp_path / "data").stat().st_mode & 0o077 == 0


BEFORE = """
INSERT INTO users (id, is_admin, created_at, updated_at, body) VALUES ('ann', 0, 1, 1, '{}');
INSERT INTO threads (id, owner, created_at, meta_data, tool_resources, participants)
VALUES ('t', 'ann', 1, '{}', '{}', '[]');
INSERT INTO configs (hash, body) VALUES (x'00', '{}');
INSERT INTO runs
(id, owner, thread, assistant_id, status, created_at, expires_at, model, config, meta_data, state)
VALUES ('r', 'ann', 1, 'asst_1', 'requires_action', 1, 9e9, 'm', 1, '{}',
    '{"turn":1,"calls":[{"id":"call","action_id":"act","name":"add","arguments":"{}","output":null}]}');
INSERT INTO tool_calls (action_id, run, call_id, turn, position, name, arguments, created_at)
VALUES ('act', 1, 'call', 1, 0, 'add', '{}', 1);
"""
"""A run that waits for its caller, as the first version wrote it."""


async def test_a_run_that_an_older_version_left_waiting_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "david.db"
    with closing(apsw.Connection(str(path))) as connection:
        for _ in connection.execute(SCRIPTS[0] + BEFORE):
            pass
        connection.pragma("user_version", 1)
    store = SQLiteStore(path)
    await store.open()
    try:
        driver = RunDriver(store, LocalBus(), lambda: 100.0, IdFactory())
        await driver.decide(1, OutputsSubmitted((("call", "3"),), 100.0))
        run = await store.of("ann").one(queries.RUN, id="r")
        (action,) = await store.of("ann").all(queries.ACTIONS_OF_RUN, run_id="r")
        assert (run.status, run.parked, action.output, action.effect) == ("queued", 0, "3", "unsafe")
    finally:
        await store.close()


@pytest.mark.parametrize("name", [name for name in QUERIES if name.startswith(("import", "message_import"))])
def test_a_query_of_imports_costs_the_same_however_much_was_imported(name: str) -> None:
    with closing(apsw.Connection(":memory:")) as connection:
        migrate(connection)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_QPSG, 1)
        query = QUERIES[name]
        rows = connection.execute(f"EXPLAIN QUERY PLAN {query.sql}", dict.fromkeys(query.parameters))
        plan = [row[3] for row in rows]
    scans = [
        step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step and "CONSTANT" not in step
    ]
    assert scans == []
    assert not any("TEMP B-TREE" in step for step in plan)
    known = [step for step in plan if step.startswith("SEARCH o ")]
    assert all("source_id=?" in step or "n>?" in step or "n<?" in step for step in known)
