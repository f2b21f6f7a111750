"""Release of a restored copy: decides about its open runs and pending webhooks, then enables it."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.composition.backup.layout import BackupError, DataFolder, Report
from projectdavid.composition.restored_copy import get_hold, lift
from projectdavid.engine.inputs import RunAbandoned
from projectdavid.engine.run import InputRefused, RunFailure
from projectdavid.ports import queries
from projectdavid.ports.rows import AmountRow
from projectdavid.ports.store import Op, RowMissing, Store, StoreError
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.runs.driver import RunDriver
from projectdavid.runtime.runs.records import encode

BATCH = 100
RESTORED = RunFailure(
    "server_restored",
    "The server was restored from a backup in which this run was open; its operator chose to fail such runs.",
)

OpenRuns = Literal["resume", "fail"]
Deliveries = Literal["send", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseResult:
    """The result of a release; `held` is false if the copy was not held."""

    held: bool
    open_runs: int = 0
    pending_deliveries: int = 0


async def release_copy(
    data: Path, runs: OpenRuns | None, deliveries: Deliveries | None, report: Report
) -> ReleaseResult:
    """Release the copy in a data folder that no server uses.

    Choices are only required for existing runs and webhooks. Runs are failed before webhooks are dropped, including the
    webhooks about these failures. After an interruption, a second call continues.

    Raises:
        BackupError: a choice is missing, or a server uses the folder.
    """
    folder = DataFolder(data)
    if not folder.database.is_file():
        raise BackupError(f"{data} has no {folder.database.name}", "pass the restored folder with --data")
    store = SQLiteStore(folder.database)
    try:
        await store.open()
    except StoreError as error:
        raise BackupError(f"cannot open {folder.database}: {error}", "stop the server that uses it") from error
    try:
        return await _release(store, runs, deliveries, report)
    except StoreError as error:
        raise BackupError(f"cannot write {folder.database}: {error}", "repeat the command: it resumes") from error
    finally:
        await store.close()


async def _release(store: Store, runs: OpenRuns | None, deliveries: Deliveries | None, report: Report) -> ReleaseResult:
    if await get_hold(store) is None:
        return ReleaseResult(held=False)
    open_runs = _count(await store.one(queries.RUNS_OPEN_COUNT))
    pending = _count(await store.one(queries.DELIVERIES_PENDING_COUNT))
    needed = [f"{open_runs} runs are open: pass --runs resume or --runs fail"] if open_runs and runs is None else []
    if pending and deliveries is None:
        needed.append(f"{pending} webhooks are pending: pass --webhooks send or --webhooks drop")
    if needed:
        raise BackupError("a choice is required: " + "; ".join(needed), "docs/backup.md explains each choice")
    if runs == "fail":
        await _fail_runs(store, open_runs, report)
    ops = [lift()]
    if deliveries == "drop":
        entry = {"at": int(time.time()), "status": None, "error": "Dropped when the restored server was released."}
        ops.insert(
            0, Op(queries.DELIVERIES_DROP, {"now": int(time.time()), "entry": encode({**entry, "duration_ms": 0})})
        )
    await store.write(ops)
    return ReleaseResult(held=True, open_runs=open_runs, pending_deliveries=pending)


async def _fail_runs(store: Store, total: int, report: Report) -> None:
    driver = RunDriver(store, LocalBus(), time.time, IdFactory())
    await driver.recover()
    done = 0
    while rows := await store.all(queries.RUNS_OPEN, limit=BATCH):
        for row in rows:
            report("open runs", done, total)
            done += 1
            try:
                await driver.decide(row.n, RunAbandoned(RESTORED, time.time()))
            except (InputRefused, RowMissing):
                continue
    report("open runs", total, total)


def _count(row: AmountRow | None) -> int:
    return 0 if row is None else row.amount
