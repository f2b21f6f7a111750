"""The texts of the store's named queries, which the adapters share.

A query declares the record of its rows after its name (`-- returns: RunRow`), or returns no rows. A query with `$ORDER`
exists twice, as `name.asc` and `name.desc`, for pages in both directions. The texts are in SQLite's dialect; another
adapter translates them, and replaces those that differ by texts of its own with the same names.
"""

import re
from collections.abc import Iterator, Set
from pathlib import Path
from typing import NamedTuple

from projectdavid.ports import rows

SHARED = frozenset({"config_insert"})
"""Statements without an owner that views allow: equal configurations of all owners share one row."""
PARAMETER = re.compile(r"'[^']*'|::\w+|:([a-z_][a-z0-9_]*)")
"""Group 1 is the name of a parameter; a string literal and a cast match without it."""
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


def read_texts(folder: Path = Path(__file__).parent) -> Iterator[SQLText]:
    """Read the queries of a folder, in the order of its files.

    Raises:
        LookupError: a query declares a record that is not in `ports/rows`.
    """
    for path in sorted(folder.glob("*.sql")):
        _, *parts = _NAME.split(path.read_text(encoding="utf-8"))
        for name, record, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            if record is not None and record not in rows.__all__:
                raise LookupError(f"the query '{name}' declares the record '{record}', which is not in ports/rows")
            sql = "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip()
            yield SQLText(name, record, _STATUS.sub(_expand_status, sql))


def _expand_status(found: re.Match[str]) -> str:
    return "(" + " OR ".join(f"{found[1]}status = '{status}'" for status in _STATUSES[found[2]]) + ")"


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


def check_params(query: str, parameters: Set[str], given: Set[str]) -> None:
    """Check that no parameter of a query is missing or unknown, except for `owner`, which views pass to every query.

    Raises:
        TypeError: the message names the query and the parameters.
    """
    wrong = [f"is missing '{name}'" for name in sorted(parameters - given)]
    wrong += [f"has no parameter '{name}'" for name in sorted(given - parameters - {"owner"})]
    if wrong:
        raise TypeError(f"The query '{query}' {' and '.join(wrong)}.")


def check_owned(query: str, is_owned: bool) -> None:
    """Check that a query which a view of an owner runs is bound to the owner.

    Raises:
        LookupError: it is not.
    """
    if not is_owned:
        raise LookupError(f"the query '{query}' is not bound to an owner")


def measure(value: object) -> int:
    """Return the maximum bytes of a value in an answer."""
    if isinstance(value, str):
        return len(value) if value.isascii() else 4 * len(value)
    return len(value) if isinstance(value, bytes) else 8
