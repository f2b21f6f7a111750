"""Release a restored copy: decide what becomes of its open runs and pending webhooks, then let it work."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from projectdavid.buses.local import LocalBus
from projectdavid.engine.happenings import Abandoned
from projectdavid.engine.run import Failure, Refused
from projectdavid.ports.store import Missing, Op, Row, Store, StoreError
from projectdavid.runtime.driver import Driver
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.records import encode
from projectdavid.server.backup.layout import BackupError, DataFolder, Report
from projectdavid.server.hold import get_hold, lift
from projectdavid.stores.sqlite import SQLiteStore

BATCH = 100
RESTORED = Failure(
    "server_restored",
    "The server was restored from a backup that was made while this run was open; its operator had such runs fail.",
)

OpenRuns = Literal["resume", "fail"]
Deliveries = Literal["send", "drop"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """What a release has done; `held` is false if there was nothing to release."""

    held: bool
    open_runs: int = 0
    pending_deliveries: int = 0


async def release_copy(data: Path, runs: OpenRuns | None, deliveries: Deliveries | None, report: Report) -> Released:
    """Release the copy in a data folder that no server uses.

    A choice is needed only for what is there. Runs are failed before webhooks are dropped, those about these failures
    included. After an interruption, a second call goes on.

    Raises:
        BackupError: a choice is missing, or a server uses the folder.
    """
    folder = DataFolder(data)
    if not folder.database.is_file():
        raise BackupError(f"{data} has no {folder.database.name}", "name the restored folder with --data")
    store = SQLiteStore(folder.database)
    try:
        await store.open()
    except StoreError as error:
        raise BackupError(f"cannot open {folder.database}: {error}", "stop the server that uses it") from error
    try:
        return await _release(store, runs, deliveries, report)
    except StoreError as error:
        raise BackupError(f"cannot write {folder.database}: {error}", "repeat the command: it goes on") from error
    finally:
        await store.close()


async def _release(store: Store, runs: OpenRuns | None, deliveries: Deliveries | None, report: Report) -> Released:
    if await get_hold(store) is None:
        return Released(held=False)
    open_runs = _count(await store.one("runs_open_count"))
    pending = _count(await store.one("deliveries_pending_count"))
    needed = [f"{open_runs} runs are open: --runs resume or --runs fail"] if open_runs and runs is None else []
    if pending and deliveries is None:
        needed.append(f"{pending} webhooks are pending: --webhooks send or --webhooks drop")
    if needed:
        raise BackupError("choose what happens: " + "; ".join(needed), "docs/backup.md says what each choice means")
    if runs == "fail":
        await _fail_runs(store, open_runs, report)
    ops = [lift()]
    if deliveries == "drop":
        entry = {"at": int(time.time()), "status": None, "error": "Dropped when the restored server was released."}
        ops.insert(0, Op("deliveries_drop", {"now": int(time.time()), "entry": encode({**entry, "duration_ms": 0})}))
    await store.write(ops)
    return Released(held=True, open_runs=open_runs, pending_deliveries=pending)


async def _fail_runs(store: Store, total: int, report: Report) -> None:
    driver = Driver(store, LocalBus(), time.time, Ids())
    await driver.recover()
    done = 0
    while rows := await store.all("runs_open", limit=BATCH):
        for row in rows:
            report("open runs", done, total)
            done += 1
            try:
                await driver.decide(row.n, Abandoned(RESTORED, time.time()))
            except (Refused, Missing):
                continue
    report("open runs", total, total)


def _count(row: Row | None) -> int:
    return 0 if row is None else row.count
