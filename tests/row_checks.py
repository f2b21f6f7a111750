"""Checks that each row has values of the types that its record declares.

`check_rows` wraps the records of all queries in this process. With `ROW_CHECKS_REPORT=FOLDER`, each process of tests
writes which types it saw in each column there; `python -m tests.row_checks FOLDER` lists the columns and types that no
test had.
"""

import json
import os
import sys
import typing
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any

from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.ports import rows

Types = dict[str, frozenset[type]]
SEEN: dict[str, dict[str, set[type]]] = defaultdict(lambda: defaultdict(set))
"""The types of values by record and column."""


def types_of(record: type) -> Types:
    """The types that each column of a record can have."""
    return {name: frozenset(typing.get_args(hint) or (hint,)) for name, hint in typing.get_type_hints(record).items()}


def check_rows() -> None:
    """Let every query of this process check its rows."""
    for query in QUERIES.values():
        if query.record is not None and query.make is not None:
            query.make = _checked(query.make, query.name, getattr(rows, query.record))


def _checked(make: Callable[[Any], Any], name: str, record: type) -> Callable[[Any], Any]:
    expected = types_of(record)
    seen = SEEN[record.__name__]

    def build(values: Any) -> Any:
        row = make(values)
        for column, value in zip(expected, row, strict=True):
            kind = type(value)
            seen[column].add(kind)
            if kind not in expected[column]:
                raise TypeError(f"{name}: {record.__name__}.{column} is {kind.__name__}: {value!r:.80}")
        return row

    return build


def write_report() -> None:
    """Write which types were seen, if the environment asks for it."""
    if folder := os.environ.get("ROW_CHECKS_REPORT"):
        seen = {
            record: {column: sorted(kind.__name__ for kind in kinds) for column, kinds in columns.items()}
            for record, columns in SEEN.items()
        }
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{os.getpid()}.json").write_text(json.dumps(seen), "utf-8")


def unseen(folder: Path) -> list[str]:
    """Records of which no row was seen, and the types of columns that no value had."""
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in folder.glob("*.json"):
        for record, columns in json.loads(path.read_text("utf-8")).items():
            for column, kinds in columns.items():
                seen[record, column] |= set(kinds)
    found: list[str] = []
    for record in rows.__all__:
        types = types_of(getattr(rows, record))
        if not any(seen[record, column] for column in types):
            found.append(record)
            continue
        for column, kinds in types.items():
            found += [
                f"{record}.{column}: {'None' if kind is NoneType else kind.__name__}"
                for kind in kinds
                if kind.__name__ not in seen[record, column]
            ]
    return found


if __name__ == "__main__":
    print("\n".join(unseen(Path(sys.argv[1]))))
