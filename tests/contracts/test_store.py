"""What every store keeps: the rules of `ports/store.py`, whoever keeps them."""

import asyncio
from collections.abc import Callable
from traceback import walk_tb

import msgspec
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.ports.store import Clash, Missing, Op, Stale, Store, StoreError, Unavailable
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
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


async def users(store: Store) -> list[str]:
    """The ids of all users."""
    return [row.id for row in await store.all("users_page.asc", after=None, limit=1000)]


# Groups.


async def test_a_group_is_written_with_the_first_row_that_each_part_returned(store: Store) -> None:
    await store.write([user("ann")])
    rows = await store.of("ann").write([thread("t"), *run("r", "t")])
    assert [row is None for row in rows] == [True, True, False, True]
    assert rows[2].n == (await store.of("ann").one("run", id="r")).n


async def test_what_was_written_is_seen_by_the_next_read(store: Store) -> None:
    await store.write([user("ann")])
    assert (await store.one("user", id="ann")).id == "ann"


async def test_a_group_of_nothing_is_written(store: Store) -> None:
    assert await store.write([]) == []


async def test_a_group_that_is_refused_leaves_nothing_behind(store: Store) -> None:
    clash = Clash("user", "ann")
    with pytest.raises(Clash):
        await store.write([user("ann"), user("bob"), user("ann", clash=clash), user("cid")])
    assert await users(store) == []


