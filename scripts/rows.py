"""Writes the handles of the named queries (`ports/queries.py`) from their SQL, and checks the records of their rows.

`python scripts/rows.py` writes the handles; with `--check` it writes nothing and fails if they differ. Both report:

- a query that SQLite refuses, that selects `*`, or whose columns are not those of the record that it declares;
- a column whose type or nullability is not that of its table;
- a query without a declaration that returns rows, a declaration of one that does not, and a record that no query uses;
- a call of a query without one of its parameters, or with unknown ones.
"""

import re
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

import apsw
import apsw.ext

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for `tests`, which has the reader of calls

from projectdavid.adapters.stores.queries import SQLText, read_texts, variants  # noqa: E402
from projectdavid.adapters.stores.sqlite.migrations import migrate  # noqa: E402
from projectdavid.ports import rows  # noqa: E402

HANDLES = ROOT / "src/projectdavid/ports/queries.py"
TYPES = {"INTEGER": int, "REAL": float, "TEXT": str, "BLOB": bytes}
STAR = re.compile(r"(?:SELECT|,)\s+(?:\w+\.)?\*|RETURNING \*")
HEAD = '''"""Handles of the named queries: `store.one(queries.RUN, id=...)` returns a `RunRow`, or None.

`python scripts/rows.py` writes this module from the `.sql` files of the store.
"""

from typing import Final

from projectdavid.ports import rows
from projectdavid.ports.store import PageQuery, RowQuery, Statement
'''

Record = type[tuple[Any, ...]]


def main() -> int:
    """Write or check; the exit code."""
    texts = list(read_texts())
    records = {name: getattr(rows, name) for name in rows.__all__}
    found = [*schema_faults(texts, records), *unused(texts, records)]
    made = handles(texts)
    if "--check" not in sys.argv[1:]:
        HANDLES.write_text(made, "utf-8")
    elif HANDLES.read_text("utf-8") != made:
        found.append(f"{HANDLES.relative_to(ROOT)} is not what python scripts/rows.py writes")
    found = found or [*call_faults()]
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


def handles(texts: list[SQLText]) -> str:
    """The module with a handle for each query."""
    lines = [HEAD, "\n"]
    for text in texts:
        kind = "Statement" if text.record is None else "PageQuery" if text.is_page else "RowQuery"
        given = f'"{text.name}"' if text.record is None else f'"{text.name}", rows.{text.record}'
        lines.append(f"{text.name.upper()}: Final = {kind}({given})\n")
    return "".join(lines)


def schema_faults(texts: list[SQLText], records: Mapping[str, Record]) -> Iterator[str]:
    """What is wrong with the queries and the records that they declare, in a database with the present schema."""
    connection = apsw.Connection(":memory:")
    migrate(connection)
    columns = column_types(connection)
    for text in texts:
        if STAR.search(text.sql):
            yield f"{text.name}: name the columns instead of '*'"
        for name, sql in variants(text):
            yield from (f"{name}: {fault}" for fault in query_faults(connection, columns, text.record, sql, records))


Columns = Mapping[tuple[str, str], tuple[type, bool]]
"""The type of each column, by table and name, and whether it can be NULL."""


def column_types(connection: apsw.Connection) -> Columns:
    """The columns of all tables."""
    sql = """
    SELECT t.name, c.name, c.type, c."notnull", c.pk FROM pragma_table_list AS t JOIN pragma_table_xinfo(t.name) AS c
    WHERE t.type = 'table' AND t.strict
    """
    return {
        (table, name): (TYPES[kind], not (is_set or (pk and kind == "INTEGER")))
        for table, name, kind, is_set, pk in connection.execute(sql)
    }


def query_faults(
    connection: apsw.Connection, columns: Columns, declared: str | None, sql: str, records: Mapping[str, Record]
) -> Iterator[str]:
    """What is wrong with one query."""
    try:
        described = apsw.ext.query_info(connection, sql).description_full or ()
    except apsw.SQLError as error:
        yield str(error)
        return
    names = [one[0] for one in described]
    if declared is None:
        if names:
            yield f"declare the record of its rows: '-- returns: ...' with {', '.join(names)}"
        return
    fields = typing.get_type_hints(records[declared])
    if names != list(fields):
        yield f"returns {', '.join(names) or 'no rows'}, but {declared} has {', '.join(fields)}"
        return
    for name, _, _, table, column in described:
        if (known := columns.get((table, column))) is not None:
            optional = "LEFT JOIN" in sql or f") AS {name}" in sql  # an outer join or a scalar subquery without a row
            yield from type_faults(f"{declared}.{name}", fields[name], *known, optional=optional)


def type_faults(field: str, hint: Any, kind: type, nullable: bool, *, optional: bool) -> Iterator[str]:
    """How the type of a field differs from that of its column; `optional`: the query can return NULL for it anyway."""
    given = set(typing.get_args(hint) or (hint,))
    if given - {NoneType} != {kind}:
        yield f"{field} is {hint}, but its column holds {kind.__name__}"
    elif nullable and NoneType not in given:
        yield f"{field} can be NULL, so its type must include None"
    elif NoneType in given and not nullable and not optional:
        yield f"{field} is never NULL, so its type must not include None"


def unused(texts: list[SQLText], records: Mapping[str, Record]) -> Iterator[str]:
    """Records that no query returns."""
    for name in sorted(records.keys() - {text.record for text in texts}):
        yield f"{name}: no query returns this record"


def call_faults() -> Iterator[str]:
    """Calls whose parameters are not those of their query."""
    from tests.architecture.query_calls import calls  # it reads the handles, which this script may just have written

    for call in calls():
        yield from call.faults()


if __name__ == "__main__":
    sys.exit(main())
