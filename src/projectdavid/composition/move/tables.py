"""The tables that a move copies, and the interface of the databases that have them."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from typing import Any, Protocol

import apsw
import msgspec

from projectdavid.adapters.stores.sqlite.migrations import migrate

Row = tuple[Any, ...]
Report = Callable[[str, int, int], None]
"""Called with the current step, the amount done, and the total (0: unknown)."""

STATE = "move_state"
"""The table that records the progress of a move in its target, and that its source was moved."""
LEASES = frozenset({"lease", "lease_until"})
"""Columns that are cleared: no worker of the source exists any more."""


class MoveError(Exception):
    """A move cannot begin or continue; with a remedy, if known."""

    def __init__(self, message: str, next_step: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_step = next_step


@dataclass(frozen=True, slots=True)
class MovedTable:
    """A table, with its columns in the order of a row; `is_numbered` if the database numbers its rows by `n`."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    is_numbered: bool

    def key_of(self, row: Row) -> list[Any]:
        """Return the primary key of a row."""
        return [row[self.columns.index(name)] for name in self.key]

    def clear_leases(self, row: Row) -> Row:
        """Return a row without its lease."""
        if not LEASES.intersection(self.columns):
            return row
        return tuple(
            None if name in LEASES else value for name, value in zip(self.columns, row, strict=True)
        )  # both columns can be NULL


class MoveDatabase(Protocol):
    """One side of a move."""

    async def load_state(self) -> dict[str, str] | None:
        """Return the recorded steps; None if no move into or out of this database was begun."""
        ...

    async def save_state(self, step: str, state: str) -> None:
        """Record a step."""
        ...

    def rows(self, table: MovedTable, after: Sequence[Any] | None = None) -> AsyncGenerator[Row]:
        """Yield the rows after a key, in the order of the primary key."""
        ...

    async def count(self, table: MovedTable) -> int:
        """Return the number of rows."""
        ...

    async def add(self, table: MovedTable, rows: Sequence[Row], step: str, state: str) -> None:
        """Insert rows and record a step, all or nothing."""
        ...

    async def find_fact(self, key: str) -> str | None:
        """Return a fact about the installation; None if it is not known."""
        ...

    async def read_numbers(self) -> dict[str, int]:
        """Return the highest number that each numbered table has ever given, also to deleted rows."""
        ...

    async def set_numbers(self, numbers: dict[str, int]) -> None:
        """Continue each numbered table after a number."""
        ...


@cache
def list_tables() -> tuple[MovedTable, ...]:
    """Return all tables of the store, each after those it refers to."""
    with closing(apsw.Connection(":memory:")) as connection:
        migrate(connection, "the schema")
        query = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        found = [(str(name), str(sql)) for name, sql in connection.execute(query)]
        parents = {name: _list_parents(connection, name) for name, _ in found}
        tables = {name: _describe(connection, name, sql) for name, sql in found}
    return tuple(tables[name] for name in TopologicalSorter(parents).static_order())


def _list_parents(connection: apsw.Connection, name: str) -> list[str]:
    query = 'SELECT DISTINCT "table" FROM pragma_foreign_key_list(?) ORDER BY 1'
    return [str(parent) for (parent,) in connection.execute(query, (name,)) if parent != name]


def _describe(connection: apsw.Connection, name: str, sql: str) -> MovedTable:
    columns = list(connection.execute("SELECT name, pk FROM pragma_table_info(?)", (name,)))
    key = sorted((int(place), str(column)) for column, place in columns if place)
    return MovedTable(
        name, tuple(str(column) for column, _ in columns), tuple(column for _, column in key), "AUTOINCREMENT" in sql
    )


def hash_row(row: Row) -> int:
    """Return the SHA-256 of a row. Sums of these do not depend on the order, which differs between databases."""
    return int.from_bytes(hashlib.sha256(msgspec.msgpack.encode(row)).digest())


def quote(names: Sequence[str]) -> str:
    """Return names of columns for a statement."""
    return ", ".join(f'"{name}"' for name in names)
