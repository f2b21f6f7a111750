"""The named queries of the store, read from the `.sql` files beside this module.

A query with `$ORDER` exists twice, as `name.asc` and `name.desc`: pages run both ways.
Each query knows its parameters and refuses any others: a call that forgets one must not wait for rare data to fail.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Mapping, Set
from pathlib import Path
from typing import Any

import apsw

_PARAMETER = re.compile(r"'[^']*'|:([a-z_][a-z0-9_]*)")
"""A parameter in group 1; string literals match without one."""
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
_WAYS = {
    "asc": {"$PAST": ">", "$ORDER": "ASC", "$START": "-1"},
    "desc": {"$PAST": "<", "$ORDER": "DESC", "$START": "9223372036854775807"},
}


class Query:
    """One named query."""

    __slots__ = ("_make", "_silent", "name", "owned", "parameters", "select", "sql")

    def __init__(self, name: str, sql: str) -> None:
        self.name = name
        self.sql = sql
        self.parameters: Set[str] = frozenset(found for found in _PARAMETER.findall(sql) if found)
        self.owned = "owner" in self.parameters
        self.select = sql.startswith(("SELECT", "WITH"))
        self._silent = not self.select and "RETURNING" not in sql
        self._make: Callable[[Any], Any] | None = None

    def rows(self, connection: apsw.Connection, params: Mapping[str, Any]) -> list[Any]:
        """Run it to its end; rows are named tuples of its columns.

        Raises:
            TypeError: `params` are not its parameters.
        """
        cursor = self._execute(connection, params)
        if self._silent:
            return []
        make = self._make or self._maker(cursor)
        return [make(row) for row in cursor] if make else []

    def rows_up_to(
        self, connection: apsw.Connection, params: Mapping[str, Any], max_bytes: int
    ) -> tuple[list[Any], bool]:
        """Run it until its rows hold more than `max_bytes`; returns those that fit, at least one, and if it has more.

        Raises:
            TypeError: as `rows`.
        """
        cursor = self._execute(connection, params)
        make = self._make or self._maker(cursor)
        rows: list[Any] = []
        if make is None:
            return rows, False
        size = 0
        for row in cursor:
            size += sum(map(_size, row))
            if rows and size > max_bytes:
                cursor.close()
                return rows, True
            rows.append(make(row))
        return rows, False

    def _execute(self, connection: apsw.Connection, params: Mapping[str, Any]) -> apsw.Cursor:
        if params.keys() != self.parameters:
            self.check(params.keys())
        return connection.execute(self.sql, params)

    def _maker(self, cursor: apsw.Cursor) -> Callable[[Any], Any] | None:
        """What makes named tuples of the rows; None if the query returned nothing."""
        try:
            columns = [column[0] for column in cursor.get_description()]
        except apsw.ExecutionCompleteError:
            return None
        self._make = namedtuple("Row", columns)._make  # pyright: ignore[reportUntypedNamedTuple]
        return self._make

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


def _load() -> dict[str, Query]:
    queries: dict[str, Query] = {}
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
            for variant, full in _variants(name, sql):
                if variant in queries:
                    raise LookupError(f"two queries are named '{variant}'")
                queries[variant] = Query(variant, full)
    return queries


def _variants(name: str, sql: str) -> list[tuple[str, str]]:
    if "$ORDER" not in sql:
        return [(name, sql)]
    result: list[tuple[str, str]] = []
    for way, words in _WAYS.items():
        full = sql
        for word, replacement in words.items():
            full = full.replace(word, replacement)
        result.append((f"{name}.{way}", full))
    return result


QUERIES = _load()
