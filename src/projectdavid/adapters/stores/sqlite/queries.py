"""The named queries on SQLite.

Each query checks the names of its parameters at every call, so a missing one does not only fail with rare data.
"""

from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import Any

import apsw

from projectdavid.adapters.stores.queries import PARAMETER, check_params, measure, read_texts, variants
from projectdavid.ports import rows


class NamedQuery:
    """One named query; `make` builds a record from a row, and is None if the query returns no rows."""

    __slots__ = ("make", "name", "owned", "parameters", "record", "select", "sql")

    def __init__(self, name: str, sql: str, record: str | None = None) -> None:
        self.name = name
        self.sql = sql
        self.record = record
        self.parameters: Set[str] = frozenset(found for found in PARAMETER.findall(sql) if found)
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
            check_params(self.name, self.parameters, params.keys())
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
            check_params(self.name, self.parameters, params.keys())
        cursor = connection.execute(self.sql, params)
        found: list[Any] = []
        if self.make is None:
            return found, False
        size = 0
        for row in cursor:
            size += sum(map(measure, row))
            if found and size > max_bytes:
                cursor.close()
                return found, True
            found.append(self.make(row))
        return found, False


def _load() -> dict[str, NamedQuery]:
    queries: dict[str, NamedQuery] = {}
    for text in read_texts():
        for name, sql in variants(text):
            if name in queries:
                raise LookupError(f"two queries are named '{name}'")
            queries[name] = NamedQuery(name, sql, text.record)
    return queries


QUERIES = _load()
