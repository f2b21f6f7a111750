"""The index socket: chunks of documents, found by their words, by their vectors, or by both.

It is filled from the store and the files, and can be filled anew from them. A *file* of the index is a number that
the store has given (`vector_store_files.n`), and so is a *store* (`vector_stores.n`); whose they are is kept with them,
and asked for each time.
What is staged is found by nobody until it is published, and then takes the place of what was published before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from projectdavid.engine.documents import Chunk
from projectdavid.ports.embedder import Vector


class IndexUnavailable(Exception):
    """The index cannot be read or written now: the disk is full, or its file is locked or broken."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where chunks belong."""

    owner: str
    store: int
    file: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk and its vector, if it has one."""

    chunk: Chunk
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for in stores of an owner.

    `text` is looked for by its words, `vector` among the vectors of the same `space`; at least one of them is there.
    `files` bounds it, before anything is ranked, to these; None: all files of the stores.
    """

    owner: str
    stores: Sequence[int]
    text: str | None = None
    vector: Vector | None = None
    space: str | None = None
    files: Sequence[int] | None = None
    limit: int = 10


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found, the best first.

    `score` is between 0 and 1, and means something only beside others of the same query. `lexical` and `semantic` are
    the ranks in either list, counted from 1; None: it is not in that list. `similarity` is the cosine with the query's
    vector.
    """

    chunk: Chunk
    store: int
    file: int
    score: float
    lexical: int | None = None
    semantic: int | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What of a file is found: its version, and how many chunks."""

    file: int
    version: str
    chunks: int


class Index(Protocol):
    """Where chunks are searched. All that a method has written is durable when it returns.

    Each raises `IndexUnavailable`.
    """

    async def open(self) -> None:
        """Bring the schema up to date and get ready."""
        ...

    async def close(self) -> None:
        """Finish what is being written and let go."""
        ...

    @property
    def damaged(self) -> bool:
        """Whether it turned out to be damaged while it was used; then all fails until `reset`."""
        ...

    async def reset(self) -> None:
        """Begin an empty one in its place; what is there is moved aside."""
        ...

    async def staged(self, place: Place, version: str) -> int:
        """How many pieces of this version are staged already; those of other versions are thrown away."""
        ...

    async def stage(self, place: Place, version: str, pieces: Sequence[Piece], space: str | None = None) -> None:
        """Stage pieces behind those that are staged; vectors, if there are any, are of `space`.

        What is staged already, as the positions of the chunks tell, is not staged twice: so two may do the same.
        """
        ...

    async def publish(self, place: Place, version: str) -> int:
        """Let what is staged be found, in place of what was published before; returns how many chunks there are.

        To publish again what is published already changes nothing.
        """
        ...

    async def published(self, owner: str, store: int) -> list[Published]:
        """What is found of the files of a store."""
        ...

    async def found(self, place: Place) -> Published | None:
        """The same of one file; None: nothing of it is found."""
        ...

    async def remove(self, files: Sequence[int]) -> None:
        """Forget files, of whomever, staged or published; it is no fault if some are not there."""
        ...

    async def purge(self) -> bool:
        """Remove what was forgotten from the disk; False: a reader is in the way, so try again."""
        ...

    async def free_bytes(self) -> int:
        """Return how many bytes compaction would give back to the file system."""
        ...

    async def chunks(self, place: Place, after: int = -1, limit: int = 100) -> list[Chunk]:
        """The chunks of a file behind a position, in order."""
        ...

    async def passage(self, place: Place, start: int, end: int) -> str | None:
        """What a file has from a character up to before another; None where no chunk holds all of it."""
        ...

    async def search(self, query: Query) -> list[Hit]:
        """The best chunks."""
        ...
