"""Worlds in which nothing that must hold is violated: a thousand here, ten thousand with `make deep`.

Some of them live in PostgreSQL, each of which takes as long as twenty on SQLite.

A violation names the seed that shows it again.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from projectdavid.adapters.stores.postgres import queries as postgres
from projectdavid.adapters.stores.sqlite.queries import QUERIES, NamedQuery
from projectdavid.engine import calls, decisions, machine
from projectdavid.engine.approvals import requires_approval
from projectdavid.engine.run import CallDecision, FunctionCall, RunState, ToolEffect, Transition, journal_entry
from projectdavid.ports.store import Op
from projectdavid.runtime.queues import WorkerPlaces
from projectdavid.runtime.runs.decision_writer import DecisionWriter
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.tool_calls import toolbox
from projectdavid.runtime.tool_calls.call_context import CallContext
from tests.simulation.database import Database
from tests.simulation.shared_database import SharedDatabase
from tests.simulation.world import lived

SEEDS = int(os.environ.get("SIM_SEEDS", "1000"))
SHARED_SEEDS = int(os.environ.get("SIM_SHARED_SEEDS", "12"))
FIRST = int(os.environ.get("SIM_SEED", "0"))
"""`SIM_SEED=n SIM_SEEDS=1` lives through one world again."""
ENOUGH = 400
"""Worlds in which a rule that is broken must show."""
ROOT = Path(__file__).resolve().parents[2]


def test_no_world_violates_an_invariant() -> None:
    workers = min(os.cpu_count() or 1, SEEDS)
    shares = [range(SEEDS)[worker::workers] for worker in range(workers)]
    firsts = [FIRST + sum(len(share) for share in shares[:worker]) for worker in range(workers)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.simulation", str(first), str(len(share))],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for first, share in zip(firsts, shares, strict=True)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * workers, "\n".join(outputs)[-5000:]


def test_no_world_in_postgresql_violates_an_invariant(store_url: str) -> None:
    command = [sys.executable, "-m", "tests.simulation", str(FIRST), str(SHARED_SEEDS), store_url]
    end = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert end.returncode == 0, end.stdout[-5000:] + end.stderr[-5000:]


@pytest.fixture
def db(tmp_path: Path) -> Database:
    return Database(tmp_path / "world.db")


def _complaints(db: Database | SharedDatabase) -> list[str]:
    """Those of the first world that has any."""
    for seed in range(ENOUGH):
        if complaints := lived(seed, db).complaints:
            return complaints
    return []


def test_a_run_whose_version_is_not_checked_shows_in_postgresql(
    store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = postgres.QUERIES["run_decide"]
    number = query.names.index("version") + 1
    bare = query.sql.replace(f" AND version = ${number}", f" AND ${number}::bigint >= 0")
    assert bare != query.sql
    monkeypatch.setattr(query, "sql", bare)
    db = SharedDatabase(store_url)
    complaints = _complaints(db)
    db.end()
    assert complaints
    assert not any("could not understand" in complaint for complaint in complaints)


def test_the_same_seed_makes_the_same_world(db: Database) -> None:
    def trace(seed: int) -> list[tuple[object, ...]]:
        world = lived(seed, db)
        events = sorted((key, *map(str, ids)) for key, ids in world.receiver.seen.items())
        return [*events, *sorted(world.machine.done.items())]

    first = [trace(seed) for seed in range(8)]
    assert [trace(seed) for seed in range(8)] == first
    assert any(first)


def test_a_greedy_owner_who_may_take_every_place_shows(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkerPlaces, "is_open_to", lambda self, owner: self.free > 0)
    monkeypatch.setattr(WorkerPlaces, "full_owners", lambda self: [])
    complaints = (complaint for seed in range(20) for complaint in lived(seed, db, greedy=True).complaints)
    assert any("does not come to rest" in complaint for complaint in complaints)


def _without_version_check(patch: pytest.MonkeyPatch) -> None:
    sql = QUERIES["run_decide"].sql
    assert " AND version = :version" in sql
    patch.setitem(QUERIES, "run_decide", NamedQuery("run_decide", sql.replace(" AND version = :version", "")))


def _outbox_after_the_transaction(patch: pytest.MonkeyPatch) -> None:
    later: dict[int, list[Op]] = {}
    enqueue, decide = DecisionWriter.enqueue_webhook, RunDriver.decide

    def enqueue_later(self: DecisionWriter, *event: object) -> None:
        enqueue(self, *event)  # type: ignore[arg-type]
        later.setdefault(self.row.n, []).append(self.ops.pop())

    async def decided(self: RunDriver, n: int, *arguments: object, **options: object) -> object:
        result = await decide(self, n, *arguments, **options)  # type: ignore[arg-type]
        if ops := later.pop(n, None):
            await self._store.write(ops)
        return result

    patch.setattr(DecisionWriter, "enqueue_webhook", enqueue_later)
    patch.setattr(RunDriver, "decide", decided)


def _without_ledger(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(machine, "start_call", lambda run, happened: Transition(run))


def _without_lease_check(patch: pytest.MonkeyPatch) -> None:
    decide = RunDriver.decide

    async def decided(self: RunDriver, *arguments: object, holder: object = None, **options: object) -> object:
        return await decide(self, *arguments, **options)  # type: ignore[arg-type]

    async def held(self: RunDriver, n: int, worker: str) -> None:
        pass

    patch.setattr(RunDriver, "decide", decided)
    patch.setattr(RunDriver, "hold", held)


def _without_lease_check_of_what_calls_tell(patch: pytest.MonkeyPatch) -> None:
    sql = QUERIES["journal_tell"].sql
    assert " AND lease = :lease AND lease_until > :now" in sql
    bare = sql.replace(" AND lease = :lease AND lease_until > :now", " AND :lease <> :now")
    patch.setitem(QUERIES, "journal_tell", NamedQuery("journal_tell", bare))


def _without_rows_of_files(patch: pytest.MonkeyPatch) -> None:
    async def no_rows(self: CallContext, files: object) -> list[object]:
        return []

    patch.setattr(CallContext, "rows", no_rows)


def _without_gates(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(calls, "build_gate", lambda run, name, tool, arguments: None)


def _gates_ignored_in_streams(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(calls, "request_entry", lambda run, call: journal_entry("warning", code="gate", message=call.id))


def _never_before_always(patch: pytest.MonkeyPatch) -> None:
    def requires(requirement: object, name: str, effect: ToolEffect) -> bool:
        never = requirement.get("never") if isinstance(requirement, dict) else None
        if never and name in never.get("tool_names", ()):
            return False
        return requires_approval(requirement, name, effect)  # type: ignore[arg-type]

    patch.setattr(toolbox, "requires_approval", requires)


def _calls_cleared_on_queueing(patch: pytest.MonkeyPatch) -> None:
    settle = calls.settle

    def cleared(*arguments: object) -> Transition:
        settled = settle(*arguments)  # type: ignore[arg-type]
        return replace(settled, run=settled.run._replace(calls=())) if settled.run.status == "queued" else settled

    patch.setattr(calls, "settle", cleared)
    patch.setattr(decisions, "settle", cleared)


def _expiry_approves(patch: pytest.MonkeyPatch) -> None:
    expire = decisions.expire_approvals

    def approved(run: RunState, now: float) -> Transition:
        reads = tuple(replace(call, effect=ToolEffect.READ) for call in run.calls)
        limits = replace(run.limits, approval_on_expiry="approve")
        return expire(run._replace(calls=reads, limits=limits), now)

    patch.setattr(machine, "expire_approvals", approved)


def _later_decisions_win(patch: pytest.MonkeyPatch) -> None:
    def found(run: RunState, decision: CallDecision, param: str) -> FunctionCall | None:
        return next((call for call in run.calls if call.id == decision.call_id and call.gate is not None), None)

    patch.setattr(decisions, "_find_gated_call", found)


@pytest.mark.parametrize(
    "broken",
    [
        _without_gates,
        _gates_ignored_in_streams,
        _never_before_always,
        _calls_cleared_on_queueing,
        _expiry_approves,
        _later_decisions_win,
        _without_version_check,
        _outbox_after_the_transaction,
        _without_ledger,
        _without_lease_check,
        _without_lease_check_of_what_calls_tell,
        _without_rows_of_files,
    ],
    ids=lambda broken: broken.__name__.removeprefix("_").replace("_", "-"),
)
def test_a_rule_that_is_broken_shows(
    broken: Callable[[pytest.MonkeyPatch], None], db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch)
    assert _complaints(db)
