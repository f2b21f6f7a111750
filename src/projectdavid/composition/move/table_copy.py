"""Copies the rows of all tables, and compares them."""

import json
from dataclasses import dataclass

from projectdavid.adapters.stores.queries import measure
from projectdavid.composition.move.tables import (
    MoveDatabase,
    MovedTable,
    MoveError,
    Report,
    Row,
    hash_row,
    list_tables,
)

BATCH_ROWS = 2000
BATCH_BYTES = 4 << 20
"""Limits of a transaction."""
DONE = "done"
MODULUS = 1 << 256
START_OVER = "make sure that no server has written to the source since the move began, and move into an empty target"


@dataclass(frozen=True, slots=True)
class TableDigest:
    """The number of rows and the sum of their hashes."""

    count: int
    sum: int


class RowProgress:
    """Counts rows of all tables for a progress report."""

    def __init__(self, stage: str, total: int, report: Report) -> None:
        self._stage = stage
        self._total = total
        self._report = report
        self._done = 0
        self.add(0)

    def add(self, count: int) -> None:
        """Count rows."""
        self._done += count
        self._report(self._stage, self._done, self._total)


async def count_rows(database: MoveDatabase) -> int:
    """Return the number of rows of all tables."""
    return sum([await database.count(table) for table in list_tables()])


async def copy_tables(source: MoveDatabase, target: MoveDatabase, state: dict[str, str], report: Report) -> None:
    """Copy all rows that are not copied yet, and the numbers after which the tables continue."""
    progress = RowProgress("rows", await count_rows(source), report)
    progress.add(await count_rows(target))
    for table in list_tables():
        step = f"table {table.name}"
        if state.get(step) != DONE:
            await _copy_table(source, target, table, step, state.get(step), progress)
            await target.save_state(step, DONE)
    await target.set_numbers(await source.read_numbers())


async def _copy_table(
    source: MoveDatabase, target: MoveDatabase, table: MovedTable, step: str, last: str | None, progress: RowProgress
) -> None:
    batch: list[Row] = []
    size = 0

    async def write() -> None:
        await target.add(table, batch, step, json.dumps(table.key_of(batch[-1])))
        progress.add(len(batch))

    async for row in source.rows(table, None if last is None else json.loads(last)):
        batch.append(table.clear_leases(row))
        size += sum(map(measure, row))
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            await write()
            batch, size = [], 0
    if batch:
        await write()


async def compare_tables(source: MoveDatabase, target: MoveDatabase, report: Report) -> int:
    """Compare all rows, and return their number.

    Raises:
        MoveError: a table differs.
    """
    total = await count_rows(source)
    progress = RowProgress("verification of the rows", 2 * total, report)
    for table in list_tables():
        wanted = await _digest(source, table, progress, is_source=True)
        found = await _digest(target, table, progress, is_source=False)
        if wanted != found:
            counts = f"{found.count} rows of {wanted.count}"
            if wanted.count == found.count:
                counts = f"{found.count} rows, but other values"
            raise MoveError(f"the target has a different table {table.name}: {counts}", START_OVER)
    if await source.read_numbers() != await target.read_numbers():
        raise MoveError("the target would number new rows differently", START_OVER)
    return total


async def _digest(database: MoveDatabase, table: MovedTable, progress: RowProgress, *, is_source: bool) -> TableDigest:
    count = total = 0
    async for row in database.rows(table):
        total += hash_row(table.clear_leases(row) if is_source else row)
        count += 1
        if count % BATCH_ROWS == 0:
            progress.add(BATCH_ROWS)
    progress.add(count % BATCH_ROWS)
    return TableDigest(count, total % MODULUS)
