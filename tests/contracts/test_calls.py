"""What a store keeps of the calls that the platform runs: what they tell meanwhile, and the steps that they are."""

from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS
from projectdavid.ports import queries
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, Store, Value
from tests.contracts.rows import UNANSWERED, born, decide, held, journal, run, tell
from tests.contracts.test_sqlite import BEFORE

pytestmark = pytest.mark.anyio


def called(n: int, call_id: str = "call", turn: int = 1, position: int = 0, **fields: Value) -> Op:
    """A call of the platform's in the ledger."""
    what: dict[str, Value] = {"action_id": f"act_{call_id}", "run": n, "call_id": call_id, "turn": turn}
    return Op(queries.CALL_INSERT, {**what, "position": position, "name": "run", **UNANSWERED, "tool": "it", **fields})


def told(n: int, call_id: str = "call", lease: str = "worker", now: float = 0.0, **fields: Any) -> Op:
    """What a call tells while it runs."""
    params = {"run": n, "call_id": call_id, "lease": lease, "now": now, "kind": "output", "data": "{}", **fields}
    params["written_ms"] = 1000
    return Op(queries.JOURNAL_TELL, params, missing=StaleRow())


def answered(n: int, call_id: str = "call") -> Op:
    values = {"output": "2", "outcome": None, "details": '{"input":"1"}', "now": 5}
    return Op(queries.CALL_OUTPUT, {"run": n, "call_id": call_id, **values})


def said(row: RunRow, message_id: str, turn: int, content: str = '"So."') -> Op:
    values: dict[str, Value] = {"thread": row.thread, "run_id": row.id, "now": 1, "role": "assistant", "turn": turn}
    unsaid = (
        "assistant_id",
        "status",
        "reason",
        "calls",
        "call_id",
        "reasoning",
        "attachments",
        "annotations",
        "usage",
        "cost",
        "provider_state",
    )
    nothing = dict.fromkeys(unsaid)
    return Op(queries.MESSAGE_KEEP, {**values, **nothing, "id": message_id, "content": content})


async def test_a_call_tells_while_it_runs_whatever_else_is_decided(store: Store) -> None:
    n = await born(store)
    await store.write([held(n, 1, 1.0), called(n), called(n, "other", position=1)])
    await store.write([told(n), tell(n, "a"), told(n, "other"), held(n, 2, 1.0), answered(n, "other"), told(n)])
    assert [position for position, _ in await journal(store, n)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "late", [{"lease": "another"}, {"now": 1.0}, {"call_id": "done"}, {"call_id": "nobody's"}], ids=str
)
async def test_who_does_not_hold_the_run_or_is_done_tells_nothing(store: Store, late: dict[str, Any]) -> None:
    n = await born(store)
    await store.write([held(n, 1, 1.0), called(n), called(n, "done", position=1), answered(n, "done")])
    with pytest.raises(StaleRow):
        await store.write([told(n, **late)])
    await store.write([told(n)])
    await store.write([decide(n, 2, "completed")])
    with pytest.raises(StaleRow):
        await store.write([told(n)])
    assert len(await journal(store, n)) == 2


async def test_a_thread_remembers_which_tools_it_used(store: Store) -> None:
    n = await born(store)
    row = await store.one(queries.RUN_STATE, n=n)
    await store.write([called(n), called(n, "other", position=1), decide(n, 1, "completed")])

    async def before(tool: str = "it", call_id: str = "now") -> bool:
        found = await store.one(queries.CALL_BEFORE, thread=row.thread, tool=tool, call_id=call_id)
        return found is not None

    assert not await before()  # it was asked for, and never begun
    await store.write([Op(queries.CALL_START, {"run": n, "call_id": "call", "now": 1})])
    assert await before()
    assert not await before(tool="another")
    assert not await before(call_id="call")


async def test_the_steps_of_a_run_follow_its_turns(store: Store) -> None:
    n = await born(store)
    row = await store.one(queries.RUN_STATE, n=n)
    await store.write(
        [
            said(row, "msg_2", 2),
            called(n, "b", turn=2),
            said(row, "msg_1", 1, '""'),  # it only asked for calls
            called(n, "a", turn=1),
            called(n, "c", turn=1, position=1),
            said(row, "msg_3", 3),
            decide(n, 1, "completed"),
        ]
    )
    await store.of("ann").write(run("r2", "t"))
    other = await store.of("ann").one(queries.RUN, id="r2")
    await store.write([said(await store.one(queries.RUN_STATE, n=other.n), "msg_9", 1)])
    ann = store.of("ann")
    rows = await ann.all(queries.STEPS_PAGE.asc, run_id="r", after=None, limit=9)
    assert [row.id for row in rows] == ["step_a", "step_2", "step_b", "step_3"]
    assert [row.message_id for row in rows] == [None, "msg_2", None, "msg_3"]
    at = await ann.one(queries.STEP_POSITION, run_id="r", id="step_b")
    rest = await ann.all(queries.STEPS_PAGE.desc, run_id="r", after=at.position, limit=9)
    assert [row.id for row in rest] == ["step_2", "step_a"]
    place = await ann.one(queries.STEP_POSITION, run_id="r", id="step_2")
    await ann.write([Op(queries.MESSAGE_DELETE, {"id": "msg_2"})])
    assert [row.id for row in await ann.all(queries.STEPS_PAGE.asc, run_id="r", after=None, limit=9)][1] == "step_b"
    assert await ann.one(queries.STEP_POSITION, run_id="r", id="step_2") == place
    assert await ann.one(queries.STEP_POSITION, run_id="r2", id="step_2") is None
    assert await ann.one(queries.STEP, run_id="r2", id="step_a") is None
    calls = await ann.all(queries.CALLS_OF_TURNS, run_id="r", turns="[1]")
    assert [call.call_id for call in calls] == ["a", "c"]


STEPS_BEFORE = """
INSERT INTO messages (id, thread, created_at, role, content, run_id, calls)
VALUES ('msg_a', 1, 1, 'assistant', '"Let me see."', 'r', '[]'), ('msg_b', 1, 1, 'user', '"Yes?"', NULL, NULL),
    ('msg_c', 1, 1, 'tool', '"3"', 'r', NULL), ('msg_d', 1, 1, 'assistant', '"Three."', 'r', NULL),
    ('msg_e', 1, 1, 'assistant', '"By hand."', NULL, NULL);
"""


async def test_the_steps_of_runs_of_older_versions_are_in_order(tmp_path: Path) -> None:
    path = tmp_path / "david.db"
    with closing(apsw.Connection(str(path))) as connection:
        for _ in connection.execute(SCRIPTS[0] + BEFORE + STEPS_BEFORE):
            pass
        connection.pragma("user_version", 1)
    store = SQLiteStore(path)
    await store.open()
    try:
        rows = await store.of("ann").all(queries.STEPS_PAGE.asc, run_id="r", after=None, limit=9)
        assert [row.id for row in rows] == ["step_a", "step_", "step_d"]
    finally:
        await store.close()