async def test_a_refused_group_does_no_harm_to_the_others_of_the_same_commit(store: Store) -> None:
    results = await asyncio.gather(
        store.write([user("ann")]),
        store.write([user("bob"), user("ann", clash=Clash("user", "ann"))]),
        store.write([user("cid")]),
        store.write([user("dan"), Op("user_delete", {"id": "nobody"}, missing=Missing("user", "nobody"))]),
        store.write([user("eve")]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [list, Clash, list, Missing, list]
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
            row.id for row in await owner.all("messages_page.asc", thread_id=f"thread_{number}", after=None, limit=9)
        ]


async def test_two_writers_that_race_for_a_version_do_not_both_win(store: Store) -> None:
    n = await born(store)
    results = await asyncio.gather(
        *(store.write([decide(n, 1, missing=Stale()), tell(n, str(number))]) for number in range(20)),
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
        await store.write([])
        there = [await store.of("ann").one("thread", id=f"t{number}_{part}") for part in range(3)]
        assert len({row is None for row in there}) == 1


# Errors.


async def test_whoever_is_refused_can_see_why(store: Store) -> None:
    n = await born(store)

    async def lose(op: Op) -> None:
        with pytest.raises((Stale, Clash)):
            await store.write([op])
        assert (await store.one("run_state", n=n)).version == 2
        assert await store.one("user", id="bob") is not None

    async with asyncio.TaskGroup() as group:
        group.create_task(store.write([decide(n, 1), user("bob")]))
        group.create_task(lose(decide(n, 1, missing=Stale())))
        group.create_task(lose(tell(n, "late", version=1, missing=Stale())))
        group.create_task(lose(user("bob", clash=Clash("user", "bob"))))


async def test_an_error_that_is_named_once_can_be_raised_forever(store: Store) -> None:
    n = await born(store)
    stale, clash = Stale(), Clash("user", "ann")
    for _ in range(20):
        for op in (decide(n, 7, missing=stale), user("ann", clash=clash)):
            with pytest.raises(StoreError):
                await store.write([op])
    for error in (stale, clash):
        assert len(list(walk_tb(error.__traceback__))) < 20


async def test_the_errors_that_a_group_names_are_raised_themselves(store: Store) -> None:
    missing, clash, stale = Missing("user", "nobody"), Clash("user", "ann"), Stale()
    n = await born(store)
    for op, error in (
        (Op("user_delete", {"id": "nobody"}, missing=missing), missing),
        (Op("user", {"id": "nobody"}, missing=missing), missing),
        (user("ann", clash=clash), clash),
        (decide(n, 7, missing=stale), stale),
    ):
        with pytest.raises(StoreError) as raised:
            await store.write([op])
        assert raised.value is error


async def test_what_may_touch_nothing_is_not_an_error(store: Store) -> None:
    assert await store.write([Op("user_delete", {"id": "unknown"}), Op("removals_done", {"files": "[]"})]) == [
        None,
        None,
    ]


async def test_the_errors_say_what_it_was_about() -> None:
    assert "thread" in repr(Missing("thread", "t"))
    assert issubclass(Unavailable, StoreError)


@pytest.mark.parametrize(
    "mistake",
    [
        Op("no_such_query"),
        Op("user_delete", {}),
        Op("user_delete", {"id": 2**70}),
        Op("user_delete", {"id": "half of \ud83d"}),
        Op("user_delete", {"id": object()}),  # pyright: ignore[reportArgumentType]
        Op("user_insert", {"id": "dan", "is_admin": None, "now": 1, "body": "{}"}),
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
        with pytest.raises(Unavailable):
            await store.write([user("ann")])
        with pytest.raises(Unavailable):
            await store.one("user", id="ann")
        await store.open()
        await store.close()


# Owners.

CODE_FILES = '{"code_interpreter":{"file_ids":["f"]}}'
BOUND_READS = {
    "thread": {"id": "t"},
    "threads_page.asc": {"after": None, "limit": 9},
    "thread_idle": {"thread_id": "t4"},
    "message": {"id": "m"},
    "messages_page.desc": {"thread_id": "t", "after": None, "limit": 9},
    "spoken_page.desc": {"thread_id": "t", "run_id": None, "after": None, "limit": 9},
    "formatted_page": {"thread_id": "t", "limit": 9},
    "assistant": {"id": "a"},
    "assistants_page.asc": {"after": None, "limit": 9},
    "run": {"id": "r"},
    "run_open": {"thread_id": "t"},
    "runs_page.desc": {"after": None, "limit": 9},
    "thread_runs_page.asc": {"thread_id": "t", "after": None, "limit": 9},
    "action": {"action_id": "act"},
    "actions_of_run": {"run_id": "r"},
    "step": {"id": "step_", "run_id": "r"},
    "steps_page.asc": {"run_id": "r", "after": None, "limit": 9},
    "calls_of_turns": {"run_id": "r", "turns": "[1]"},
    "message_answering": {"thread_id": "t", "action_id": "act"},
    "idempotency": {"key": "key", "since": 0},
    "keys_of": {},
    "key_of": {"prefix": "ea_1"},
    "delivery": {"id": "evt"},
    "deliveries_page.asc": {"assistant_id": "asst_1", "status": None, "after": None, "limit": 9},
    "run_deliveries_page.asc": {"run_id": "p", "assistant_id": None, "status": None, "after": None, "limit": 9},
    "webhook_secret": {"assistant_id": "asst_1"},
    "file": {"id": "f"},
    "files_there": {"ids": '["f"]'},
    "files_named": {"ids": '["f"]'},
    "files_of_conversation": {"ids": '["f"]', "thread_id": "t", "now": 1.0},
    "files_page.desc": {"purpose": "assistants", "after": None, "limit": 9},
    "usage_of": {"by": "day", "first": 0, "last": 9},
    "store": {"id": "vs"},
    "stores_page.asc": {"after": None, "limit": 9},
    "stores_named": {"ids": '["vs"]'},
    "stores_there": {"ids": '["vs"]'},
    "store_file": {"store_id": "vs", "file_id": "f"},
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
}
DONE = {"version": "1", "space": None, "chunks": 1, "size": 1, "now": 1}
BOUND_WRITES = {
    "thread_update": {"id": "t", "meta_data": "1", "tool_resources": "1", "participants": "1", "revision": 1},
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
    "journal_begin": {"run_id": "r", "kind": "warning", "data": "{}"},
    "call_mark": {"action_id": "act", "mark": "processing"},
    "key_revoke": {"prefix": "ea_1", "now": 5},
    "keys_prune": {"most": 0},
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
}
CREATIONS = {"thread_insert", "file_insert", "assistant_insert", "key_insert", "idempotency_claim"} | {
    "store_insert",
    "upload_insert",
    "page_keep",
    "erased_id_insert",
}
"""These write the owner down; whose it is they cannot get wrong."""
OF_ONESELF = {"runs_room", "storage_room", "reader", "admin_key_remains"}
"""These say something of whoever asks, who may have nothing."""


async def furnish(store: Store) -> None:
    """Ann has one of everything; Bob has nothing."""
    n = await born(store)
    await store.write([user("bob")])
    key = {"prefix": "ea_1", "hash": b"key", "name": None, "now": 1, "expires_at": None}
    event = {"event": "webhook.test", "body": "{}", "now": 1}
    await store.of("ann").write(
        [
            message("m", "t"),
            Op("assistant_insert", {"id": "a", "body": "{}"}),
            Op("key_insert", key),
            claim("key"),
            thread("t2"),
            *run("old", "t2"),
            thread("t3"),
            *run("p", "t3"),
            Op("assistant_insert", {"id": "asst_1", "body": '{"webhook_url":"https://hooks.example"}'}),
            Op("webhook_secret_insert", {"assistant_id": "asst_1", "secret": "whsec_x", "now": 1}),
            Op("delivery_test", {**event, "id": "evt", "assistant_id": "asst_1"}),
            file("f"),
            Op("assistant_insert", {"id": "b", "body": f'{{"tool_resources":{CODE_FILES}}}'}),
            thread("t4", tool_resources=CODE_FILES),
            *knowledge(),
        ]
    )
    call = {"action_id": "act", "run": n, "call_id": "call", "turn": 1, "position": 0, "name": "add"}
    old = await store.of("ann").one("run", id="old")
    waits = await store.of("ann").one("run", id="p")
    await store.write(
        [
            Op("call_insert", {**call, **UNANSWERED}),
            Op(
                "usage_add",
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
            output("m3", (await store.one("run_state", n=n)).thread, "r", "call"),
            Op("delivery_insert", {**event, "id": "evt_p", "run": waits.n, "event": "run.action_required"}),
        ]
    )
    await store.write([decide(waits.n, 1, "pending")])


async def test_an_owner_sees_what_is_theirs_and_a_stranger_nothing_of_it(store: Store) -> None:
    await furnish(store)
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(query, **params), query
        assert await store.of("bob").all(query, **params) == [], query
        assert await store.of("bob").one(query, **params) is None, query


async def test_a_stranger_changes_nothing_of_an_owners(store: Store) -> None:
    await furnish(store)
    missing = Missing("thing", "of somebody else")
    for query, params in BOUND_WRITES.items():
        with pytest.raises(Missing):
            await store.of("bob").write([Op(query, params, missing=missing)])
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(query, **params), query


async def test_an_owner_may_do_what_a_stranger_may_not(store: Store) -> None:
    await furnish(store)
    deletions = ["run_delete", "message_delete", "assistant_delete", "thread_delete"]
    first = [query for query in BOUND_WRITES if query not in deletions]
    blocked = {"run_insert": Clash("run", "t")}
    for query in [*first, *deletions]:
        op = Op(query, BOUND_WRITES[query], missing=Missing(query, ""), clash=blocked.get(query))
        if query in blocked:
            with pytest.raises(Clash):  # the thread has an open run; but it is the owner's
                await store.of("ann").write([op])
        else:
            await store.of("ann").write([op])


async def test_a_view_fills_in_its_owner_whatever_the_caller_says(store: Store) -> None:
    await furnish(store)
    assert await store.of("bob").one("thread", id="t", owner="ann") is None
    with pytest.raises(Missing):
        await store.of("bob").write([Op("thread_delete", {"id": "t", "owner": "ann"}, missing=Missing("thread", "t"))])


async def test_the_room_for_runs_is_that_of_whoever_asks(store: Store) -> None:
    await furnish(store)
    for owner, most, there in (("ann", 3, True), ("ann", 2, False), ("bob", 1, True)):
        row = await store.of(owner).one("runs_room", most=most, interrupts=None)
        assert (row is not None) is there, (owner, most)


UNBOUND = ["user", "caller", "run_state", "journal_after", "prompt_page", "runs_waiting"]


@pytest.mark.parametrize("query", UNBOUND)
async def test_a_view_of_an_owner_refuses_to_read_what_is_not_bound_to_one(store: Store, query: str) -> None:
    with pytest.raises(LookupError, match=query):
        await store.of("ann").all(query)
    with pytest.raises(LookupError, match=query):
        await store.of("ann").one(query)


async def test_a_view_of_an_owner_refuses_to_write_what_is_not_bound_to_one(store: Store) -> None:
    await store.write([user("ann")])
    with pytest.raises(LookupError, match="user_delete"):
        await store.of("ann").write([thread("t"), Op("user_delete", {"id": "ann"})])
    assert await store.of("ann").one("thread", id="t") is None
    assert await users(store) == ["ann"]


# Keys.


async def test_a_key_opens_what_it_is_for_until_it_expires_or_is_revoked(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    for name, expires_at in (("forever", None), ("short", 50)):
        key = {"prefix": name, "hash": name.encode(), "name": None, "now": 1, "expires_at": expires_at}
        await ann.write([Op("key_insert", key)])

    async def opens(name: str, now: int) -> bool:
        return await store.one("caller", hash=name.encode(), now=now) is not None

    assert [await opens("short", now) for now in (1, 49, 50)] == [True, True, False]
    assert not await opens("unknown", 1)
    revoke = Op("key_revoke", {"prefix": "forever", "now": 60}, missing=Missing("key", "forever"))
    await ann.write([revoke])
    assert not await opens("forever", 61)
    with pytest.raises(Missing):
        await ann.write([revoke])


async def test_a_hash_belongs_to_one_key(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    key = {"prefix": "one", "hash": b"same", "name": None, "now": 1, "expires_at": None}
    await store.of("ann").write([Op("key_insert", key)])
    with pytest.raises(Clash):
        await store.of("bob").write([Op("key_insert", {**key, "prefix": "two"}, clash=Clash("key", "two"))])
    assert (await store.one("caller", hash=b"same", now=1)).id == "ann"


# Idempotency keys.


async def test_what_a_key_claims_is_written_once_until_that_is_long_ago(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    taken = Clash("idempotency_key", "k")
    ann, bob = store.of("ann"), store.of("bob")
    await ann.write([claim("k", made_at=10, since=0), thread("t1")])
    await ann.write([Op("idempotency_answer", {"key": "k", "seed": b"seed", "status": 200, "answer": b"{}"})])
    with pytest.raises(Clash):
        await ann.write([claim("k", made_at=20, since=9, missing=taken), thread("t2")])
    assert await ann.one("thread", id="t2") is None
    await bob.write([claim("k", made_at=20, since=9, missing=taken)])
    row = await ann.one("idempotency", key="k", since=9)
    assert (row.made_at, row.status, row.answer) == (10, 200, b"{}")
    await ann.write([claim("k", made_at=30, since=10, missing=taken), thread("t3")])
    row = await ann.one("idempotency", key="k", since=9)
    assert (row.made_at, row.status, row.answer) == (30, None, None)


async def test_what_was_done_under_a_key_is_forgotten_when_it_is_long_ago(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    await ann.write([claim("old", made_at=10), claim("young", made_at=11)])
    assert await ann.one("idempotency", key="old", since=10) is None
    await store.write([Op("idempotency_prune", {"until": 10, "limit": 9})])
    assert await ann.one("idempotency", key="old", since=0) is None
    assert await ann.one("idempotency", key="young", since=0) is not None


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
    while rows := await store.of("ann").all(f"threads_page.{order}", after=after, limit=3):
        assert len(rows) <= 3
        seen += [row.id for row in rows]
        after = rows[-1].id
    assert seen == (ids if order == "asc" else ids[::-1])


async def test_a_page_is_not_moved_by_what_is_written_meanwhile(store: Store) -> None:
    await store.write([user("ann")])
    ann = store.of("ann")
    for number in range(4):
        await ann.write([thread(f"t{number}")])
    first = await ann.all("threads_page.desc", after=None, limit=2)
    await ann.write([thread("new"), Op("thread_delete", {"id": "t3"})])
    rest = await ann.all("threads_page.desc", after=first[-1].id, limit=9)
    assert [row.id for row in rest] == ["t1", "t0"]


async def test_pages_of_messages_leave_out_turns_that_only_asked_for_calls(store: Store) -> None:
    n = await born(store)
    row = await store.one("run_state", n=n)
    said = {"thread": row.thread, "now": 1, "role": "assistant", "assistant_id": None, "run_id": "r", "status": None}
    silent = {**said, "reason": None, "call_id": None, "reasoning": None, "calls": "[]", "attachments": None, "turn": 1}
    silent |= {"annotations": None, "usage": None, "provider_state": None}
    await store.write(
        [
            Op("message_keep", {**silent, "id": "m1", "content": '""'}),
            Op("message_keep", {**silent, "id": "m2", "content": '"Let me see."'}),
        ]
    )
    page = await store.of("ann").all("messages_page.asc", thread_id="t", after=None, limit=9)
    assert [row.id for row in page] == ["m2"]
    prompt = await store.all("prompt_page", thread=row.thread, before=10**9, limit=9)
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
    assert (await store.one("user", id="ann")).body == text


async def test_numbers_and_nothing_come_back_as_they_were_written(store: Store) -> None:
    n = await born(store)
    row = await store.one("run_state", n=n)
    assert (row.expires_at, row.created_at, row.lease) == (1000.5, 1, None)


# Runs.


async def test_a_thread_has_one_open_run_at_most(store: Store) -> None:
    n = await born(store)
    with pytest.raises(Clash):
        await store.of("ann").write(run("r2", "t", clash=Clash("run", "t")))
    for version, status in enumerate(("in_progress", "requires_action", "queued", "cancelling"), start=1):
        await store.write([decide(n, version, status, missing=Stale())])
        with pytest.raises(Clash):
            await store.of("ann").write(run("r2", "t", clash=Clash("run", "t")))
    await store.write([decide(n, 5, "cancelled", missing=Stale())])
    await store.of("ann").write(run("r2", "t", clash=Clash("run", "t")))


async def test_a_run_needs_a_thread_of_its_owner(store: Store) -> None:
    await born(store)
    await store.write([user("bob")])
    for owner, thread_id in (("bob", "t"), ("ann", "nowhere")):
        with pytest.raises(Missing):
            await store.of(owner).write(run("r2", thread_id, missing=Missing("thread", thread_id)))


async def test_a_run_is_not_deleted_before_its_end(store: Store) -> None:
    n = await born(store)
    delete = Op("run_delete", {"id": "r"}, missing=Clash("open_run", "r"))
    with pytest.raises(Clash):
        await store.of("ann").write([delete])
    await store.write([decide(n, 1, "completed")])
    await store.of("ann").write([delete])
    await sweep(store)
    assert await journal(store, n) == []


OF_A_THREAD = """
thread messages_page.desc spoken_page.desc formatted_page message message_answering thread_runs_page.asc
run run_open action actions_of_run step steps_page.asc calls_of_turns
"""


async def test_a_deleted_thread_is_hidden_at_once_and_swept_later(store: Store) -> None:
    await furnish(store)
    ann = store.of("ann")
    n = (await ann.one("run", id="r")).n
    await ann.write([Op("thread_delete", {"id": "t"})])
    for query in OF_A_THREAD.split():
        assert await ann.all(query, **BOUND_READS[query]) == [], query
    assert await store.one("run_state", n=n) is None
    assert await store.one("run_lease", n=n) is None
    await sweep(store)
    assert await journal(store, n) == []


async def test_what_belongs_to_a_user_goes_with_them(store: Store) -> None:
    await furnish(store)
    await store.write([Op("user_delete", {"id": "ann"})])
    assert await store.one("user", id="ann") is None
    assert await users(store) == ["bob"]
    await sweep(store)
    assert set((await store.left("ann")).values()) == {0}
    for query, params in BOUND_READS.items():
        assert await store.of("ann").all(query, **params) == [], query


async def test_a_run_waits_for_work_until_it_is_held_and_again_when_the_hold_runs_out(store: Store) -> None:
    n = await born(store)

    async def waiting(now: float) -> bool:
        (row,) = await store.all("runs_waiting", now=now, after="", window=9, each=9, full="[]")
        return msgspec.json.decode(row.waiting) == [n]

    assert await waiting(100)
    await store.write([held(n, 1, 130.0)])
    assert [await waiting(now) for now in (100, 129.9, 130)] == [False, False, True]
    await store.write([Op("leases_extend", {"lease": "worker", "until": 160.0, "now": 129.9})])
    await store.write([Op("leases_extend", {"lease": "somebody", "until": 999.0, "now": 129.9})])
    assert [await waiting(now) for now in (159, 160)] == [False, True]
    await store.write([Op("leases_extend", {"lease": "worker", "until": 999.0, "now": 160.0})])
    assert await waiting(160)
    await store.write([Op("leases_clear")])
    assert await waiting(100)
    await store.write([decide(n, 2, "requires_action")])
    assert await store.all("runs_waiting", now=1000, after="", window=9, each=9, full="[]") == []


async def test_runs_whose_time_is_up_are_found_while_they_are_open(store: Store) -> None:
    n = await born(store)
    assert await store.all("runs_expired", now=1000.4, limit=9) == []
    assert [row.n for row in await store.all("runs_expired", now=1000.5, limit=9)] == [n]
    await store.write([decide(n, 1, "expired")])
    assert await store.all("runs_expired", now=2000, limit=9) == []


@pytest.mark.parametrize("status", ["pending", "queued", "in_progress", "requires_action", "cancelling", "completed"])
async def test_a_thread_is_idle_while_none_of_its_runs_is_open(store: Store, status: str) -> None:
    n = await born(store)
    ann, idle = store.of("ann"), Op("thread_idle", {"thread_id": "t"}, missing=Clash("open_run", "t"))
    await store.write([decide(n, 1, status)])
    assert (await ann.one("thread_idle", thread_id="t") is not None) is (status == "completed")
    if status == "completed":
        await ann.write([idle, message("m", "t")])
    else:
        with pytest.raises(Clash):
            await ann.write([idle, message("m", "t")])
    assert (await ann.one("message", id="m") is not None) is (status == "completed")


async def test_what_users_and_assistants_said_is_listed_of_a_thread_or_of_a_run(store: Store) -> None:
    n = await born(store)
    place = (await store.one("run_state", n=n)).thread
    system = message("s", "t")
    await store.of("ann").write([Op("message_insert", {**system.params, "role": "system"}), message("m", "t")])
    answer = {**output("a", place, "r", "call").params, "role": "assistant", "call_id": None}
    asking = {**answer, "id": "b", "content": '""', "calls": "[]"}
    await store.write([output("o", place, "r", "call"), Op("message_keep", answer), Op("message_keep", asking)])

    async def listed(query: str, run_id: str | None = None, after: str | None = None) -> list[str]:
        rows = await store.of("ann").all(query, thread_id="t", run_id=run_id, after=after, limit=9)
        return [row.id for row in rows]

    assert await listed("spoken_page.asc") == ["m", "a"]
    assert await listed("spoken_page.desc") == ["a", "m"]
    assert await listed("spoken_page.asc", after="m") == ["a"]
    assert await listed("spoken_page.asc", "r") == ["a"]
    assert await listed("spoken_page.asc", "other") == []


async def test_the_files_that_runs_of_a_thread_made_are_found(store: Store) -> None:
    n = await born(store)
    place = (await store.one("run_state", n=n)).thread
    await store.of("ann").write(
        [file("f"), file("g", thread=place, name="a.png"), file("h", thread=place, name="b.csv")]
    )
    assert [(row.id, row.name) for row in await store.all("files_made", thread=place)] == [
        ("g", "a.png"),
        ("h", "b.csv"),
    ]
    assert await store.all("files_made", thread=place + 1) == []


async def test_configurations_live_as_long_as_a_run_needs_them(store: Store) -> None:
    n = await born(store)
    assert (await store.one("run_state", n=n)).config_body == "{}"
    await store.write([decide(n, 1, "completed")])
    await store.of("ann").write([Op("run_delete", {"id": "r"})])
    await sweep(store)
    _, insert, _ = run("r2", "t", clash=Clash("configuration", "gone"))
    with pytest.raises(Clash):
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
    rows = await store.write([tell(n, "a", version=2, missing=Stale())])
    assert rows[0].position == 2
    results = await asyncio.gather(
        store.write([tell(n, "before", version=2, missing=Stale())]),
        store.write([held(n, 2, 1.0), tell(n, "decided")]),
        store.write([tell(n, "after", version=2, missing=Stale())]),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [list, list, Stale]
    with pytest.raises(Stale):
        await store.write([tell(n, "late", version=2, missing=Stale())])
    assert [data for _, data in await journal(store, n)][1:] == ['["a"]', '["before"]', '["decided"]']
    await store.write([tell(n, "new", version=3, missing=Stale())])


async def test_a_stream_writes_nothing_once_the_run_may_be_taken_over(store: Store) -> None:
    n = await born(store)
    for until in (0.0, None):
        row = await store.one("run_state", n=n)
        await store.write([held(n, row.version, until) if until is not None else decide(n, row.version)])
        with pytest.raises(Stale):
            await store.write([tell(n, "late", version=row.version + 1, missing=Stale())])
    assert len(await journal(store, n)) == 1


async def test_a_stream_of_a_run_that_was_deleted_writes_nothing(store: Store) -> None:
    n = await born(store)
    await store.of("ann").write([Op("thread_delete", {"id": "t"})])
    with pytest.raises(Stale):
        await store.write([tell(n, "a", version=1, missing=Stale())])
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
    await store.write([Op("journal_drop", {"run": n, "first": 2, "last": 4}), Op("journal_put", put), tell(n, "d")])
    assert await journal(store, n, 1) == [(2, '["a","b","c"]'), (5, '["d"]')]


async def test_the_last_event_of_some_kinds_is_found(store: Store) -> None:
    n = await born(store)
    await store.write([tell(n, "a"), tell(n, "b")])
    assert (await store.one("journal_last", run=n, kinds='["content","status"]')).position == 3
    assert (await store.one("journal_last", run=n, kinds='["status"]')).position == 1
    assert await store.one("journal_last", run=n, kinds='["error"]') is None


async def test_a_call_is_written_once(store: Store) -> None:
    await furnish(store)
    n = (await store.of("ann").one("run", id="r")).n
    call = {"action_id": "act_2", "run": n, "call_id": "call", "turn": 1, "position": 1, "name": "add"}
    op = Op("call_insert", {**call, **UNANSWERED}, clash=Clash("call", "call"))
    with pytest.raises(Clash):
        await store.write([op])


# The place.


async def test_everything_is_there_again_after_the_store_was_closed(another: Callable[[], Store]) -> None:
    first, second = another(), another()
    await first.open()
    await furnish(first)
    before = {query: await first.of("ann").all(query, **params) for query, params in BOUND_READS.items()}
    await first.close()
    await second.open()
    try:
        after = {query: await second.of("ann").all(query, **params) for query, params in BOUND_READS.items()}
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
            assert isinstance(result, Unavailable) is (f"late_{number}" not in there)
    finally:
        await store.close()


async def test_a_second_holder_is_refused_until_the_first_lets_go(another: Callable[[], Store]) -> None:
    first, second = another(), another()
    await first.open()
    with pytest.raises(Unavailable, match="in use"):
        await second.open()
    await first.write([user("ann")])
    await first.close()
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
            Op("assistant_insert", {"id": "a", "body": f'{{"name":"ü","tool_resources":{listed}}}'}),
            Op("assistant_insert", {"id": "b", "body": words}),
            thread("t", tool_resources=listed),
        ]
    )
    await ann.write([Op("file_leave_assistants", {"id": "f"}), Op("file_leave_threads", {"id": "f"})])
    changed, same = await ann.one("assistant", id="a"), await ann.one("assistant", id="b")
    assert (changed.body, changed.revision) == (f'{{"name":"ü","tool_resources":{left}}}', 2)
    assert (same.body, same.revision) == (words, 1)
    assert (await ann.one("thread", id="t")).tool_resources == left


async def test_a_message_tells_which_of_its_attachments_are_gone(store: Store) -> None:
    await store.write([user("ann"), user("bob")])
    await store.of("bob").write([file("another's")])
    said = message("m", "t")
    attached = '[{"file_id":"f"},{"file_id":"g"},{"file_id":"another\'s"}]'
    ann = store.of("ann")
    await ann.write([thread("t"), file("f"), file("g"), Op(said.query, {**said.params, "attachments": attached})])
    assert (await ann.one("message", id="m")).gone == '["another\'s"]'
    await ann.write([Op("file_delete", {"id": "g"})])
    (row,) = await ann.all("messages_page.asc", thread_id="t", after=None, limit=9)
    assert row.gone == '["g","another\'s"]'


async def test_a_file_outlives_the_thread_whose_run_made_it_but_not_its_owner(store: Store) -> None:
    n = await born(store)
    row = await store.one("run_state", n=n)
    ann = store.of("ann")
    await ann.write([file("f", thread=row.thread, run_id="r")])
    await ann.write([Op("thread_delete", {"id": "t"})])
    await sweep(store)
    assert (await ann.one("file", id="f")).thread is None
    assert [row.blob for row in await store.all("blobs_known", keys='["blob of f","other"]')] == ["blob of f"]
    await store.write([Op("user_delete", {"id": "ann"})])
    await sweep(store)
    assert await store.all("blobs_known", keys='["blob of f"]') == []
