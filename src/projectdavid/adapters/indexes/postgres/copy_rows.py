"""Rows of the postings in the binary format of COPY, which is encoded in a thread and sent as it is.

See https://www.postgresql.org/docs/current/sql-copy.html, section "Binary Format". A part has thousands of rows, for
which the encoder of asyncpg needs tens of milliseconds in the event loop.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from struct import Struct

POSTINGS_COLUMNS = ("store", "edition", "part", "word", "occurrences")
"""The columns, in the order of the encoded fields."""

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_KEY = Struct(">hiqiqii")
"""Number of fields; then length and value of store, edition and part."""
_LENGTH = Struct(">i")
_BIGINT = 20
"""Object identifier of the type bigint."""


def encode_occurrences(occurrences: Mapping[str, Sequence[int]]) -> list[bytes]:
    """Encode word and occurrences of each row, in the order of words."""
    rows: list[bytes] = []
    for word, found in sorted(occurrences.items()):
        name, array = word.encode(), _array(len(found))
        elements = [value for one in found for value in (8, one)]
        encoded = array.pack(array.size - _LENGTH.size, 1, 0, _BIGINT, len(found), 1, *elements)
        rows.append(_LENGTH.pack(len(name)) + name + encoded)
    return rows


def join_rows(store: int, edition: int, part: int, rows: Sequence[bytes]) -> bytes:
    """Return all rows of a part, each with its key."""
    key = _KEY.pack(len(POSTINGS_COLUMNS), 8, store, 8, edition, 4, part)
    return b"".join((_HEADER, key, key.join(rows), _END)) if rows else _HEADER + _END


@cache
def _array(count: int) -> Struct:
    """Length, dimensions, no NULL, type, number of elements and first subscript; then length and value of each."""
    return Struct(">6i" + "iq" * count)
