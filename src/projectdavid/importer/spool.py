"""Objects of exports, sorted on the disk, because exports can be larger than the memory."""

import json
import sqlite3
from collections.abc import Generator
from itertools import groupby
from typing import Any

from projectdavid.importer.export_lines import PARENTS
from projectdavid.importer.source import Json

TABLE = """
CREATE TABLE objects (
    kind TEXT NOT NULL, id TEXT NOT NULL, parent TEXT NOT NULL, created_at INTEGER NOT NULL, place INTEGER NOT NULL,
    body TEXT NOT NULL, PRIMARY KEY (kind, parent, id)
) WITHOUT ROWID;
"""
PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?)"
PAGE = 100


class ObjectSpool:
    """A temporary database, deleted when it is closed or its process ends."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("")
        self._db.executescript(TABLE)
        self._place = 0
        self.duplicates = 0

    def put(self, value: Json) -> None:
        """Store an object, replacing an earlier one with the same id."""
        kind, one = str(value["object"]), value.get("id")
        parent = value.get(PARENTS.get(kind, ""))
        self._place += 1
        name = one if isinstance(one, str) else f"?{self._place}"
        row = (kind, name, str(parent or ""), _time(value), self._place, json.dumps(value))
        known = self._db.execute(
            "SELECT 1 FROM objects WHERE kind = ? AND parent = ? AND id = ?", (kind, row[2], name)
        ).fetchone()
        self.duplicates += known is not None
        self._db.execute(PUT, row)

    def count(self, kind: str) -> int:
        """Return the number of objects of a kind."""
        return int(self._db.execute("SELECT count(*) FROM objects WHERE kind = ?", (kind,)).fetchone()[0])

    def kinds(self) -> list[str]:
        """Return the kinds of objects that were read."""
        return [kind for (kind,) in self._db.execute("SELECT DISTINCT kind FROM objects ORDER BY kind")]

    def pages(self, kind: str, parent: str | None = None, *, newest_first: bool = False) -> Generator[list[Json]]:
        """Yield the objects of a kind (within a parent) by time, then in the order in which they were read."""
        within = "" if parent is None else " AND parent = ?"
        order = "DESC" if newest_first else "ASC"
        query = f"SELECT body FROM objects WHERE kind = ?{within} ORDER BY created_at, place {order}"  # noqa: S608
        rows = self._db.execute(query, (kind,) if parent is None else (kind, parent))
        while found := rows.fetchmany(PAGE):
            yield [json.loads(body) for (body,) in found]

    def find_newest_first(self) -> set[str]:
        """Return the threads whose messages were exported newest first, as the service lists them.

        If all messages of a thread have the same second, other threads of the exports decide; without those, roles do:
        an answer follows its question.
        """
        query = "SELECT parent, created_at FROM objects WHERE kind = 'thread.message' ORDER BY parent, place"
        found: dict[str, set[str]] = {"falling": set(), "rising": set(), "level": set()}
        for thread, rows in groupby(self._by_place(query), key=lambda row: row[0]):
            found[_direction([time for _, time in rows])].add(thread)
        falling = found["falling"]
        if len(falling) > len(found["rising"]):
            return falling | found["level"]
        if not found["rising"]:
            falling |= {thread for thread in found["level"] if self._answers_first(thread)}
        return falling

    def _answers_first(self, thread_id: str) -> bool:
        query = "SELECT body FROM objects WHERE kind = 'thread.message' AND parent = ? ORDER BY place"
        roles = [json.loads(body).get("role") for (body,) in self._db.execute(query, (thread_id,))]
        return roles[:1] == ["assistant"] and roles[-1:] == ["user"]

    def _by_place(self, query: str) -> Generator[tuple[str, int]]:
        yield from self._db.execute(query)

    def lost_threads(self) -> Generator[list[Json]]:
        """Yield threads of which only the messages were exported, in pages."""
        query = """
        SELECT parent, min(created_at) FROM objects AS m
        WHERE kind = 'thread.message' AND parent <> ''
            AND NOT EXISTS (SELECT 1 FROM objects AS t WHERE t.kind = 'thread' AND t.parent = '' AND t.id = m.parent)
        GROUP BY parent ORDER BY 2, 1
        """
        rows = self._db.execute(query)
        while found := rows.fetchmany(PAGE):
            yield [{"object": "thread", "id": one, "created_at": time, "metadata": {}} for one, time in found]

    def lost_stores(self) -> list[str]:
        """Return vector stores of which only the files were exported."""
        query = """
        SELECT DISTINCT parent FROM objects AS f
        WHERE kind = 'vector_store.file'
            AND NOT EXISTS (
                SELECT 1 FROM objects AS s WHERE s.kind = 'vector_store' AND s.parent = '' AND s.id = f.parent
            )
        """
        return [one for (one,) in self._db.execute(query)]

    def close(self) -> None:
        """Delete everything."""
        self._db.close()


def _direction(times: list[int]) -> str:
    """Return the direction of times: `level` if all are equal; if mixed, they are sorted as if `rising`."""
    if times == sorted(times):
        return "rising" if times[:1] != times[-1:] else "level"
    return "falling" if times == sorted(times, reverse=True) else "rising"


def _time(value: Json) -> int:
    created: Any = value.get("created_at")
    return int(created) if isinstance(created, int | float) and abs(created) < 2**53 else 0
