"""The named queries of the store, read from the `.sql` files beside this module.

A query declares the record of its rows after its name (`-- returns: RunRow`), or returns none. A query with `$ORDER`
exists twice, as `name.asc` and `name.desc`: pages run both ways.
Each query knows its parameters and refuses any others: a call that forgets one must not wait for rare data to fail.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from projectdavid.ports import rows

_PARAMETER = re.compile(r"'[^']*'|:([a-z_][a-z0-9_]*)")
"""A parameter in group 1; string literals match without one."""
_NAME = re.compile(r"^-- name: (\w+)\n(?:-- returns: (\w+)\n)?", re.MULTILINE)
_WAYS = {
    "asc": {"$PAST": ">", "$ORDER": "ASC", "$START": "-1"},
    "desc": {"$PAST": "<", "$ORDER": "DESC", "$START": "9223372036854775807"},
}
_STATUSES = {
    "OPEN": ("pending", "queued", "in_progress", "requires_action", "cancelling"),
    "TO_WORK_ON": ("queued", "in_progress", "cancelling"),
}
"""What `$OPEN` and `$TO_WORK_ON` stand for, as the partial indexes of runs have it. Not `IN`: SQLite fills a table with
such a list for each index of a row that it writes."""
_STATUS = re.compile(rf"((?:\w+\.)?)\$({'|'.join(_STATUSES)})\b")


class SQLText(NamedTuple):
    """A query as its file has it; `record` is the name of the record that it declares."""

    name: str
    record: str | None
    sql: str

    @property
    def is_page(self) -> bool:
        """True if it runs both ways."""
        return "$ORDER" in self.sql


class NamedQuery:
    """One named query; `make` builds a record from a row, None if it returns no rows."""

    __slots__ = ("make", "name", "owned", "parameters", "record", "select", "sql")

    def __init__(self, name: str, sql: str, record: str | None = None) -> None:
        self.name = name
        self.sql = sql
        self.record = record
        self.parameters: Set[str] = frozenset(found for found in _PARAMETER.findall(sql) if found)
        self.owned = "owner" in self.parameters
        self.select = sql.startswith(("SELECT", "WITH"))
        # Not `_make`, which takes twice as long; `scripts/rows.py` compares the columns with those of the record.
        self.make: Callable[[Any], Any] | None = (
            None if record is None else partial(tuple.__new__, getattr(rows, record))
        )

    def rows(self, connection: apsw.Connection, params: Mapping[str, Any]) -> list[Any]:
        """Run it to its end; rows are instances of its record.

        Raises:
            TypeError: `params` are not its parameters.
        """
        if params.keys() != self.parameters:
            self.check(params.keys())
        cursor = connection.execute(self.sql, params)
        return [] if self.make is None else list(map(self.make, cursor))

    def rows_up_to(
        self, connection: apsw.Connection, params: Mapping[str, Any], max_bytes: int
    ) -> tuple[list[Any], bool]:
        """Run it until its rows hold more than `max_bytes`; returns those that fit, at least one, and if it has more.

        Raises:
            TypeError: as `rows`.
        """
        if params.keys() != self.parameters:
            self.check(params.keys())
        cursor = connection.execute(self.sql, params)
        found: list[Any] = []
        if self.make is None:
            return found, False
        size = 0
        for row in cursor:
            size += sum(map(_size, row))
            if found and size > max_bytes:
                cursor.close()
                return found, True
            found.append(self.make(row))
        return found, False

    def check(self, given: Set[str]) -> None:
        """Refuse a call without one of the parameters, or with unknown ones; a view binds `owner` to every query.

        Raises:
            TypeError: names the query and the parameters.
        """
        wrong = [f"is missing '{name}'" for name in sorted(self.parameters - given)]
        wrong += [f"has no parameter '{name}'" for name in sorted(given - self.parameters - {"owner"})]
        if wrong:
            raise TypeError(f"The query '{self.name}' {' and '.join(wrong)}.")


def _size(value: Any) -> int:
    """The most bytes that a value takes in an answer."""
    if isinstance(value, str):
        return len(value) if value.isascii() else 4 * len(value)
    return len(value) if isinstance(value, bytes) else 8


def read_texts() -> Iterator[SQLText]:
    """Read the queries from their files, in the order of the files."""
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, record, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
            yield SQLText(name, record, _STATUS.sub(_spell_out, sql))


def _spell_out(found: re.Match[str]) -> str:
    return "(" + " OR ".join(f"{found[1]}status = '{status}'" for status in _STATUSES[found[2]]) + ")"


def _load() -> dict[str, NamedQuery]:
    queries: dict[str, NamedQuery] = {}
    for text in read_texts():
        if text.record is not None and text.record not in rows.__all__:
            raise LookupError(
                f"the query '{text.name}' declares the record '{text.record}', which is not in ports/rows"
            )
        for name, sql in variants(text):
            if name in queries:
                raise LookupError(f"two queries are named '{name}'")
            queries[name] = NamedQuery(name, sql, text.record)
    return queries


def variants(text: SQLText) -> list[tuple[str, str]]:
    """Return the names and the SQL of a query: both ways of a page."""
    if not text.is_page:
        return [(text.name, text.sql)]
    result: list[tuple[str, str]] = []
    for way, words in _WAYS.items():
        full = text.sql
        for word, replacement in words.items():
            full = full.replace(word, replacement)
        result.append((f"{text.name}.{way}", full))
    return result


QUERIES = _load()
