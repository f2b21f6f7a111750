"""The named queries of the store, read from the `.sql` files next to this module.

A query declares the record of its rows after its name (`-- returns: RunRow`), or returns no rows. A query with `$ORDER`
exists twice, as `name.asc` and `name.desc`, for pages in both directions.
Each query checks the names of its parameters at every call, so a missing one does not only fail with rare data.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import apsw

from projectdavid.ports import rows

_PARAMETER = re.compile(r"'[^']*'|:([a-z_][a-z0-9_]*)")
"""Group 1 is the name of a parameter; a string literal matches without it."""
_NAME = re.compile(r"^-- name: (\w+)\n(?:-- returns: (\w+)\n)?", re.MULTILINE)
_DIRECTIONS = {
    "asc": {"$PAST": ">", "$ORDER": "ASC", "$START": "-1"},
    "desc": {"$PAST": "<", "$ORDER": "DESC", "$START": "9223372036854775807"},
}
_STATUSES = {
    "OPEN": ("pending", "queued", "in_progress", "requires_action", "cancelling"),
    "TO_WORK_ON": ("queued", "in_progress", "cancelling"),
}
"""The expansions of `$OPEN` and `$TO_WORK_ON`, which match the partial indexes of runs. `IN` is slower: SQLite builds a
table of the list for each index of a row that it writes."""
_STATUS = re.compile(rf"((?:\w+\.)?)\$({'|'.join(_STATUSES)})\b")


class SQLText(NamedTuple):
    """The text of a query; `record` is the name of its declared record."""

    name: str
    record: str | None
    sql: str

    @property
    def is_page(self) -> bool:
        """True if it runs in both directions."""
        return "$ORDER" in self.sql


class NamedQuery:
    """One named query; `make` builds a record from a row, and is None if the query returns no rows."""

    __slots__ = ("make", "name", "owned", "parameters", "record", "select", "sql")

    def __init__(self, name: str, sql: str, record: str | None = None) -> None:
        self.name = name
        self.sql = sql
        self.record = record
        self.parameters: Set[str] = frozenset(found for found in _PARAMETER.findall(sql) if found)
        self.owned = "owner" in self.parameters
        self.select = sql.startswith(("SELECT", "WITH"))
        # Twice as fast as `_make`; `scripts/rows.py` compares the columns with those of the record.
        self.make: Callable[[Any], Any] | None = (
            None if record is None else partial(tuple.__new__, getattr(rows, record))
        )

    def rows(self, connection: apsw.Connection, params: Mapping[str, Any]) -> list[Any]:
        """Return all rows, as instances of its record.

        Raises:
            TypeError: `params` do not match its parameters.
        """
        if params.keys() != self.parameters:
            self.check(params.keys())
        cursor = connection.execute(self.sql, params)
        return [] if self.make is None else list(map(self.make, cursor))

    def rows_up_to(
        self, connection: apsw.Connection, params: Mapping[str, Any], max_bytes: int
    ) -> tuple[list[Any], bool]:
        """Return the first rows with at most `max_bytes` together, at least one, and whether there are more.

        Raises:
            TypeError: as for `rows`.
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
        """Check that no parameter is missing or unknown, except for `owner`, which views pass to every query.

        Raises:
            TypeError: the message names the query and the parameters.
        """
        wrong = [f"is missing '{name}'" for name in sorted(self.parameters - given)]
        wrong += [f"has no parameter '{name}'" for name in sorted(given - self.parameters - {"owner"})]
        if wrong:
            raise TypeError(f"The query '{self.name}' {' and '.join(wrong)}.")


def _size(value: Any) -> int:
    """Return the maximum bytes of a value in an answer."""
    if isinstance(value, str):
        return len(value) if value.isascii() else 4 * len(value)
    return len(value) if isinstance(value, bytes) else 8


def read_texts() -> Iterator[SQLText]:
    """Read the queries from their files, in the order of the files."""
    for path in sorted(Path(__file__).parent.glob("*.sql")):
        _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, record, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
            yield SQLText(name, record, _STATUS.sub(_expand_status, sql))


def _expand_status(found: re.Match[str]) -> str:
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
    """Return the names and the SQL of a query: one for each direction of a page."""
    if not text.is_page:
        return [(text.name, text.sql)]
    result: list[tuple[str, str]] = []
    for direction, replacements in _DIRECTIONS.items():
        full = text.sql
        for placeholder, replacement in replacements.items():
            full = full.replace(placeholder, replacement)
        result.append((f"{text.name}.{direction}", full))
    return result


QUERIES = _load()
