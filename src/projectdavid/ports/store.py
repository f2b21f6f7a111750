"""The store port: named queries over rows, and groups of them that are written atomically.

It handles rows, pages and journals, not assistants. The SQL of each query is in a `.sql` file of the adapter, its
handle in `ports/queries.py`, and the record of its rows in `ports/rows`. `of(owner)` returns a view that binds every
query to one owner.

Every adapter follows these rules, and `tests/contracts/test_store.py` tests each:

- Durability: `write` returns after the commit. A group is written completely or not at all, even if its caller is
  cancelled.
- Order: groups are written in the order of the calls, per process. Readers see them in that order, without gaps.
- Isolation: a group runs alone. Its checks and changes see one state that no other writer changes before the commit,
  as with serializable transactions; an operation sees the writes of earlier operations of its group.
- Reads see committed data: a read that begins after `write` returned sees that write, in every process.
- Barrier: after `flush`, each group whose `write` was called before is written or rejected.
- Start: processes can open a new store at the same moment. One of them migrates it; if it is exclusive, the others get
  `StoreUnavailable`.
- Time: the times in rows come from callers. Processes that share a store keep their clocks within `MAX_CLOCK_SKEW` of
  `now()`. Each lease expires by itself; an expired lease is never extended.
- Shared or exclusive: `exclusive` is True if no other process can use the store while this one has it open. Only then
  can a process release leases that it did not acquire itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import msgspec

Value = str | int | float | bytes | None
MAX_CLOCK_SKEW = 2.0
"""Maximum difference in seconds between the clocks of a process and of a store that it shares."""
AnyRow = tuple[Any, ...]
"""A record of any query."""
CommitObserver = Callable[[float, int], None]
"""Called after each commit with its seconds, statements included, and the number of its groups."""
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A named statement that returns no rows; `ports/queries.py` has one for each name."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class RowQuery(Statement, Generic[R_co]):
    """A named statement that returns rows: instances of `record`."""

    record: type[R_co]

    def narrow(self, row: AnyRow | None) -> R_co | None:
        """Narrow the type of a row that `write` returned for an operation with this query.

        Raises:
            TypeError: the row belongs to another query.
        """
        if row is None or isinstance(row, self.record):
            return row
        raise TypeError(f"The query '{self.name}' returns {self.record.__name__}, not {type(row).__name__}.")


class PageQuery(Generic[R_co]):
    """A query for a page of a list, in either order."""

    __slots__ = ("asc", "desc")

    def __init__(self, name: str, record: type[R_co]) -> None:
        self.asc = RowQuery(f"{name}.asc", record)
        self.desc = RowQuery(f"{name}.desc", record)

    def ordered(self, order: str) -> RowQuery[R_co]:
        """Return the query for `asc` or `desc`."""
        return self.asc if order == "asc" else self.desc


class StoreError(Exception):
    """Base class of a store's errors.

    StoreError
    ├── RowMissing       a required row does not exist, or belongs to another owner
    ├── UniqueClash      a unique constraint is violated
    ├── StaleRow         another writer changed the row first: read and decide again
    └── StoreUnavailable the disk is full, or the file is locked or broken
    """


@dataclass
class RowMissing(StoreError):
    """The row does not exist for this owner."""

    kind: str
    id: str


@dataclass
class UniqueClash(StoreError):
    """The row already exists."""

    kind: str
    id: str


class StaleRow(StoreError):
    """The row changed after it was read."""


class StoreUnavailable(StoreError):
    """The store cannot be used now; `remedy` is for the operator."""

    def __init__(self, problem: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem


class Op(msgspec.Struct, frozen=True):
    """One named query of a group; `missing` is raised if it affects no row, `clash` on a unique violation."""

    query: Statement
    params: dict[str, Value] = {}
    missing: StoreError | None = None
    clash: StoreError | None = None


@dataclass(frozen=True, slots=True)
class SweptRows:
    """Rows of an erased owner that one slice deleted, by kind; `done` if the owner has none left."""

    owner: str
    rows: Mapping[str, int]
    done: bool


class StoreView(Protocol):
    """Reads and writes. In an owner's view, `:owner` is bound, and queries that do not use it are rejected."""

    async def one(self, query: RowQuery[R], **params: Value) -> R | None:
        """Return the first row of a named query, or None."""
        ...

    async def all(self, query: RowQuery[R], **params: Value) -> list[R]:
        """Return all rows of a named query."""
        ...

    async def up_to(self, query: RowQuery[R], max_bytes: int, **params: Value) -> tuple[list[R], bool]:
        """Return the first rows of a named query with at most `max_bytes` together, and whether there are more.

        The first row is always returned, however large it is.
        """
        ...

    async def write(self, ops: Sequence[Op]) -> list[AnyRow | None]:
        """Write a group atomically and durably; returns the first row of each operation (see `RowQuery.narrow`).

        Raises:
            StoreError: `missing` or `clash` of the failed operation, or StoreUnavailable; nothing was written.
        """
        ...


class Store(StoreView, Protocol):
    """The unbound view, only for the runtime and administration."""

    @property
    def exclusive(self) -> bool:
        """True if no other process can use the store while this one has it open."""
        ...

    def of(self, owner: str) -> StoreView:
        """Return the view of one owner, a user's id."""
        ...

    async def open(self) -> None:
        """Migrate the schema and prepare for use.

        Raises:
            StoreUnavailable: another process uses it, it cannot be read or written, or a newer version wrote it.
        """
        ...

    async def close(self) -> None:
        """Finish pending writes and close."""
        ...

    async def flush(self) -> None:
        """Wait until each group whose `write` was called before is written or rejected.

        Raises:
            StoreUnavailable: the store is closed.
        """
        ...

    async def now(self) -> float:
        """Return the time of the store, in Unix seconds.

        Raises:
            StoreUnavailable: the store is closed.
        """
        ...

    async def sweep(self) -> SweptRows | None:
        """Delete some of the hidden rows, in a transaction of a few milliseconds; None if none are left."""
        ...

    async def left(self, owner: str) -> Mapping[str, int]:
        """Return an owner's number of rows by kind; all kinds are included, each counted up to a limit."""
        ...

    async def checkpoint(self) -> bool:
        """Erase deleted data from the write-ahead log; returns False if a reader prevents it, so try again.

        Raises:
            StoreUnavailable: the disk cannot be written.
        """
        ...

    async def free_bytes(self) -> int:
        """Return the bytes that compaction would return to the file system."""
        ...
