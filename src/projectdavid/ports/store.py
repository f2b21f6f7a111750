"""The store socket: named queries over rows, and groups of them that are written together or not at all.

It speaks of rows, pages and journals, not of assistants: the SQL of each query stands in a `.sql` file beside the
adapter. `of(owner)` hands out a view in which every query is bound to one owner.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Value = str | int | float | bytes | None
Row = Any
"""A named tuple with the columns of its query."""


class StoreError(Exception):
    """Everything that the store may raise.

    StoreError
    ├── Missing      what an operation needs is not there, or belongs to somebody else
    ├── Clash        a rule of uniqueness refuses it
    ├── Stale        somebody else was faster: read again, decide again
    └── Unavailable  the disk is full, the file is locked or broken
    """


@dataclass
class Missing(StoreError):
    """There is no such thing for this owner."""

    kind: str
    id: str


@dataclass
class Clash(StoreError):
    """There is one already."""

    kind: str
    id: str


class Stale(StoreError):
    """The row changed since it was read."""


class Unavailable(StoreError):
    """The store cannot be used now; `remedy` is what an operator can do about it."""

    def __init__(self, problem: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}; {self.remedy}" if self.remedy else self.problem


@dataclass(frozen=True, slots=True)
class Op:
    """One named query of a group; `missing` is raised where it touches no row, `clash` where a unique rule refuses."""

    query: str
    params: dict[str, Value] = field(default_factory=dict)
    missing: StoreError | None = None
    clash: StoreError | None = None


@dataclass(frozen=True, slots=True)
class Swept:
    """Rows of an erased owner that one slice deleted, by kind; `done`: the owner has none left."""

    owner: str
    rows: Mapping[str, int]
    done: bool


class View(Protocol):
    """Reads and writes. Of an owner: `:owner` is filled in, and queries that do not bind it are refused."""

    async def one(self, query: str, **params: Value) -> Row | None:
        """The first row of a named query, or None."""
        ...

    async def all(self, query: str, **params: Value) -> list[Row]:
        """All rows of a named query."""
        ...

    async def up_to(self, query: str, max_bytes: int, **params: Value) -> tuple[list[Row], bool]:
        """The first rows of a named query that hold at most `max_bytes` together, and whether it has more.

        The first row is always returned, however large it is.
        """
        ...

    async def write(self, ops: Sequence[Op]) -> list[Row | None]:
        """Write a group, all or nothing, durably; returns the first row each returned.

        Raises:
            StoreError: what the failing operation named, or Unavailable; nothing of the group was written.
        """
        ...


class Store(View, Protocol):
    """The unbound view, for runtime and administration only."""

    def of(self, owner: str) -> View:
        """The view of one owner, a user's id."""
        ...

    async def open(self) -> None:
        """Bring the schema up to date and get ready.

        Raises:
            Unavailable: another process holds it, or it is of a newer version.
        """
        ...

    async def close(self) -> None:
        """Finish what is being written and let go."""
        ...

    async def sweep(self) -> Swept | None:
        """Delete some of the rows that are hidden, in a transaction of a few milliseconds; None: nothing is left."""
        ...

    async def left(self, owner: str) -> Mapping[str, int]:
        """Return how many rows an owner has by kind: every kind there is, each counted up to a bound."""
        ...

    async def checkpoint(self) -> bool:
        """Remove what was deleted from the write-ahead log; False: a reader is in the way, so try again.

        Raises:
            Unavailable: the disk refuses.
        """
        ...

    async def free_bytes(self) -> int:
        """Return how many bytes compaction would give back to the file system."""
        ...
