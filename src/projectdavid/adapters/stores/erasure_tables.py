"""The tables of the schema as the erasure sweep sees them, whatever the database is.

The adapters read the tables and their dependencies from the schema, so a new table is swept, and counted in erasure
reports, without a change to the sweep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

ROOT = "users"
RESERVED = "erased"
"""The owner of objects that are deleted without their user."""
ROWS = 500
"""Maximum rows that one slice deletes."""
CHUNK = 100
"""Rows per lookup."""
ANSWERS = 50
"""Stored answers that one slice searches for an id."""
COUNTED = 1000
"""Maximum count of rows per kind."""
OPEN = "status IN ('pending', 'queued', 'in_progress', 'requires_action', 'cancelling')"


@dataclass(frozen=True, slots=True)
class ChildTable:
    """A table whose `column` refers to the column `parent` of another; if `unset`, it is set to NULL instead."""

    table: str
    column: str
    parent: str
    unset: bool


@dataclass(frozen=True, slots=True)
class ErasableTable:
    """A table with its primary key and its dependent tables."""

    name: str
    key: tuple[str, ...]
    children: list[ChildTable] = field(default_factory=list[ChildTable])


def paths_to_kinds(tables: Mapping[str, ErasableTable]) -> dict[str, list[ChildTable]]:
    """Return each table that belongs to users, with one path to it from `users`."""
    found: dict[str, list[ChildTable]] = {ROOT: []}
    waiting = [ROOT]
    while waiting:
        name = waiting.pop(0)
        for child in tables[name].children:
            if child.table not in found and not child.unset:
                found[child.table] = [*found[name], child]
                waiting.append(child.table)
    return found


def count_rows_sql(path: Sequence[ChildTable], owner: str, limit: str) -> str:
    """Return the SQL that counts an owner's rows at the end of a path; `owner` and `limit` are placeholders."""
    joins = "".join(
        f" JOIN {one.table} AS t{at} ON t{at}.{one.column} = t{at - 1}.{one.parent}"
        for at, one in enumerate(path, start=1)
    )
    return f"SELECT count(*) FROM (SELECT 1 FROM users AS t0{joins} WHERE t0.id = {owner} LIMIT {limit}) AS counted"  # noqa: S608 names of the schema


def add_keyless(tables: Mapping[str, ErasableTable], *, with_journal: bool) -> None:
    """Add the dependencies without a foreign key: deliveries, and in PostgreSQL the journal."""
    tables["runs"].children.append(ChildTable("deliveries", "run_id", "id", unset=False))
    tables["assistants"].children.append(ChildTable("deliveries", "assistant_id", "id", unset=False))
    if with_journal:
        tables["runs"].children.append(ChildTable("journal", "run", "n", unset=False))
