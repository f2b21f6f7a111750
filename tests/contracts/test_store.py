"""What every store keeps: the rules of `ports/store.py`, whoever keeps them."""

import asyncio
import time
from collections.abc import Callable
from traceback import walk_tb

import msgspec
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.ports import queries
from projectdavid.ports.rows import RevisionRow, UserRow
from projectdavid.ports.store import (
    MAX_CLOCK_SKEW,
    Op,
    RowMissing,
    StaleRow,
    Statement,
    Store,
    StoreError,
    StoreUnavailable,
    UniqueClash,
    Value,
)
from projectdavid.runtime.quota import LimitExceeded
from projectdavid.security.rate_limiter import SharedRateLimiter
from tests.contracts.conftest import ObservedStore
from tests.contracts.rows import (
    BROUGHT,
    UNANSWERED,
    born,
    claim,
    decide,
    file,
    held,
    journal,
    knowledge,
    message,
    output,
    run,
    sweep,
    tell,
    thread,
    user,
)
from tests.query_handles import handle
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


async def users(store: Store) -> list[str]:
    """The ids of all users."""
    return [row.id for row in await store.all(queries.USERS_PAGE.asc, after=None, limit=1000)]


# Groups.


async def test_a_group_is_written_with_the_first_row_that_each_part_returned(store: Store) -> None:
    await store.write([user("ann")])
    rows = await store.of("ann").write([thread("t"), *run("r", "t")])
    assert [row is None for row in rows] == [True, True, False, True]
    assert rows[2].n == (await store.of("ann").one(queries.RUN, id="r")).n


async def test_rows_are_records_of_their_query(store: Store) -> None:
    new = Op(queries.ASSISTANT_INSERT, {"id": "asst", "body": "{}"})
    _, created, nothing = await store.write([user("ann"), Op(new.query, {**new.params, "owner": "ann"}), user("bob")])
    one, (first, _) = (
        await store.one(queries.USER, id="ann"),
        await store.all(queries.USERS_PAGE.asc, after=None, limit=9),
    )
    assert [type(row) for row in (one, first, created)] == [UserRow, UserRow, RevisionRow]
    assert queries.ASSISTANT_INSERT.narrow(created) is created
    assert queries.ASSISTANT_INSERT.narrow(nothing) is None
    with pytest.raises(TypeError, match="'user' returns UserRow, not RevisionRow"):
        queries.USER.narrow(created)


async def test_what_was_written_is_seen_by_the_next_read(store: Store) -> None:
    await store.write([user("ann")])
    assert (await store.one(queries.USER, id="ann")).id == "ann"


async def test_a_group_of_nothing_is_written(store: Store) -> None:
    assert await store.write([]) == []


async def test_a_group_that_is_refused_leaves_nothing_behind(store: Store) -> None:
    clash = UniqueClash("user", "ann")
    with pytest.raises(UniqueClash):
        await store.write([user("ann"), user("bob"), user("ann", clash=clash), user("cid")])
    assert await users(store) == []


