"""The erasure sweep on PostgreSQL: deletes hidden rows in small slices, children first.

Statements are built only from names of the schema.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

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

Session = asyncpg.Connection
NEXT = f"""
SELECT n, id FROM users
WHERE erased = 1 AND NOT (
    id = '{RESERVED}' AND EXISTS (
        SELECT 1 FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id WHERE a.owner = '{RESERVED}' AND r.{OPEN}
    )
)
ORDER BY n <= $1, n LIMIT 1
"""  # noqa: S608
"""The next erased user. Objects deleted without their user wait until deleted assistants have no open runs."""
CONFIGURED = f"""
SELECT r.n FROM assistants AS a JOIN runs AS r ON r.assistant_id = a.id AND r.config <> $1
WHERE a.owner = '{RESERVED}' AND NOT r.{OPEN} LIMIT {CHUNK}
"""  # noqa: S608
BLANK = """
WITH added AS (
    INSERT INTO configs (hash, body) SELECT ''::bytea, '{}'
    WHERE NOT EXISTS (SELECT 1 FROM configs WHERE hash = ''::bytea) RETURNING n
)
SELECT n FROM added UNION ALL SELECT n FROM configs WHERE hash = ''::bytea
"""
STORED_ANSWERS = """
SELECT key, position($1::bytea IN answer) AS found FROM idempotency WHERE owner = $2 AND key > $3 ORDER BY key LIMIT $4
"""
KEYS = """
SELECT t.relname AS name, coalesce(array_agg(a.attname) FILTER (WHERE a.attname IS NOT NULL), '{}') AS key
FROM pg_class AS t
    LEFT JOIN pg_index AS i ON i.indrelid = t.oid AND i.indisprimary
    LEFT JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)
WHERE t.relkind = 'r' AND t.relnamespace = current_schema()::regnamespace
GROUP BY t.relname
"""
REFERENCES = """
SELECT
    c.conrelid::regclass::text AS child, a.attname AS column, c.confrelid::regclass::text AS parent,
    p.attname AS target, c.confdeltype = 'n' AS unset
FROM pg_constraint AS c
    JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
    JOIN pg_attribute AS p ON p.attrelid = c.confrelid AND p.attnum = c.confkey[1]
WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n') AND c.connamespace = current_schema()::regnamespace
ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class _Slice:
    """Rows that can be deleted now; `unset` is the column to set to NULL instead."""

    table: str
    rows: Sequence[Any]
    unset: str | None


