"""The named queries on PostgreSQL: the shared texts, translated, and the texts that replace some of them.

The parameters of a query become `$1`, `$2` and so on. A parameter that is a JSON array becomes an array of PostgreSQL.
"""

import re
from collections.abc import Callable, Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from projectdavid.adapters.stores.queries import PARAMETER, check_params, read_texts, variants
from projectdavid.ports import rows
from projectdavid.ports.store import Value

TIMES = ("now", "since", "until", "jump", "skew")
"""Parameters that are compared with whole seconds, but are fractions of them."""
ESCAPE, NUL = "\ufdd0", "\0"
"""PostgreSQL's text cannot contain NUL; it is written as `ESCAPE` and a digit, like `ESCAPE` itself. Unicode reserves
that character for use inside of programs."""
_ARRAY = re.compile(r"(?:ANY|ALL) \(:(\w+)\)|unnest\(:(\w+)")
_GONE = (
    "SELECT json_group_array(value ->> 'file_id') FROM json_each(m.attachments)\n"
    "        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = value ->> 'file_id' AND owner = t.owner)",
    "SELECT coalesce(json_agg(a.value ->> 'file_id'), '[]')::text\n"
    "        FROM json_array_elements(json_of(m.attachments)) AS a (value)\n"
    "        WHERE NOT EXISTS (SELECT 1 FROM files WHERE id = a.value ->> 'file_id' AND owner = t.owner)",
)
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r" INDEXED BY \w+", ""),
        (r"NOT IN \(SELECT value FROM json_each\((:\w+)\)\)", r"<> ALL (\1)"),
        (r"IN \(SELECT value FROM json_each\((:\w+)\)\)", r"= ANY (\1)"),
        (r"json_each\((:\w+)\)(?: AS (\w+))?", r"unnest(\1::text[]) AS w (value)"),
        (r"((?:\w+\.)?\w+) ->> '\$\.(\w+)'", r"json_field(\1, '\2')"),
        (r"CROSS JOIN (\w+ AS \w+ ON)", r"JOIN \1"),
        (r"\bmin\(([^(),]+), ([^(),]+)\)", r"least(\1, \2)"),
        (r"\bmax\(([^(),]+), ([^(),]+)\)", r"greatest(\1, \2)"),
        (r"lease_until (>|<=) :now\b", r"lease_until \1 store_time(:now)"),
        (r"COALESCE\(:after, (-?\d+)\)", r"COALESCE(:after, \1::bigint)"),
        (r":(\w+) IS NULL", r":\1::text IS NULL"),
        (r"(\w+_at) <= :before", r"\1 <= :before::double precision"),
        (rf"(?<!:):({'|'.join(TIMES)})\b(?!::)", r":\1::double precision"),
    )
)

_REPLACED = "replaced.sql"
Encode = Callable[[Any], Any]


class NamedQuery:
    """One named query; `make` builds a record from a row, and is None if the query returns no rows."""

    __slots__ = ("arrays", "encoders", "make", "name", "names", "owned", "parameters", "select", "sql")

    def __init__(self, name: str, text: str, record: str | None = None) -> None:
        self.name = name
        self.names = list(dict.fromkeys(found for found in PARAMETER.findall(text) if found))
        self.parameters: Set[str] = frozenset(self.names)
        self.arrays = {one or other for one, other in _ARRAY.findall(text)}
        self.sql = PARAMETER.sub(self._number, text)
        self.owned = "owner" in self.parameters
        self.select = text.startswith(("SELECT", "WITH"))
        self.make: Callable[[Any], Any] | None = (
            None if record is None else partial(tuple.__new__, getattr(rows, record))
        )
        self.encoders: Sequence[Encode] | None = None
        """One for each parameter; None until the server has stated their types."""

    def _number(self, found: re.Match[str]) -> str:
        return f"${self.names.index(found[1]) + 1}" if found[1] else found[0]

    def learn(self, types: Sequence[str]) -> None:
        """Learn the types of the parameters, by their names on the server."""
        self.encoders = [_encode_array if kind.endswith("[]") else _ENCODERS.get(kind, _encode) for kind in types]

    def bind(self, params: Mapping[str, Value]) -> list[Any]:
        """Return the values of the parameters in their order.

        Raises:
            TypeError: `params` do not match the parameters.
            ValueError: a value does not fit its parameter.
        """
        if params.keys() != self.parameters:
            check_params(self.name, self.parameters, params.keys())
        encoders = self.encoders or [_encode] * len(self.names)
        return [encode(params[name]) for encode, name in zip(encoders, self.names, strict=True)]

    def read(self, found: Sequence[Any]) -> list[Any]:
        """Return the records of rows."""
        return [] if self.make is None else [self.make(map(unescape, row)) for row in found]


def _encode(value: Value) -> Value:
    return escape(value) if isinstance(value, str) else value


def _encode_whole(value: Value) -> Value:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _encode_array(value: Value) -> list[Any]:
    if not isinstance(value, str):
        raise TypeError(f"expected a JSON array, not {type(value).__name__}")
    return [_encode(item) for item in msgspec.json.decode(value, type=list[Any])]


_ENCODERS: dict[str, Encode] = {"int8": _encode_whole, "int4": _encode_whole}


def escape(text: str) -> str:
    """Escape NUL, which PostgreSQL's text cannot contain."""
    if NUL in text or ESCAPE in text:
        return text.replace(ESCAPE, f"{ESCAPE}1").replace(NUL, f"{ESCAPE}0")
    return text


def unescape(value: Any) -> Any:
    """Undo `escape`; other values are returned as they are."""
    if isinstance(value, str) and ESCAPE in value:
        return value.replace(f"{ESCAPE}0", NUL).replace(f"{ESCAPE}1", ESCAPE)
    return value


def translate(sql: str) -> str:
    """Translate a text of SQLite's dialect.

    Raises:
        ValueError: it contains a JSON path of SQLite that no rule translates.
    """
    sql = sql.replace(*_GONE)
    for pattern, replacement in _RULES:
        sql = pattern.sub(replacement, sql)
    if "'$." in sql:
        raise ValueError(f"a JSON path of SQLite needs a text in {_REPLACED}: {sql}")
    return sql


def _load() -> dict[str, NamedQuery]:
    replaced = {text.name: text for text in read_texts(Path(__file__).parent)}
    queries: dict[str, NamedQuery] = {}
    for shared in read_texts():
        text = replaced.pop(shared.name, shared)
        if text.record != shared.record:
            raise LookupError(f"the query '{text.name}' declares another record than the shared one")
        for name, sql in variants(text):
            queries[name] = NamedQuery(name, translate(sql), text.record)
    if replaced:
        raise LookupError(f"the query '{next(iter(replaced))}' replaces none")
    return queries


QUERIES = _load()
