"""The erasure sweep: deletes hidden rows in small slices, children first.

The tables and their dependencies are read from the schema, so a new table is swept, and counted in erasure reports,
without a change here. Statements are built only from names of the schema.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import apsw

from projectdavid.adapters.stores.erasure_tables import (
    ANSWERS,
    CHUNK,
    COUNTED,
    OPEN,
    RESERVED,
    ROOT,
    ROWS,
    ChildTable,
    ErasableTable,
    add_keyless,
    count_rows_sql,
    paths_to_kinds,
)
from projectdavid.ports.store import SweptRows

SECONDS = 0.005
"""A slice ends after `ROWS` rows or `SECONDS`."""
NEXT = f"""
SELECT n, id FROM users
WHERE erased = 1 AND NOT (
    id = '{RESERVED}' AND EXISTS (
        SELECT 1 FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id WHERE a.owner = '{RESERVED}' AND r.{OPEN}
    )
)
ORDER BY n <= ?, n LIMIT 1
"""  # noqa: S608
"""The next erased user. Objects deleted without their user wait until deleted assistants have no open runs."""
BLANK = "SELECT n FROM configs WHERE hash = ?"
"""The empty configuration, which has no hash."""
CONFIGURED = f"""
SELECT r.n FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id AND r.config > :blank
WHERE a.owner = '{RESERVED}' AND NOT r.{OPEN}
UNION ALL
SELECT r.n FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id AND r.config < :blank
WHERE a.owner = '{RESERVED}' AND NOT r.{OPEN}
LIMIT :limit
"""  # noqa: S608

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class _Slice:
    """The keys of rows that can be deleted now; `unset` is the column to set to NULL instead."""

    table: ErasableTable
    keys: list[tuple[Any, ...]]
    unset: str | None = None


class ErasureSweep:
    """Deletes hidden rows; all methods run within a transaction of the connection, and block."""

    def __init__(self, connection: apsw.Connection, clock: Clock = time.perf_counter) -> None:
        self._db = connection
        self._clock = clock
        self._tables = _tables(connection)
        self._last = 0
        self._answers_read: tuple[int, str] = (0, "")

    def slice(self) -> SweptRows | None:
        """Delete some rows; returns None if nothing can be deleted now."""
        if (swept := self._erase_answers() or self._erase_configs()) is not None:
            return swept
        # Users take turns, so a large erasure does not delay others.
        row = next(iter(list(self._db.execute(NEXT, (self._last,)))), None)
        if row is None:
            return None
        self._last, owner = row
        return self._delete(owner)

    def left(self, owner: str) -> dict[str, int]:
        """Return a user's number of rows by kind, each counted up to `COUNTED`."""
        return {name: self._count(path, owner) for name, path in self.kinds().items()}

    def kinds(self) -> dict[str, list[ChildTable]]:
        """Return each table that belongs to users, with one path to it from `users`."""
        return paths_to_kinds(self._tables)

    def _delete(self, owner: str) -> SweptRows:
        deadline = self._clock() + SECONDS
        rows: Counter[str] = Counter()
        root = ChildTable(ROOT, "id", "", unset=False)
        found = None
        while rows.total() < ROWS and self._clock() < deadline and (found := self._find(root, [owner])) is not None:
            rows[found.table.name] += self._remove(found, deadline)
        self._report(owner, rows)
        return SweptRows(owner, dict(rows), done=found is None)

    def _find(self, at: ChildTable, values: Sequence[Any]) -> _Slice | None:
        """Return rows without dependents among the rows with these values and their descendants."""
        table = self._tables[at.table]
        wanted = dict.fromkeys((*table.key, *(child.parent for child in table.children)))
        columns = ", ".join(wanted)
        given = json.dumps(values)
        statement = f"SELECT {columns} FROM {table.name} WHERE {at.column} IN (SELECT value FROM json_each(?)) LIMIT ?"  # noqa: S608 names of the schema
        rows = [dict(zip(wanted, row, strict=True)) for row in self._db.execute(statement, (given, CHUNK))]
        if not rows:
            return None
        if not at.unset:
            for child in table.children:
                below = self._find(child, [row[child.parent] for row in rows])
                if below is not None:
                    return below
        return _Slice(
            table, [tuple(row[column] for column in table.key) for row in rows], at.column if at.unset else None
        )

    def _remove(self, found: _Slice, deadline: float) -> int:
        """Delete rows one by one, because a single row can be large; returns the number deleted before the deadline."""
        name, where = found.table.name, " AND ".join(f"{column} = ?" for column in found.table.key)
        change = f"DELETE FROM {name}" if found.unset is None else f"UPDATE {name} SET {found.unset} = NULL"  # noqa: S608
        deleted = 0
        for key in found.keys:
            self._db.execute(f"{change} WHERE {where}", key)
            deleted += found.unset is None
            if self._clock() >= deadline:
                break
        return deleted

    def _erase_configs(self) -> SweptRows | None:
        """Give ended runs of deleted assistants an empty configuration; a trigger deletes the previous ones."""
        ((blank,),) = list(self._db.execute(BLANK, (b"",))) or ((None,),)
        runs = [n for (n,) in self._db.execute(CONFIGURED, {"blank": blank or 0, "limit": CHUNK})]
        if not runs:
            return None
        if blank is None:
            self._db.execute("INSERT INTO configs (hash, body) VALUES (?, '{}')", (b"",))
            blank = self._db.last_insert_rowid()
        self._db.executemany("UPDATE runs SET config = ? WHERE n = ?", [(blank, n) for n in runs])
        return SweptRows(RESERVED, {}, done=False)

    def _erase_answers(self) -> SweptRows | None:
        """Erase the stored answers to idempotent requests that contain the id of a deleted object."""
        for n, owner, erased_id in list(self._db.execute("SELECT n, owner, id FROM erased_ids ORDER BY n LIMIT 1")):
            after = self._answers_read[1] if self._answers_read[0] == n else ""
            query = "SELECT key, instr(answer, ?) FROM idempotency WHERE owner = ? AND key > ? ORDER BY key LIMIT ?"
            rows = list(self._db.execute(query, (erased_id.encode(), owner, after, ANSWERS)))
            clear = "UPDATE idempotency SET status = NULL, answer = NULL WHERE owner = ? AND key = ?"
            self._db.executemany(clear, [(owner, key) for key, found in rows if found])
            if len(rows) < ANSWERS:
                self._db.execute("DELETE FROM erased_ids WHERE n = ?", (n,))
            else:
                self._answers_read = n, rows[-1][0]
            return SweptRows(owner, {}, done=False)
        return None

    def _report(self, owner: str, rows: Mapping[str, int]) -> None:
        """Add counts to the report of the user's erasure."""
        for n, before in list(self._db.execute("SELECT n, deleted FROM erasures WHERE user = ?", (owner,))):
            deleted = Counter(json.loads(before)) + Counter(rows)
            self._db.execute("UPDATE erasures SET deleted = ? WHERE n = ?", (json.dumps(deleted), n))

    def _count(self, path: Sequence[ChildTable], owner: str) -> int:
        statement = count_rows_sql(path, "?", "?")
        ((count,),) = list(self._db.execute(statement, (owner, COUNTED)))
        return int(count)


def _tables(connection: apsw.Connection) -> dict[str, ErasableTable]:
    """Return the tables of the schema, each with its dependent tables."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    tables: dict[str, ErasableTable] = {}
    for name in names:
        columns = sorted((row[5], row[1]) for row in connection.execute("SELECT * FROM pragma_table_info(?)", (name,)))
        tables[name] = ErasableTable(name, tuple(column for place, column in columns if place))
    for name in names:
        for row in connection.execute("SELECT * FROM pragma_foreign_key_list(?)", (name,)):
            _, _, parent, column, target, _, on_delete, _ = row
            if on_delete in ("CASCADE", "SET NULL"):
                child = ChildTable(name, column, target or tables[parent].key[0], unset=on_delete == "SET NULL")
                tables[parent].children.append(child)
    add_keyless(tables, with_journal=False)
    return tables
