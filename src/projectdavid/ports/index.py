"""The index port: search over chunks of documents by words, by vectors, or by both.

It is filled from the store and the files, and can be rebuilt from them. A *file* of the index is a number assigned by
the store (`vector_store_files.n`), and so is a *store* (`vector_stores.n`); their owner is recorded with them and
required in each query. Staged chunks are not found until they are published, which replaces the previous version.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from projectdavid.engine.documents import Chunk
from projectdavid.ports.embedder import Vector


class IndexUnavailable(Exception):
    """The index cannot be used now: the disk is full, or its file is locked or broken."""


class VersionLost(IndexUnavailable):
    """The staged chunks were removed, or replaced by those of another version: begin again."""


@dataclass(frozen=True, slots=True)
class ChunkPlace:
    """The owner, store and file of chunks."""

    owner: str
    store: int
    file: int


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk and its vector, if it has one."""

    chunk: Chunk
    vector: Vector | None = None


@dataclass(frozen=True, slots=True)
class IndexQuery:
    """A query over stores of an owner.

    `text` is searched by words, `vector` among the vectors of the same `space`; at least one is given. `files` limits
    the search before ranking; None means all files of the stores.
    """

    owner: str
    stores: Sequence[int]
    text: str | None = None
    vector: Vector | None = None
    space: str | None = None
    files: Sequence[int] | None = None
    limit: int = 10


@dataclass(frozen=True, slots=True)
class IndexHit:
    """A matching chunk.

    `score` is between 0 and 1, and comparable only within one query. `lexical` and `semantic` are the ranks in either
    list, from 1; None if it is not in that list. `similarity` is the cosine with the query's vector.
    """

    chunk: Chunk
    store: int
    file: int
    score: float
    lexical: int | None = None
    semantic: int | None = None
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """The published version of a file, and its number of chunks."""

    file: int
    version: str
    chunks: int


class ChunkIndex(Protocol):
    """A search index. Everything that a method has written is durable when it returns.

    Each method raises `IndexUnavailable`.
    """

    async def open(self) -> None:
        """Migrate the schema and prepare for use."""
        ...

    async def close(self) -> None:
        """Finish pending writes and close."""
        ...

    @property
    def damaged(self) -> bool:
        """True if it was found to be damaged; then every operation fails until `reset`."""
        ...

    async def reset(self) -> None:
        """Replace the index by an empty one; the damaged one is moved aside."""
        ...

    async def count_staged(self, place: ChunkPlace, version: str) -> int:
        """Return the number of staged chunks of this version, after deleting those of other versions."""
        ...

    async def stage(
        self, place: ChunkPlace, version: str, pieces: Sequence[IndexedChunk], space: str | None = None
    ) -> None:
        """Append chunks to the staged ones; vectors, if there are any, belong to `space`.

        Positions that are already staged are skipped, so two callers can stage the same chunks. Staged chunks of other
        versions are deleted. Without chunks, an empty version is staged.

        Raises:
            VersionLost: the chunks before the first one are not staged any more.
        """
        ...

    async def publish(self, place: ChunkPlace, version: str) -> int:
        """Publish the staged version in place of the previous one; returns the number of chunks.

        Publishing the published version again changes nothing.

        Raises:
            VersionLost: the version is neither staged nor published; nothing is changed.
        """
        ...

    async def list_published(self, owner: str, store: int) -> list[PublishedFile]:
        """Return the published files of a store."""
        ...

    async def find_published(self, place: ChunkPlace) -> PublishedFile | None:
        """Return the published version of one file, or None."""
        ...

    async def remove(self, files: Sequence[int]) -> None:
        """Remove files of any owner, staged or published; missing ones are ignored."""
        ...

    async def purge(self) -> bool:
        """Erase removed data from the disk; returns False if a reader prevents it, so try again."""
        ...

    async def free_bytes(self) -> int:
        """Return the bytes that compaction would return to the file system."""
        ...

    async def chunks(self, place: ChunkPlace, after: int = -1, limit: int = 100) -> list[Chunk]:
        """Return the chunks of a file after a position, in order."""
        ...

    async def passage(self, place: ChunkPlace, start: int, end: int) -> str | None:
        """Return the text from `start` up to, but not including, `end`; None if no chunk contains all of it."""
        ...

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Return the best chunks, best first."""
        ...
