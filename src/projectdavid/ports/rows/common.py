"""Records that queries about several kinds of objects share."""

from typing import NamedTuple


class FoundRow(NamedTuple):
    """The row of an existence check."""

    found: int


class AmountRow(NamedTuple):
    """A number of rows."""

    amount: int


class NumberRow(NamedTuple):
    """The number of a row, which orders the rows of a table."""

    n: int


class OwnedNumberRow(NamedTuple):
    """The number of a row, and its owner."""

    n: int
    owner: str


class OwnerRow(NamedTuple):
    """The owner of an object."""

    owner: str


class PositionRow(NamedTuple):
    """The position of an object in a list, or of an entry in a journal."""

    position: int


class RevisionRow(NamedTuple):
    """The revision of an object, from which its `ETag` is built."""

    n: int
    revision: int


class OwnerQueueRow(NamedTuple):
    """The queue of one owner; `waiting` is a JSON array of row numbers."""

    owner: str
    at_work: int
    waiting: str


class StatusCountRow(NamedTuple):
    """A status, and the number of rows that have it."""

    status: str
    amount: int


class QueueBacklogRow(NamedTuple):
    """A queue: the number of waiting entries, since when the oldest due one waits, and the first end of a lease."""

    queue: str
    amount: int
    oldest_at: float | None
    lease_until: float | None


class MetaRow(NamedTuple):
    """A value of the store's own metadata."""

    value: str