class ErasureSweep:
    """Deletes hidden rows; `slice` runs within a transaction."""

    def __init__(self) -> None:
        self._tables: Mapping[str, ErasableTable] = {}
        self._last = 0
        self._answers_read: tuple[int, str] = (0, "")

    async def slice(self, db: Session) -> SweptRows | None:
        """Delete some rows; returns None if nothing can be deleted now."""
        if (swept := await self._erase_answers(db) or await self._erase_configs(db)) is not None:
            return swept
        # Users take turns, so a large erasure does not delay others.
        row = await db.fetchrow(NEXT, self._last)
        if row is None:
            return None
        self._last, owner = row["n"], row["id"]
        return await self._delete(db, owner)

    async def left(self, db: Session, owner: str) -> dict[str, int]:
        """Return a user's number of rows by kind, each counted up to `COUNTED`."""
        kinds = paths_to_kinds(await self._schema(db))
        left: dict[str, int] = {}
        for name, path in kinds.items():
            rows = await db.fetch(count_rows_sql(path, "$1", "$2"), owner, COUNTED)
            left[name] = int(rows[0][0])
        return left

    async def _delete(self, db: Session, owner: str) -> SweptRows:
        rows: Counter[str] = Counter()
        root = ChildTable(ROOT, "id", "", unset=False)
        found = None
        while rows.total() < ROWS and (found := await self._find(db, root, [owner])) is not None:
            deleted = await self._remove(db, found)
            rows[found.table] += 0 if found.unset else deleted
            if not deleted:
                break  # another process changed them first
        await self._report(db, owner, rows)
        return SweptRows(owner, dict(rows), done=found is None)

    async def _find(self, db: Session, at: ChildTable, values: Sequence[Any]) -> _Slice | None:
        """Return rows without dependents among the rows with these values and their descendants."""
        table = (await self._schema(db))[at.table]
        wanted = ", ".join(dict.fromkeys(f'"{child.parent}"' for child in table.children)) or "1"
        statement = f'SELECT ctid AS place, {wanted} FROM {table.name} WHERE "{at.column}" = ANY ($1) LIMIT {CHUNK}'  # noqa: S608
        rows = await db.fetch(statement, list(values))
        if not rows:
            return None
        if not at.unset:
            for child in table.children:
                below = await self._find(db, child, [row[child.parent] for row in rows])
                if below is not None:
                    return below
        return _Slice(table.name, [row["place"] for row in rows], at.column if at.unset else None)

    async def _remove(self, db: Session, found: _Slice) -> int:
        unset = f'UPDATE {found.table} SET "{found.unset}" = NULL'  # noqa: S608
        change = unset if found.unset else f"DELETE FROM {found.table}"  # noqa: S608
        status = await db.execute(f"{change} WHERE ctid = ANY ($1::tid[])", found.rows)
        return int(status.rpartition(" ")[2])

    async def _erase_configs(self, db: Session) -> SweptRows | None:
        """Give ended runs of deleted assistants an empty configuration; a trigger deletes the previous ones."""
        blank = await db.fetchval("SELECT n FROM configs WHERE hash = ''::bytea")
        runs = [row["n"] for row in await db.fetch(CONFIGURED, blank or 0)]
        if not runs:
            return None
        blank = blank or await db.fetchval(BLANK)
        await db.execute("UPDATE runs SET config = $1 WHERE n = ANY ($2::bigint[])", blank, runs)
        return SweptRows(RESERVED, {}, done=False)

    async def _erase_answers(self, db: Session) -> SweptRows | None:
        """Erase the stored answers to idempotent requests that contain the id of a deleted object."""
        row = await db.fetchrow("SELECT n, owner, id FROM erased_ids ORDER BY n LIMIT 1")
        if row is None:
            return None
        n, owner, erased_id = row["n"], row["owner"], row["id"]
        after = self._answers_read[1] if self._answers_read[0] == n else ""
        rows = await db.fetch(STORED_ANSWERS, erased_id.encode(), owner, after, ANSWERS)
        clear = "UPDATE idempotency SET status = NULL, answer = NULL WHERE owner = $1 AND key = ANY ($2::text[])"
        await db.execute(clear, owner, [row["key"] for row in rows if row["found"]])
        if len(rows) < ANSWERS:
            await db.execute("DELETE FROM erased_ids WHERE n = $1", n)
        else:
            self._answers_read = n, rows[-1]["key"]
        return SweptRows(owner, {}, done=False)

    async def _report(self, db: Session, owner: str, rows: Mapping[str, int]) -> None:
        """Add counts to the report of the user's erasure."""
        for row in await db.fetch('SELECT n, deleted FROM erasures WHERE "user" = $1', owner):
            deleted = Counter(json.loads(row["deleted"])) + Counter(rows)
            await db.execute("UPDATE erasures SET deleted = $1 WHERE n = $2", json.dumps(deleted), row["n"])

    async def _schema(self, db: Session) -> Mapping[str, ErasableTable]:
        """Return the tables of the schema, each with its dependent tables."""
        if not self._tables:
            tables = {row["name"]: ErasableTable(row["name"], tuple(row["key"])) for row in await db.fetch(KEYS)}
            for row in await db.fetch(REFERENCES):
                child = ChildTable(row["child"], row["column"], row["target"], unset=bool(row["unset"]))
                tables[row["parent"]].children.append(child)
            add_keyless(tables, with_journal=True)
            self._tables = tables
        return self._tables