async def test_a_refused_group_does_no_harm_to_the_others_of_the_same_commit(store: Store) -> None:
    results = await asyncio.gather(
        store.write([user("ann")]),
        store.write([user("bob"), user("ann", clash=UniqueClash("user", "ann"))]),
        store.write([user("cid")]),
        store.write([user("dan"), Op(queries.USER_DELETE, {"id": "nobody"}, missing=RowMissing("user", "nobody"))]),
        store.write([user("eve")]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [list, UniqueClash, list, RowMissing, list]
    assert await users(store) == ["ann", "cid", "eve"]


async def test_groups_are_written_in_the_order_in_which_they_came(store: Store) -> None:
    await asyncio.gather(*(store.write([user(f"user_{number:02}")]) for number in range(50)))
    assert await users(store) == [f"user_{number:02}" for number in range(50)]


async def test_all_of_two_hundred_writers_at_once_get_through(store: Store) -> None:
    async def writer(number: int) -> None:
        await store.write([user(f"user_{number}")])
        await store.of(f"user_{number}").write([thread(f"thread_{number}")])
        await store.of(f"user_{number}").write([message(f"message_{number}", f"thread_{number}")])

    await asyncio.gather(*(writer(number) for number in range(200)))
    assert sorted(await users(store)) == sorted(f"user_{number}" for number in range(200))
    for number in range(200):
        owner = store.of(f"user_{number}")
        assert [
            row.id
            for row in await owner.all(queries.MESSAGES_PAGE.asc, thread_id=f"thread_{number}", after=None, limit=9)
        ]


async def test_two_writers_that_race_for_a_version_do_not_both_win(store: Store) -> None:
    n = await born(store)
    results = await asyncio.gather(
        *(store.write([decide(n, 1, missing=StaleRow()), tell(n, str(number))]) for number in range(20)),
        return_exceptions=True,
    )
    assert [type(result) for result in results].count(list) == 1
    assert len(await journal(store, n)) == 2


async def test_a_caller_that_goes_away_does_not_tear_its_group(store: Store) -> None:
    await store.write([user("ann")])
    for number in range(30):
        group = [thread(f"t{number}_{part}", owner="ann") for part in range(3)]
        writing = asyncio.create_task(store.write(group))
        for _ in range(number):
            await checkpoint()
        writing.cancel()
        await asyncio.wait([writing])
        await store.flush()
        there = [await store.of("ann").one(queries.THREAD, id=f"t{number}_{part}") for part in range(3)]
        assert len({row is None for row in there}) == 1


# Errors.


async def test_whoever_is_refused_can_see_why(store: Store) -> None:
    n = await born(store)

    async def lose(op: Op) -> None:
        with pytest.raises((StaleRow, UniqueClash)):
            await store.write([op])
        assert (await store.one(queries.RUN_STATE, n=n)).version == 2
        assert await store.one(queries.USER, id="bob") is not None

    async with asyncio.TaskGroup() as group:
        group.create_task(store.write([decide(n, 1), user("bob")]))
        group.create_task(lose(decide(n, 1, missing=StaleRow())))
        group.create_task(lose(tell(n, "late", version=1, missing=StaleRow())))
        group.create_task(lose(user("bob", clash=UniqueClash("user", "bob"))))


async def test_an_error_that_is_named_once_can_be_raised_forever(store: Store) -> None:
    n = await born(store)
    stale, clash = StaleRow(), UniqueClash("user", "ann")
    for _ in range(20):
        for op in (decide(n, 7, missing=stale), user("ann", clash=clash)):
            with pytest.raises(StoreError):
                await store.write([op])
    for error in (stale, clash):
        assert len(list(walk_tb(error.__traceback__))) < 20


async def test_the_errors_that_a_group_names_are_raised_themselves(store: Store) -> None:
    missing, clash, stale = RowMissing("user", "nobody"), UniqueClash("user", "ann"), StaleRow()
    n = await born(store)
    for op, error in (
        (Op(queries.USER_DELETE, {"id": "nobody"}, missing=missing), missing),
        (Op(queries.USER, {"id": "nobody"}, missing=missing), missing),
        (user("ann", clash=clash), clash),
        (decide(n, 7, missing=stale), stale),
    ):
        with pytest.raises(StoreError) as raised:
            await store.write([op])
        assert raised.value is error


async def test_what_may_touch_nothing_is_not_an_error(store: Store) -> None:
    assert await store.write(
        [Op(queries.USER_DELETE, {"id": "unknown"}), Op(queries.REMOVALS_DONE, {"files": "[]"})]
    ) == [
        None,
        None,
    ]


async def test_the_errors_say_what_it_was_about() -> None:
    assert "thread" in repr(RowMissing("thread", "t"))
    assert issubclass(StoreUnavailable, StoreError)


@pytest.mark.parametrize(
    "mistake",
    [
        Op(Statement("no_such_query")),
        Op(queries.USER_DELETE, {}),
        Op(queries.USER_DELETE, {"id": 2**70}),
        Op(queries.USER_DELETE, {"id": "half of \ud83d"}),
        Op(queries.USER_DELETE, {"id": object()}),  # pyright: ignore[reportArgumentType]
        Op(queries.USER_INSERT, {"id": "dan", "is_admin": None, "now": 1, "body": "{}"}),
    ],
    ids=["query", "no value", "too large", "not text", "not a value", "a rule"],
)
async def test_a_mistake_in_a_group_is_told_to_its_writer_and_to_nobody_else(store: Store, mistake: Op) -> None:
    async with asyncio.timeout(EVENT_TIMEOUT):
        results = await asyncio.gather(
            store.write([user("ann")]),
            store.write([user("bob"), mistake]),
            store.write([user("cid")]),
            return_exceptions=True,
        )
        assert isinstance(results[1], Exception)
        await store.write([user("dan")])
    assert await users(store) == ["ann", "cid", "dan"]


async def test_a_store_that_is_closed_is_unavailable(another: Callable[[], Store]) -> None:
    store = another()
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.write([user("ann")])
        with pytest.raises(StoreUnavailable):
            await store.one(queries.USER, id="ann")
        with pytest.raises(StoreUnavailable):
            await store.flush()
        with pytest.raises(StoreUnavailable):
            await store.now()
        await store.open()
        await store.close()


# The rules for those that share a store.


async def test_a_read_sees_what_was_written_before_it_by_any_process(two: tuple[Store, Store]) -> None:
    for number in range(20):
        writer, reader = two[number % 2], two[(number + 1) % 2]
        await writer.write([user(f"user_{number:02}")])
        assert (await reader.one(queries.USER, id=f"user_{number:02}")) is not None


async def test_each_process_writes_its_groups_in_the_order_of_the_calls(two: tuple[Store, Store]) -> None:
    named = list(zip(two, "ab", strict=True))
    calls = [store.write([user(f"{name}_{number:02}")]) for number in range(30) for store, name in named]
    await asyncio.gather(*calls)
    rows = await users(two[0])
    for name in "ab":
        assert [row for row in rows if row.startswith(name)] == [f"{name}_{number:02}" for number in range(30)]


async def test_a_check_and_what_it_permits_are_one_whoever_writes_at_once(two: tuple[Store, Store]) -> None:
    await two[0].write([user("ann")])
    await two[0].of("ann").write([thread(f"t{number}") for number in range(30)])
    full = Op(queries.RUNS_ROOM, {"most": 7, "interrupts": None}, missing=StaleRow())
    groups = [two[number % 2].of("ann").write([full, *run(f"r{number}", f"t{number}")]) for number in range(30)]
    results = await asyncio.gather(*groups, return_exceptions=True)
    made = [isinstance(result, list) for result in results]
    assert {type(result) for result in results} == {list, StaleRow}
    there = [await two[1].of("ann").one(queries.RUN, id=f"r{number}") for number in range(30)]
    assert [row is not None for row in there] == made
    assert sum(made) == 7


async def test_a_check_sees_what_its_group_wrote_before_it(store: Store) -> None:
    await store.write([user("ann")])
    await store.of("ann").write([thread("t")])
    idle = Op(queries.THREAD_IDLE, {"thread_id": "t"}, missing=StaleRow())
    await store.of("ann").write([idle, *run("r", "t")])
    with pytest.raises(StaleRow):
        await store.of("ann").write([Op(queries.THREAD_DELETE, {"id": "t"}), thread("u"), *run("s", "u"), idle])
    assert await store.of("ann").one(queries.THREAD, id="u") is None


async def test_a_reader_sees_all_of_a_group_or_nothing(two: tuple[Store, Store]) -> None:
    writer, reader = two
    writing = [asyncio.create_task(writer.write([user(f"{n}_{part}") for part in range(50)])) for n in range(5)]
    seen: set[int] = set()
    while not all(task.done() for task in writing):
        seen.add(len(await users(reader)))
        await checkpoint()
    assert all(count % 50 == 0 for count in seen)


async def test_what_was_asked_for_before_a_flush_is_written_or_refused_after_it(store: Store) -> None:
    await store.write([user("ann")])
    for turn in range(10):
        good = [asyncio.create_task(store.write([user(f"{turn}_{number}")])) for number in range(5)]
        bad = asyncio.create_task(store.write([user("ann", clash=UniqueClash("user", "ann"))]))
        for _ in range(turn + 1):  # so that each has called `write`
            await checkpoint()
        good[0].cancel()
        await store.flush()
        there = await users(store)
        assert [f"{turn}_{number}" for number in range(5)] == [one for one in there if one.startswith(f"{turn}_")]
        with pytest.raises(UniqueClash):
            await bad


async def test_the_time_of_a_store_is_that_of_its_processes(two: tuple[Store, Store]) -> None:
    for store in two:
        before = time.time()
        now = await store.now()
        assert before - MAX_CLOCK_SKEW <= now <= time.time() + MAX_CLOCK_SKEW


async def test_processes_that_share_a_store_share_the_requests_of_a_minute(two: tuple[Store, Store]) -> None:
    limiters = [SharedRateLimiter(store) for store in two]
    for now in (1000.0, 1060.0, 500.0):  # a clock that was set back leaves no bucket empty for long
        results = await asyncio.gather(
            *(limiters[number % 2].take("ann", 60, now) for number in range(100)), return_exceptions=True
        )
        refusals = [result for result in results if result is not None]
        assert len(refusals) == 40
        assert all(isinstance(refusal, LimitExceeded) for refusal in refusals)
    for limiter in limiters:
        with pytest.raises(LimitExceeded) as refusal:
            await limiter.take("ann", 60, 500.5)
        assert refusal.value.retry_after == pytest.approx(0.5, abs=0.01)
        await limiter.take("bob", 60, 500.5)
    await limiters[0].take("ann", 60, 501.0)


async def test_full_buckets_are_removed(store: Store) -> None:
    limiter = SharedRateLimiter(store)
    for owner, now in (("ann", 1000.0), ("bob", 1030.0)):
        await limiter.take(owner, 1, now)
    prune = Op(queries.RATE_LIMITS_PRUNE, {"before": 1070.0, "limit": 10})
    assert await store.write([prune]) == [("ann",)]
    assert await store.write([prune]) == [None]
    with pytest.raises(LimitExceeded):
        await SharedRateLimiter(store).take("bob", 1, 1071.0)


async def test_requests_cannot_be_counted_in_a_store_that_is_closed(another: Callable[[], Store]) -> None:
    store = another()
    await store.open()
    await store.close()
    with pytest.raises(StoreUnavailable):
        await SharedRateLimiter(store).take("ann", 60, 1000.0)


@pytest.mark.parametrize("count", [10, 2000])
async def test_a_group_of_many_operations_keeps_its_place_and_is_written_whole_or_not_at_all(
    store: Store, count: int
) -> None:
    many = [user(f"b_{number:04}") for number in range(count)]
    results = await asyncio.gather(
        store.write([user("a")]),
        store.write(many),
        store.write([*(user(f"x_{number}") for number in range(count)), user("a", clash=UniqueClash("user", "a"))]),
        store.write([user("c")]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [list, list, UniqueClash, list]
    there = [row.id for row in await store.all(queries.USERS_PAGE.asc, after=None, limit=9999)]
    assert there == ["a", *(f"b_{number:04}" for number in range(count)), "c"]


async def test_a_store_that_another_process_cannot_open_says_that_it_is_exclusive(another: Callable[[], Store]) -> None:
    first, second = another(), another()
    await first.open()
    if first.exclusive:
        with pytest.raises(StoreUnavailable):
            await second.open()
    else:
        await second.open()
    await first.close()
    await second.close()


# Owners.

CODE_FILES = '{"code_interpreter":{"file_ids":["f"]}}'
BOUND_READS = {
    "thread": {"id": "t"},
    "thread_position": {"id": "t"},
    "threads_page.asc": {"after": None, "limit": 9},
    "thread_idle": {"thread_id": "t4"},
    "thread_asked": {"thread_id": "t"},
    "message": {"id": "m"},
    "message_position": {"id": "m", "thread_id": "t"},
    "messages_page.desc": {"thread_id": "t", "after": None, "limit": 9},
    "spoken_page.desc": {"thread_id": "t", "run_id": None, "after": None, "limit": 9},
    "formatted_page": {"thread_id": "t", "limit": 9},
    "assistant": {"id": "a"},
    "assistant_position": {"id": "a"},
    "assistants_page.asc": {"after": None, "limit": 9},
    "run": {"id": "r"},
    "thread_run_position": {"id": "r", "thread_id": "t"},
    "run_position": {"id": "r"},
    "run_open": {"thread_id": "t"},
    "runs_page.desc": {"after": None, "limit": 9, "statuses": '["queued","pending"]'},
    "thread_runs_page.asc": {"thread_id": "t", "after": None, "limit": 9, "statuses": '["queued"]'},
    "action": {"action_id": "act"},
    "actions_of_run": {"run_id": "r"},
    "approval": {"id": "appr"},
    "approval_position": {"id": "appr"},
    "approvals_page.asc": {"run_id": None, "statuses": '["cancelled"]', "after": None, "limit": 9},
    "step": {"id": "step_", "run_id": "r"},
    "step_position": {"id": "step_", "run_id": "r"},
    "steps_page.asc": {"run_id": "r", "after": None, "limit": 9},
    "calls_of_turns": {"run_id": "r", "turns": "[1]"},
    "message_answering": {"thread_id": "t", "action_id": "act"},
    "idempotency": {"key": "key", "since": 0},
    "keys_of": {},
    "key_of": {"prefix": "ea_1"},
    "delivery": {"id": "evt"},
    "delivery_position": {"id": "evt"},
    "deliveries_page.asc": {"assistant_id": "asst_1", "status": None, "after": None, "limit": 9},
    "run_deliveries_page.asc": {"run_id": "p", "assistant_id": None, "status": None, "after": None, "limit": 9},
    "webhook_secret": {"assistant_id": "asst_1"},
    "file": {"id": "f"},
    "file_position": {"id": "f"},
    "files_there": {"ids": '["f"]'},
    "files_named": {"ids": '["f"]'},
    "files_of_conversation": {"ids": '["f"]', "thread_id": "t", "now": 1.0},
    "files_page.desc": {"purpose": "assistants", "after": None, "limit": 9},
    "usage_of": {"by": "day", "first": 0, "last": 9},
    "vector_store": {"id": "vs"},
    "store_position": {"id": "vs"},
    "stores_page.asc": {"after": None, "limit": 9},
    "stores_named": {"ids": '["vs"]'},
    "stores_there": {"ids": '["vs"]'},
    "store_file": {"store_id": "vs", "file_id": "f"},
    "store_file_position": {"id": "f", "store_id": "vs"},
    "store_file_at": {"store_id": "vs", "path": "a/f"},
    "store_files_page.asc": {"store_id": "vs", "status": None, "after": None, "limit": 9},
    "store_files_numbered": {"numbers": "[1]"},
    "store_files_described": {"stores": "[1]"},
    "batch": {"store_id": "vs", "id": "b"},
    "batch_files_page.asc": {"store_id": "vs", "id": "b", "status": None, "after": None, "limit": 9},
    "upload": {"id": "u"},
    "upload_parts": {"id": "u"},
    "page_kept": {"url": "https://a.example/", "since": 0.0},
    "storage_used": {},
    "messages_room": {"thread_id": "t", "most": 9},
    "store_files_room": {"store_id": "vs", "most": 9},
    "revision_is": {"kind": "thread", "n": 1, "revision": 1},
    "import": {"id": "imp"},
    "import_of_source": {"source": "there"},
    "import_position": {"id": "imp"},
    "imports_page.asc": {"after": None, "limit": 9},
    "import_counts": {"id": "imp"},
    "import_known": {"import_id": "imp", "names": '[["thread","t_there"]]'},
    "imported_page.asc": {"import_id": "imp", "after": None, "limit": 9},
    "imported_noted_page.asc": {"import_id": "imp", "after": None, "limit": 9},
    "import_threads": {"ids": '["t"]'},
    "import_thread_same": {"thread_id": "t4", "last_id": None},
}
OF_IMPORT = {"import_id": "imp", "notes": "[1]"}
DONE = {"version": "1", "space": None, "chunks": 1, "size": 1, "now": 1}
BOUND_WRITES = {
    "thread_update": {
        **dict.fromkeys(("title", "meta_data", "tool_resources", "participants"), "1"),
        "id": "t",
        "revision": 1,
    },
    "thread_resources": {"id": "t", "tool_resources": "2", "before": "1"},
    "thread_delete": {"id": "t"},
    "message_insert": message("m2", "t").params,
    "message_update": {"id": "m", "meta_data": "1", "revision": 1},
    "message_delete": {"id": "m"},
    "assistant_update": {"id": "a", "revision": 1, "body": "1"},
    "assistant_delete": {"id": "a"},
    "run_insert": run("r2", "t")[1].params,
    "run_meta_data": {"id": "r", "meta_data": "1", "revision": 1},
    "run_model": {"id": "p", "model": "script/other"},
    "run_delete": {"id": "old"},
    "journal_begin": {"run_id": "r", "kind": "warning", "data": "{}", "written_ms": 1},
    "call_mark": {"action_id": "act", "mark": "processing"},
    "auth_code_use": {"hash": b"code", "now": 1},
    "key_revoke": {"prefix": "ea_1", "now": 5},
    "key_restrict": {"prefix": "ea_1"},
    "keys_prune": {"most": 0},
    "keys_expire": {"now": 9},
    "auth_codes_trim": {"most": 0},
    "delivery_test": {"id": "evt2", "assistant_id": "asst_1", "event": "webhook.test", "body": "{}", "now": 1},
    "delivery_redeliver": {"id": "evt", "now": 1},
    "webhook_secret_insert": {"assistant_id": "asst_1", "secret": "whsec_x", "now": 1},
    "webhook_secrets_retire": {"assistant_id": "asst_1", "until": 5},
    "store_update": {
        "id": "vs",
        "name": "a",
        "description": None,
        "meta_data": "{}",
        "expires_days": None,
        "now": 2,
        "revive": False,
        "revision": 1,
    },
    "stores_touch": {"ids": '["vs"]', "now": 3},
    "store_file_attach": {
        "store_id": "vs",
        "file_id": "f",
        "attributes": "{}",
        "path": "a/f",
        "chunk_tokens": 800,
        "overlap_tokens": 400,
        "now": 1,
    },
    "store_file_bring": BROUGHT,
    "store_file_brought": {"n": 2, **DONE},
    "store_file_describe": {"store_id": "vs", "file_id": "f", "attributes": '{"a":1}', "revision": 2},
    "store_file_mark": {
        "store_id": "vs_own",
        "file_id": "g",
        "status": "failed",
        "error_code": None,
        "error": None,
        "revision": 2,
    },
    "batch_insert": {"id": "b2", "store_id": "vs", "now": 1},
    "batch_file": {"id": "b2", "file_id": "f"},
    "batch_cancel": {"id": "b", "store_id": "vs", "now": 2},
    "batch_files_cancel": {"id": "b", "store_id": "vs", "now": 2},
    "store_file_detach": {"store_id": "vs_own", "file_id": "g"},
    "file_leave_stores": {"id": "f"},
    "store_delete": {"id": "vs"},
    "upload_part_insert": {"id": "part2", "upload": "u", "size": 3, "blob": "another", "now": 1, "most": 9},
    "upload_parts_delete": {"id": "u"},
    "upload_end": {"id": "u", "status": "cancelled", "file_id": None},
    "pages_bound": {"most": 0},
    "file_leave_assistants": {"id": "f"},
    "file_leave_threads": {"id": "f"},
    "file_delete": {"id": "f"},
    "idempotency_answer": {"key": "key", "seed": b"seed", "status": 200, "answer": b"{}"},
    "imported_insert": {**OF_IMPORT, "kind": "message", "source_id": "m_there", "id": "m"},
    "imported_update": {**OF_IMPORT, "kind": "assistant", "source_id": "a_there", "id": "a"},
    "imported_advance": {
        "import_id": "imp",
        "source_id": "t_there",
        "cursor": "m_there",
        "last_id": "m",
        "cursor_before": None,
        "last_id_before": None,
    },
    "imported_complete": {"import_id": "imp", "threads": '["t_there"]'},
    "message_import": {
        **dict.fromkeys(("assistant_id", "run_id", "status", "reason", "meta_data", "attachments", "annotations")),
        "id": "m_imported",
        "thread_id": "t3",
        "created_at": 1,
        "role": "user",
        "content": '"Hi"',
    },
    "import_end": {"id": "imp", "now": 2},
    "import_begin": {"id": "imp", "now": 3},
}
CREATIONS = {
    "thread_insert",
    "file_insert",
    "assistant_insert",
    "key_insert",
    "auth_code_insert",
    "idempotency_claim",
} | {
    "store_insert",
    "upload_insert",
    "page_keep",
    "erased_id_insert",
    "import_insert",
    "store_import",
    "rate_take",
}
"""These write the owner down; whose it is they cannot get wrong."""
OF_ONESELF = {
    "runs_room",
    "storage_room",
    "reader",
    "admin_key_remains",
    "imports_room",
    "import_room",
    "import_ids",
} | {"rate_full_at"}
"""These report on the owner itself, which can have nothing, and on free ids."""


OF_APPROVAL = {"reason": "require_approval", "digest": "0", "now": 1, "expires_at": 9.0}


async def furnish(store: Store) -> None:
    """Ann has one of everything; Bob has nothing."""
    n = await born(store)
    await store.write([user("bob")])
    key = {"prefix": "ea_1", "hash": b"key", "name": None, "now": 1, "expires_at": None}
    code = {"key_prefix": "ea_1", "expires_at": 5}
    event = {"event": "webhook.test", "body": "{}", "now": 1}
    await store.of("ann").write(
        [
            message("m", "t"),
            Op(queries.ASSISTANT_INSERT, {"id": "a", "body": "{}"}),
            Op(queries.KEY_INSERT, key),
            Op(queries.KEY_INSERT, {**key, "prefix": "ea_2", "hash": b"expired", "expires_at": 5}),
            *(Op(queries.AUTH_CODE_INSERT, {**code, "hash": one}) for one in (b"code", b"another code")),
            claim("key"),
            thread("t2"),
            *run("old", "t2"),
            thread("t3"),
            *run("p", "t3"),
            Op(queries.ASSISTANT_INSERT, {"id": "asst_1", "body": '{"webhook_url":"https://hooks.example"}'}),
            Op(queries.WEBHOOK_SECRET_INSERT, {"assistant_id": "asst_1", "secret": "whsec_x", "now": 1}),
            Op(queries.DELIVERY_TEST, {**event, "id": "evt", "assistant_id": "asst_1"}),
            file("f"),
            Op(queries.ASSISTANT_INSERT, {"id": "b", "body": f'{{"tool_resources":{CODE_FILES}}}'}),
            thread("t4", tool_resources=CODE_FILES),
            *knowledge(),
            Op(queries.IMPORT_INSERT, {"id": "imp", "source": "there", "now": 1}),
            Op(queries.IMPORTED_INSERT, {**OF_IMPORT, "kind": "thread", "source_id": "t_there", "id": "t"}),
            Op(queries.IMPORTED_INSERT, {**OF_IMPORT, "kind": "assistant", "source_id": "a_there", "id": None}),
        ]
    )
    call = {"action_id": "act", "run": n, "call_id": "call", "turn": 1, "position": 0, "name": "add"}
    old = await store.of("ann").one(queries.RUN, id="old")
    waits = await store.of("ann").one(queries.RUN, id="p")
    await store.write(
        [
            Op(queries.CALL_INSERT, {**call, **UNANSWERED}),
            Op(queries.APPROVAL_INSERT, {"id": "appr", "run": n, "call_id": "call", **OF_APPROVAL}),
            Op(
                queries.USAGE_ADD,
                {
                    "run": n,
                    "day": 7,
                    "turns": 1,
                    "cost": None,
                    "prompt_tokens": 20,
                    "completion_tokens": 10,
                    "cached_tokens": 16,
                    "reasoning_tokens": 4,
                },
            ),
            decide(old.n, 1, "completed"),
            output("m3", (await store.one(queries.RUN_STATE, n=n)).thread, "r", "call"),
            Op(queries.DELIVERY_INSERT, {**event, "id": "evt_p", "run": waits.n, "event": "run.action_required"}),
        ]
    )
    await store.write([decide(waits.n, 1, "pending")])


async def test_an_owner_sees_what_is_theirs_and_a_stranger_nothing_of_it(store: Store) -> None:
    await furnish(store)
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(handle(query), **params), query
        assert await store.of("bob").all(handle(query), **params) == [], query
        assert await store.of("bob").one(handle(query), **params) is None, query


async def test_a_stranger_changes_nothing_of_an_owners(store: Store) -> None:
    await furnish(store)
    missing = RowMissing("thing", "of another owner")
    for query, params in BOUND_WRITES.items():
        with pytest.raises(RowMissing):
            await store.of("bob").write([Op(handle(query), params, missing=missing)])
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(handle(query), **params), query


async def test_an_owner_may_do_what_a_stranger_may_not(store: Store) -> None:
    await furnish(store)
    deletions = ["run_delete", "message_delete", "assistant_delete", "thread_delete"]
    first = [query for query in BOUND_WRITES if query not in deletions]
    blocked = {"run_insert": UniqueClash("run", "t")}
    for query in [*first, *deletions]:
        op = Op(handle(query), BOUND_WRITES[query], missing=RowMissing(query, ""), clash=blocked.get(query))
        if query in blocked:
            with pytest.raises(UniqueClash):  # the thread has an open run; but it is the owner's
                await store.of("ann").write([op])
        else:
            await store.of("ann").write([op])


async def test_a_view_fills_in_its_owner_whatever_the_caller_says(store: Store) -> None:
    await furnish(store)
    assert await store.of("bob").one(queries.THREAD, id="t", owner="ann") is None
    with pytest.raises(RowMissing):
        await store.of("bob").write(
            [Op(queries.THREAD_DELETE, {"id": "t", "owner": "ann"}, missing=RowMissing("thread", "t"))]
        )


async def test_the_room_for_runs_is_that_of_whoever_asks(store: Store) -> None:
    await furnish(store)
    for owner, most, there in (("ann", 3, True), ("ann", 2, False), ("bob", 1, True)):
        row = await store.of(owner).one(queries.RUNS_ROOM, most=most, interrupts=None)
        assert (row is not None) is there, (owner, most)


UNBOUND = ["user", "caller", "run_state", "journal_after", "prompt_page", "runs_waiting"]


@pytest.mark.parametrize("query", UNBOUND)
async def test_a_view_of_an_owner_refuses_to_read_what_is_not_bound_to_one(store: Store, query: str) -> None:
    with pytest.raises(LookupError, match=query):
        await store.of("ann").all(handle(query))
    with pytest.raises(LookupError, match=query):
        await store.of("ann").one(handle(query))


async def test_a_view_of_an_owner_refuses_to_write_what_is_not_bound_to_one(store: Store) -> None:
    await store.write([user("ann")])
    with pytest.raises(LookupError, match="user_delete"):
        await store.of("ann").write([thread("t"), Op(queries.USER_DELETE, {"id": "ann"})])
    assert await store.of("ann").one(queries.THREAD, id="t") is None
    assert await users(store) == ["ann"]


# Keys.


async def test_a_key_opens_what_it_is_for_until_it_expires_or_is_revoked(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    for name, expires_at in (("forever", None), ("short", 50)):
        key = {"prefix": name, "hash": name.encode(), "name": None, "now": 1, "expires_at": expires_at}
        await ann.write([Op(queries.KEY_INSERT, key)])

    async def opens(name: str, now: int) -> bool:
        return await store.one(queries.CALLER, hash=name.encode(), now=now) is not None

    assert [await opens("short", now) for now in (1, 49, 50)] == [True, True, False]
    assert not await opens("unknown", 1)
    revoke = Op(queries.KEY_REVOKE, {"prefix": "forever", "now": 60}, missing=RowMissing("key", "forever"))
    await ann.write([revoke])
    assert not await opens("forever", 61)
    with pytest.raises(RowMissing):
        await ann.write([revoke])


async def test_a_hash_belongs_to_one_key(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    key = {"prefix": "one", "hash": b"same", "name": None, "now": 1, "expires_at": None}
    await store.of("ann").write([Op(queries.KEY_INSERT, key)])
    with pytest.raises(UniqueClash):
        await store.of("bob").write([Op(queries.KEY_INSERT, {**key, "prefix": "two"}, clash=UniqueClash("key", "two"))])
    assert (await store.one(queries.CALLER, hash=b"same", now=1)).id == "ann"


# Idempotency keys.


async def test_what_a_key_claims_is_written_once_until_that_is_long_ago(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    taken = UniqueClash("idempotency_key", "k")
    ann, bob = store.of("ann"), store.of("bob")
    await ann.write([claim("k", made_at=10, since=0), thread("t1")])
    await ann.write([Op(queries.IDEMPOTENCY_ANSWER, {"key": "k", "seed": b"seed", "status": 200, "answer": b"{}"})])
    with pytest.raises(UniqueClash):
        await ann.write([claim("k", made_at=20, since=9, missing=taken), thread("t2")])
    assert await ann.one(queries.THREAD, id="t2") is None
    await bob.write([claim("k", made_at=20, since=9, missing=taken)])
    row = await ann.one(queries.IDEMPOTENCY, key="k", since=9)
    assert (row.made_at, row.status, row.answer) == (10, 200, b"{}")
    await ann.write([claim("k", made_at=30, since=10, missing=taken), thread("t3")])
    row = await ann.one(queries.IDEMPOTENCY, key="k", since=9)
    assert (row.made_at, row.status, row.answer) == (30, None, None)


async def test_what_was_done_under_a_key_is_forgotten_when_it_is_long_ago(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    await ann.write([claim("old", made_at=10), claim("young", made_at=11)])
    assert await ann.one(queries.IDEMPOTENCY, key="old", since=10) is None
    await store.write([Op(queries.IDEMPOTENCY_PRUNE, {"until": 10, "limit": 9})])
    assert await ann.one(queries.IDEMPOTENCY, key="old", since=0) is None
    assert await ann.one(queries.IDEMPOTENCY, key="young", since=0) is not None


# Pages.


@pytest.mark.parametrize("order", ["asc", "desc"])
async def test_pages_run_both_ways_without_gaps_or_repeats(store: Store, order: str) -> None:
    await store.write([user("ann"), user("bob")])
    ids = [f"t{number}" for number in range(7)]
    for id in ids:
        await store.of("ann").write([thread(id)])
        await store.of("bob").write([thread(f"bob's {id}")])
    seen: list[str] = []
    after = None
    while rows := await store.of("ann").all(queries.THREADS_PAGE.ordered(order), after=after, limit=3):
        assert len(rows) <= 3
        seen += [row.id for row in rows]
        after = rows[-1].n
    assert seen == (ids if order == "asc" else ids[::-1])


async def test_a_page_is_not_moved_by_what_is_written_meanwhile(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    for number in range(4):
        await ann.write([thread(f"t{number}")])
    first = await ann.all(queries.THREADS_PAGE.desc, after=None, limit=2)
    await ann.write([thread("new"), Op(queries.THREAD_DELETE, {"id": "t3"})])
    rest = await ann.all(queries.THREADS_PAGE.desc, after=first[-1].n, limit=9)
    assert [row.id for row in rest] == ["t1", "t0"]


def gone(query: str, **params: Value) -> list[Op]:
    """Ann deletes something."""
    return [Op(handle(query), {**params, "owner": "ann"})]


PRUNED = [
    Op(queries.DELIVERIES_DROP, {"entry": "{}", "now": 1}),
    Op(queries.DELIVERIES_PRUNE, {"before": 9, "limit": 9}),
]
GONE: dict[str, tuple[dict[str, Value], list[Op]]] = {
    "assistant_position": ({"id": "a"}, gone("assistant_delete", id="a")),
    "thread_position": ({"id": "t2"}, gone("thread_delete", id="t2")),
    "run_position": ({"id": "p"}, gone("thread_delete", id="t3")),
    "thread_run_position": ({"id": "old", "thread_id": "t2"}, gone("run_delete", id="old")),
    "message_position": ({"id": "m", "thread_id": "t"}, gone("message_delete", id="m")),
    "file_position": ({"id": "f"}, gone("file_delete", id="f")),
    "store_position": ({"id": "vs"}, gone("store_delete", id="vs")),
    "store_file_position": ({"id": "f", "store_id": "vs"}, gone("file_leave_stores", id="f")),
    "delivery_position": ({"id": "evt"}, PRUNED),
}
"""The position of an object, and what deletes the object, at once or when it is swept."""


@pytest.mark.parametrize("query", GONE)
async def test_a_deleted_object_keeps_its_position_for_its_owner_alone(
    another: Callable[[], Store], query: str
) -> None:
    params, deletion = GONE[query]
    store = another()
    await store.open()
    await furnish(store)
    before = await store.of("ann").one(handle(query), **params)
    await store.write(deletion)
    assert await store.of("ann").one(handle(query), **params) == before
    await sweep(store)
    await store.close()
    second = another()
    await second.open()
    try:
        assert await second.of("ann").one(handle(query), **params) == before
        assert await second.of("bob").one(handle(query), **params) is None
        await second.write([Op(queries.TOMBSTONES_PRUNE, {"before": 2**40, "limit": 99})])
        assert await second.of("ann").one(handle(query), **params) is None
    finally:
        await second.close()


async def test_an_id_that_is_used_again_means_the_object_that_is_there(store: Store) -> None:
    await furnish(store)
    ann, detach = store.of("ann"), Op(queries.STORE_FILE_DETACH, {"file_id": "g", "store_id": "vs_own"})
    await ann.write([detach, Op(queries.STORE_FILE_BRING, BROUGHT)])
    again = await ann.one(queries.STORE_FILE, store_id="vs_own", file_id="g")
    for _ in range(2):
        assert (await ann.one(queries.STORE_FILE_POSITION, store_id="vs_own", id="g")).position == again.n
        await ann.write([detach])


async def test_pages_of_messages_leave_out_turns_that_only_asked_for_calls(store: Store) -> None:
    n = await born(store)
    row = await store.one(queries.RUN_STATE, n=n)
    said = {"thread": row.thread, "now": 1, "role": "assistant", "assistant_id": None, "run_id": "r", "status": None}
    silent = {**said, "reason": None, "call_id": None, "reasoning": None, "calls": "[]", "attachments": None, "turn": 1}
    silent |= {"annotations": None, "usage": None, "cost": None, "provider_state": None}
    await store.write(
        [
            Op(queries.MESSAGE_KEEP, {**silent, "id": "m1", "content": '""'}),
            Op(queries.MESSAGE_KEEP, {**silent, "id": "m2", "content": '"Let me see."'}),
        ]
    )
    page = await store.of("ann").all(queries.MESSAGES_PAGE.asc, thread_id="t", after=None, limit=9)
    assert [row.id for row in page] == ["m2"]
    prompt = await store.all(queries.PROMPT_PAGE, thread=row.thread, before=10**9, limit=9)
    assert len(prompt) == 2


# Values.


TEXTS = {
    "empty": "",
    "nul": "with \0 in it",
    "unicode": "\U0001f916 e\u0301 \u2028 \x7f",
    "quotes": "'; DROP TABLE users; --",
    "marks": "$ORDER :owner ?",
    "long": "x" * 1_000_000,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_text_comes_back_as_it_was_written(store: Store, text: str) -> None:
    await store.write([user("ann", body=text)])
    assert (await store.one(queries.USER, id="ann")).body == text


async def test_numbers_and_nothing_come_back_as_they_were_written(store: Store) -> None:
    n = await born(store)
    row = await store.one(queries.RUN_STATE, n=n)
    assert (row.expires_at, row.created_at, row.lease) == (1000.5, 1, None)


# Runs.


async def test_a_thread_has_one_open_run_at_most(store: Store) -> None:
    n = await born(store)
    with pytest.raises(UniqueClash):
        await store.of("ann").write(run("r2", "t", clash=UniqueClash("run", "t")))
    for version, status in enumerate(("in_progress", "requires_action", "queued", "cancelling"), start=1):
        await store.write([decide(n, version, status, missing=StaleRow())])
        with pytest.raises(UniqueClash):
            await store.of("ann").write(run("r2", "t", clash=UniqueClash("run", "t")))
    await store.write([decide(n, 5, "cancelled", missing=StaleRow())])
    await store.of("ann").write(run("r2", "t", clash=UniqueClash("run", "t")))


async def test_a_run_needs_a_thread_of_its_owner(store: Store) -> None:
    await born(store)
    await store.write([user("bob")])
    for owner, thread_id in (("bob", "t"), ("ann", "nowhere")):
        with pytest.raises(RowMissing):
            await store.of(owner).write(run("r2", thread_id, missing=RowMissing("thread", thread_id)))


async def test_a_run_is_not_deleted_before_its_end(store: Store) -> None:
    n = await born(store)
    delete = Op(queries.RUN_DELETE, {"id": "r"}, missing=UniqueClash("open_run", "r"))
    with pytest.raises(UniqueClash):
        await store.of("ann").write([delete])
    await store.write([decide(n, 1, "completed")])
    await store.of("ann").write([delete])
    await sweep(store)
    assert await journal(store, n) == []


OF_A_THREAD = """
thread thread_asked messages_page.desc spoken_page.desc formatted_page message message_answering thread_runs_page.asc
run run_open action actions_of_run approval approvals_page.asc step steps_page.asc calls_of_turns
"""


async def test_a_deleted_thread_is_hidden_at_once_and_swept_later(store: Store) -> None:
    await furnish(store)
    ann = store.of("ann")
    n = (await ann.one(queries.RUN, id="r")).n
    await ann.write([Op(queries.THREAD_DELETE, {"id": "t"})])
    for query in OF_A_THREAD.split():
        assert await ann.all(handle(query), **BOUND_READS[query]) == [], query
    assert await store.one(queries.RUN_STATE, n=n) is None
    assert await store.one(queries.RUN_LEASE, n=n) is None
    await sweep(store)
    assert await journal(store, n) == []


async def test_what_belongs_to_a_user_goes_with_them(store: Store) -> None:
    await furnish(store)
    await store.write([Op(queries.USER_DELETE, {"id": "ann"})])
    assert await store.one(queries.USER, id="ann") is None
    assert await users(store) == ["bob"]
    await sweep(store)
    assert set((await store.left("ann")).values()) == {0}
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(handle(query), **params) == [], query


async def test_a_run_waits_for_work_until_it_is_held_and_again_when_the_hold_runs_out(store: Store) -> None:
    n = await born(store)

    async def waiting(now: float) -> bool:
        (row,) = await store.all(queries.RUNS_WAITING, now=now, after="", window=9, each=9, full="[]")
        return msgspec.json.decode(row.waiting) == [n]

    assert await waiting(100)
    await store.write([held(n, 1, 130.0)])
    assert [await waiting(now) for now in (100, 129.9, 130)] == [False, False, True]
    await store.write([Op(queries.LEASES_EXTEND, {"lease": "worker", "until": 160.0, "now": 129.9})])
    await store.write([Op(queries.LEASES_EXTEND, {"lease": "another", "until": 999.0, "now": 129.9})])
    assert [await waiting(now) for now in (159, 160)] == [False, True]
    await store.write([Op(queries.LEASES_EXTEND, {"lease": "worker", "until": 999.0, "now": 160.0})])
    assert await waiting(160)
    await store.write([Op(queries.LEASES_CLEAR)])
    assert await waiting(100)
    await store.write([decide(n, 2, "requires_action")])
    assert await store.all(queries.RUNS_WAITING, now=1000, after="", window=9, each=9, full="[]") == []


async def test_runs_whose_time_is_up_are_found_while_they_are_open(store: Store) -> None:
    n = await born(store)
    assert await store.all(queries.RUNS_EXPIRED, now=1000.4, overdue=1000.4, limit=9) == []
    assert [row.n for row in await store.all(queries.RUNS_EXPIRED, now=1000.5, overdue=1000.5, limit=9)] == [n]
    await store.write([decide(n, 1, "expired")])
    assert await store.all(queries.RUNS_EXPIRED, now=2000, overdue=2000, limit=9) == []


@pytest.mark.parametrize("status", ["pending", "queued", "in_progress", "requires_action", "cancelling", "completed"])
async def test_a_thread_is_idle_while_none_of_its_runs_is_open(store: Store, status: str) -> None:
    n = await born(store)
    ann, idle = store.of("ann"), Op(queries.THREAD_IDLE, {"thread_id": "t"}, missing=UniqueClash("open_run", "t"))
    await store.write([decide(n, 1, status)])
    assert (await ann.one(queries.THREAD_IDLE, thread_id="t") is not None) is (status == "completed")
    if status == "completed":
        await ann.write([idle, message("m", "t")])
    else:
        with pytest.raises(UniqueClash):
            await ann.write([idle, message("m", "t")])
    assert (await ann.one(queries.MESSAGE, id="m") is not None) is (status == "completed")


async def test_what_users_and_assistants_said_is_listed_of_a_thread_or_of_a_run(store: Store) -> None:
    n = await born(store)
    place = (await store.one(queries.RUN_STATE, n=n)).thread
    system = message("s", "t")
    await store.of("ann").write([Op(queries.MESSAGE_INSERT, {**system.params, "role": "system"}), message("m", "t")])
    answer = {**output("a", place, "r", "call").params, "role": "assistant", "call_id": None}
    asking = {**answer, "id": "b", "content": '""', "calls": "[]"}
    await store.write(
        [output("o", place, "r", "call"), Op(queries.MESSAGE_KEEP, answer), Op(queries.MESSAGE_KEEP, asking)]
    )

    async def listed(query: str, run_id: str | None = None, after: int | None = None) -> list[str]:
        rows = await store.of("ann").all(handle(query), thread_id="t", run_id=run_id, after=after, limit=9)
        return [row.id for row in rows]

    assert await listed("spoken_page.asc") == ["m", "a"]
    assert await listed("spoken_page.desc") == ["a", "m"]
    assert await listed("spoken_page.asc", after=(await store.of("ann").one(queries.MESSAGE, id="m")).n) == ["a"]
    assert await listed("spoken_page.asc", "r") == ["a"]
    assert await listed("spoken_page.asc", "other") == []


async def test_the_files_that_runs_of_a_thread_made_are_found(store: Store) -> None:
    n = await born(store)
    place = (await store.one(queries.RUN_STATE, n=n)).thread
    await store.of("ann").write(
        [file("f"), file("g", thread=place, name="a.png"), file("h", thread=place, name="b.csv")]
    )
    assert [(row.id, row.name) for row in await store.all(queries.FILES_MADE, thread=place)] == [
        ("g", "a.png"),
        ("h", "b.csv"),
    ]
    assert await store.all(queries.FILES_MADE, thread=place + 1) == []


async def test_configurations_live_as_long_as_a_run_needs_them(store: Store) -> None:
    n = await born(store)
    assert (await store.one(queries.RUN_STATE, n=n)).config_body == "{}"
    await store.write([decide(n, 1, "completed")])
    await store.of("ann").write([Op(queries.RUN_DELETE, {"id": "r"})])
    await sweep(store)
    _, insert, _ = run("r2", "t", clash=UniqueClash("configuration", "gone"))
    with pytest.raises(UniqueClash):
        await store.of("ann").write([insert])


# Journals.


async def test_positions_follow_one_another_whatever_each_row_holds(store: Store) -> None:
    n = await born(store)
    await store.write([held(n, 1, 1.0)])
    await store.write([tell(n, "a", "b", "c"), tell(n, "d", version=2)])
    await asyncio.gather(*(store.write([tell(n, "e", "f", version=2)]) for _ in range(5)))
    assert [position for position, _ in await journal(store, n)] == [1, 2, 5, 6, 8, 10, 12, 14]


async def test_a_stream_writes_nothing_once_the_run_was_decided_anew(store: Store) -> None:
    n = await born(store)
    await store.write([held(n, 1, 1.0)])
    rows = await store.write([tell(n, "a", version=2, missing=StaleRow())])
    assert rows[0].position == 2
    results = await asyncio.gather(
        store.write([tell(n, "before", version=2, missing=StaleRow())]),
        store.write([held(n, 2, 1.0), tell(n, "decided")]),
        store.write([tell(n, "after", version=2, missing=StaleRow())]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [list, list, StaleRow]
    with pytest.raises(StaleRow):
        await store.write([tell(n, "late", version=2, missing=StaleRow())])
    assert [data for _, data in await journal(store, n)][1:] == ['["a"]', '["before"]', '["decided"]']
    await store.write([tell(n, "new", version=3, missing=StaleRow())])


async def test_a_stream_writes_nothing_once_the_run_may_be_taken_over(store: Store) -> None:
    n = await born(store)
    for until in (0.0, None):
        row = await store.one(queries.RUN_STATE, n=n)
        await store.write([held(n, row.version, until) if until is not None else decide(n, row.version)])
        with pytest.raises(StaleRow):
            await store.write([tell(n, "late", version=row.version + 1, missing=StaleRow())])
    assert len(await journal(store, n)) == 1


async def test_a_stream_of_a_run_that_was_deleted_writes_nothing(store: Store) -> None:
    n = await born(store)
    await store.of("ann").write([Op(queries.THREAD_DELETE, {"id": "t"})])
    with pytest.raises(StaleRow):
        await store.write([tell(n, "a", version=1, missing=StaleRow())])
    await sweep(store)
    assert await journal(store, n) == []


async def test_a_reader_may_begin_in_the_middle_of_a_row(store: Store) -> None:
    n = await born(store)
    await store.write([tell(n, "a", "b", "c"), tell(n, "d")])
    starts = {after: [position for position, _ in await journal(store, n, after)] for after in range(7)}
    assert starts == {0: [1, 2, 5], 1: [2, 5], 2: [2, 5], 3: [2, 5], 4: [5], 5: [5], 6: [5]}


async def test_rows_can_be_put_in_place_of_others_at_their_positions(store: Store) -> None:
    n = await born(store)
    await store.write([tell(n, "a"), tell(n, "b"), tell(n, "c")])
    put = {"run": n, "position": 2, "count": 3, "kind": "content", "data": '["a","b","c"]'}
    put |= {"written_ms": 1_751_169_829_123, "spans": "[2,0,1,-5]"}
    await store.write(
        [Op(queries.JOURNAL_DROP, {"run": n, "first": 2, "last": 4}), Op(queries.JOURNAL_PUT, put), tell(n, "d")]
    )
    assert await journal(store, n, 1) == [(2, '["a","b","c"]'), (5, '["d"]')]
    rows = await store.all(queries.JOURNAL_AFTER, run=n, after=1, limit=9)
    assert [(row.written_ms, row.spans) for row in rows] == [(1_751_169_829_123, "[2,0,1,-5]"), (1000, None)]


async def test_the_last_event_of_some_kinds_is_found(store: Store) -> None:
    n = await born(store)
    await store.write([tell(n, "a"), tell(n, "b")])
    assert (await store.one(queries.JOURNAL_LAST, run=n, kinds='["content","status"]')).position == 3
    assert (await store.one(queries.JOURNAL_LAST, run=n, kinds='["status"]')).position == 1
    assert await store.one(queries.JOURNAL_LAST, run=n, kinds='["error"]') is None


async def test_a_call_is_written_once(store: Store) -> None:
    await furnish(store)
    n = (await store.of("ann").one(queries.RUN, id="r")).n
    call = {"action_id": "act_2", "run": n, "call_id": "call", "turn": 1, "position": 1, "name": "add"}
    op = Op(queries.CALL_INSERT, {**call, **UNANSWERED}, clash=UniqueClash("call", "call"))
    with pytest.raises(UniqueClash):
        await store.write([op])


# Backlogs.


async def backlogs(store: Store, now: float, limit: int = 100) -> dict[str, tuple[int, float | None, float | None]]:
    """Each queue's number of waiting entries, the time of its oldest due one, and the first end of a lease."""
    rows = await store.all(queries.QUEUE_BACKLOGS, now=now, limit=limit)
    return {row.queue: (row.amount, row.oldest_at, row.lease_until) for row in rows}


async def test_open_runs_are_counted_by_status_up_to_a_limit(store: Store) -> None:
    n = await born(store)
    await store.of("ann").write([thread("t2"), *run("r2", "t2"), thread("t3"), *run("r3", "t3")])
    await store.write([held(n, 1, until=50.5)])
    counted = await store.all(queries.RUNS_BY_STATUS, limit=100)
    assert {row.status: row.amount for row in counted} == {"queued": 2, "in_progress": 1}
    assert sum(row.amount for row in await store.all(queries.RUNS_BY_STATUS, limit=2)) == 2


async def test_queues_report_what_waits_since_when_and_the_first_end_of_a_lease(store: Store) -> None:
    assert await backlogs(store, 5.25) == dict.fromkeys(("runs", "ingest", "outbox"), (0, None, None))
    n = await born(store)
    event = {"event": "webhook.test", "body": "{}", "now": 2}
    assistant = Op(queries.ASSISTANT_INSERT, {"id": "asst_1", "body": '{"webhook_url":"https://hooks.example"}'})
    delivery = Op(queries.DELIVERY_TEST, {**event, "id": "evt", "assistant_id": "asst_1"})
    await store.of("ann").write([thread("t2"), *run("r2", "t2"), file("f"), *knowledge(), assistant, delivery])
    queued = await backlogs(store, 5.25)
    assert {queue: entry[1:] for queue, entry in queued.items()} == {
        "runs": (1, None),
        "ingest": (1, None),
        "outbox": (2, None),
    }
    assert (queued["runs"][0], queued["outbox"][0]) == (2, 1)
    assert (await backlogs(store, 5.25, limit=1))["runs"][0] == 1
    await store.write([held(n, 1, until=50.5)])
    assert (await backlogs(store, 5.25))["runs"] == (1, 1, 50.5)
    assert (await backlogs(store, 60.0))["runs"] == (2, 1, 50.5)


async def test_commits_are_observed_with_the_number_of_their_groups(observed: ObservedStore) -> None:
    await observed.store.write([user("ann")])
    await observed.store.all(queries.USERS_PAGE.asc, after=None, limit=9)
    await asyncio.gather(*(observed.store.write([user(f"user {number}")]) for number in range(5)))
    assert sum(groups for _, groups in observed.commits) == 6
    assert all(seconds > 0 for seconds, _ in observed.commits)


# The place.


async def test_everything_is_there_again_after_the_store_was_closed(another: Callable[[], Store]) -> None:
    first, second = another(), another()
    await first.open()
    await furnish(first)
    before = {query: await first.of("ann").all(handle(query), **params) for query, params in BOUND_READS.items()}
    await first.close()
    await second.open()
    try:
        after = {query: await second.of("ann").all(handle(query), **params) for query, params in BOUND_READS.items()}
        assert list(map(repr, after.values())) == list(map(repr, before.values()))
    finally:
        await second.close()


async def test_what_is_being_written_when_the_store_is_closed_is_finished(another: Callable[[], Store]) -> None:
    store = another()
    await store.open()
    writing = [asyncio.create_task(store.write([user(f"user_{number}")])) for number in range(30)]
    await asyncio.wait([asyncio.ensure_future(store.write([user("last")]))])
    more = [asyncio.create_task(store.write([user(f"late_{number}")])) for number in range(3)]
    await asyncio.gather(*writing, store.close())
    results = await asyncio.gather(*more, return_exceptions=True)
    await store.open()
    try:
        there = set(await users(store))
        assert {f"user_{number}" for number in range(30)} <= there
        for number, result in enumerate(results):  # in time or not: whoever was told so can rely on it
            assert isinstance(result, StoreUnavailable) is (f"late_{number}" not in there)
    finally:
        await store.close()


async def test_a_second_holder_of_an_exclusive_store_is_refused_until_the_first_lets_go(
    another: Callable[[], Store],
) -> None:
    first, second = another(), another()
    await first.open()
    if first.exclusive:
        with pytest.raises(StoreUnavailable, match="in use"):
            await second.open()
    else:
        await second.open()
    await first.write([user("ann")])
    await first.close()
    if second.exclusive:
        await second.open()
    assert await users(second) == ["ann"]
    await second.close()


async def test_a_store_can_be_closed_twice_and_opened_again(another: Callable[[], Store]) -> None:
    store = another()
    await store.close()
    await store.open()
    await store.write([user("ann")])
    await store.close()
    await store.close()
    await store.open()
    assert await users(store) == ["ann"]
    await store.close()


# Files.


async def test_a_file_that_is_deleted_leaves_the_lists_that_refer_to_it_and_nothing_else_changes(store: Store) -> None:
    await store.write([user("ann")])
    listed = '{"code_interpreter":{"file_ids":["f","g"],"x":1.50},"other":{"file_ids":["f"]}}'
    left = '{"code_interpreter":{"file_ids":["g"],"x":1.50},"other":{"file_ids":["f"]}}'
    words = '{"name":"a file \\"f\\"","tool_resources":null}'
    ann = store.of("ann")
    await ann.write(
        [
            Op(queries.ASSISTANT_INSERT, {"id": "a", "body": f'{{"name":"ü","tool_resources":{listed}}}'}),
            Op(queries.ASSISTANT_INSERT, {"id": "b", "body": words}),
            thread("t", tool_resources=listed),
        ]
    )
    await ann.write([Op(queries.FILE_LEAVE_ASSISTANTS, {"id": "f"}), Op(queries.FILE_LEAVE_THREADS, {"id": "f"})])
    changed, same = await ann.one(queries.ASSISTANT, id="a"), await ann.one(queries.ASSISTANT, id="b")
    assert (changed.body, changed.revision) == (f'{{"name":"ü","tool_resources":{left}}}', 2)
    assert (same.body, same.revision) == (words, 1)
    assert (await ann.one(queries.THREAD, id="t")).tool_resources == left


async def test_a_message_tells_which_of_its_attachments_are_gone(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    await store.of("bob").write([file("another's")])
    said = message("m", "t")
    attached = '[{"file_id":"f"},{"file_id":"g"},{"file_id":"another\'s"}]'
    ann = store.of("ann")
    await ann.write([thread("t"), file("f"), file("g"), Op(said.query, {**said.params, "attachments": attached})])
    assert (await ann.one(queries.MESSAGE, id="m")).gone == '["another\'s"]'
    await ann.write([Op(queries.FILE_DELETE, {"id": "g"})])
    (row,) = await ann.all(queries.MESSAGES_PAGE.asc, thread_id="t", after=None, limit=9)
    assert msgspec.json.decode(row.gone) == ["g", "another's"]


async def test_a_file_outlives_the_thread_whose_run_made_it_but_not_its_owner(store: Store) -> None:
    n = await born(store)
    row = await store.one(queries.RUN_STATE, n=n)
    ann = store.of("ann")
    await ann.write([file("f", thread=row.thread, run_id="r")])
    await ann.write([Op(queries.THREAD_DELETE, {"id": "t"})])
    await sweep(store)
    assert (await ann.one(queries.FILE, id="f")).thread is None
    assert [row.blob for row in await store.all(queries.BLOBS_KNOWN, keys='["blob of f","other"]')] == ["blob of f"]
    await store.write([Op(queries.USER_DELETE, {"id": "ann"})])
    await sweep(store)
    assert await store.all(queries.BLOBS_KNOWN, keys='["blob of f"]') == []
