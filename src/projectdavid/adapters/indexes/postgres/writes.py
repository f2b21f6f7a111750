"""Transactions that change the index."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from projectdavid.adapters.indexes.matrices import unit
from projectdavid.adapters.indexes.postgres.copy_rows import POSTINGS_COLUMNS, join_rows
from projectdavid.adapters.indexes.postgres.postings import ChunkPostings, WordIndexer
from projectdavid.ports.index import ChunkPlace, IndexedChunk, VersionLost

if TYPE_CHECKING:
    from projectdavid.adapters.indexes.postgres.pool import IndexConnection

PART = 128
"""Maximum chunks of a part."""
SLICE = 500
"""Chunks that one transaction deletes."""
FILE_LOCKS = 0x5044_0002
"""Class of the advisory locks of files: one transaction at a time changes the editions of a file."""
CHUNK_COLUMNS = (
    *("edition", "position", "text", "start", "end"),
    *("first_line", "last_line", "first_page", "last_page", "header"),
)
_LOCK = """
SELECT pg_advisory_xact_lock($1, key)
FROM (SELECT DISTINCT hashint8(file) AS key FROM unnest($2::bigint[]) AS file ORDER BY 1) AS keys
"""


@dataclass(frozen=True, slots=True)
class StagedPart:
    """Chunks with their words, ready to be written."""

    pieces: Sequence[IndexedChunk]
    postings: ChunkPostings
    vectors: bytes
    positions: list[int]
    """The chunks that have vectors."""


class OtherCount(Exception):
    """Another caller staged chunks at the same time."""


def build_parts(indexer: WordIndexer, pieces: Sequence[IndexedChunk]) -> list[StagedPart]:
    """Cut chunks into words, and normalize their vectors."""
    parts: list[StagedPart] = []
    for start in range(0, len(pieces), PART):
        some = pieces[start : start + PART]
        postings = indexer.build_postings([piece.chunk for piece in some])
        with_vectors = [(piece.chunk.position, piece.vector) for piece in some if piece.vector is not None]
        vectors = b"".join(unit(vector).astype("<f4").tobytes() for _, vector in with_vectors)
        parts.append(StagedPart(some, postings, vectors, [position for position, _ in with_vectors]))
    return parts


def count_staged(place: ChunkPlace, version: str) -> Callable[[IndexConnection], Awaitable[int]]:
    """Return the number of staged chunks; other versions become removed ones."""

    async def work(connection: IndexConnection) -> int:
        await _lock(connection, [place.file])
        staged = await _find(connection, place.file, "staged")
        if staged is None:
            return 0
        n, known, count = staged
        if known == version:
            return count
        await _set_state(connection, n, "removed")
        return 0

    return work


def stage(
    place: ChunkPlace, version: str, space: str | None, count: int, parts: Sequence[StagedPart]
) -> Callable[[IndexConnection], Awaitable[bool]]:
    """Append parts after `count` chunks; returns True if they replace those of another version.

    The function raises `OtherCount` if another number of chunks is staged.
    """

    async def work(connection: IndexConnection) -> bool:
        await _lock(connection, [place.file])
        staged = await _find(connection, place.file, "staged")
        replaces = staged is not None and staged[1] != version
        if staged is not None and replaces:
            await _set_state(connection, staged[0], "removed")
            staged = None
        if (0 if staged is None else staged[2]) != count:
            raise OtherCount
        n = await _begin_edition(connection, place, version, space) if staged is None else staged[0]
        for part in parts:
            await _write_part(connection, n, place.store, part)
        update = "UPDATE search.editions SET chunks = chunks + $2, words = words + $3 WHERE n = $1"
        added, words = sum(len(part.pieces) for part in parts), sum(part.postings.words for part in parts)
        await connection.execute(update, n, added, words)
        return replaces

    return work


def publish(place: ChunkPlace, version: str) -> Callable[[IndexConnection], Awaitable[int]]:
    """Replace the published version by the staged one; returns its number of chunks."""

    async def work(connection: IndexConnection) -> int:
        await _lock(connection, [place.file])
        staged = await _find(connection, place.file, "staged")
        published = await _find(connection, place.file, "published")
        if staged is None or staged[1] != version:
            if published is not None and published[1] == version:
                return published[2]
            raise VersionLost(f"version {version} of file {place.file} is not staged")
        if published is not None:
            await _set_state(connection, published[0], "removed")
        await _set_state(connection, staged[0], "published")
        return staged[2]

    return work


def begin_removal(files: Sequence[int]) -> Callable[[IndexConnection], Awaitable[None]]:
    """Hide files from searches, all at once."""

    async def work(connection: IndexConnection) -> None:
        await _lock(connection, files)
        for state in ("staged", "published"):
            update = f"UPDATE search.editions SET state = 'removed' WHERE file = ANY($1) AND state = '{state}'"  # noqa: S608
            await connection.execute(update, list(files))

    return work


def delete_removed(files: Sequence[int] | None) -> Callable[[IndexConnection], Awaitable[bool]]:
    """Delete some of the data of removed editions, of these files or of all; returns False while more remain."""

    async def work(connection: IndexConnection) -> bool:
        query = "SELECT n FROM search.editions WHERE state = 'removed' {} ORDER BY n LIMIT 100"
        if files is None:
            numbers = [row[0] for row in await connection.fetch(query.format(""))]
        else:
            numbers = [row[0] for row in await connection.fetch(query.format("AND file = ANY($1)"), list(files))]
        if not numbers:
            return True
        # Another process can delete the same ones: what it has finished is gone when the lock is granted.
        lock = "SELECT n, chunks FROM search.editions WHERE n = ANY($1) ORDER BY n FOR UPDATE"
        rows = await connection.fetch(lock, numbers)
        whole: list[int] = []
        room = SLICE
        for n, chunks in rows:
            if chunks > room:
                break
            whole.append(n)
            room -= chunks
        if whole:
            await _delete_from(connection, whole, 0)
            await connection.execute("DELETE FROM search.editions WHERE n = ANY($1)", whole)
        elif rows:
            n, chunks = rows[0]
            await _delete_from(connection, [n], chunks - SLICE)
            await connection.execute("UPDATE search.editions SET chunks = $2 WHERE n = $1", n, chunks - SLICE)
        return False

    return work


async def _delete_from(connection: IndexConnection, editions: list[int], first: int) -> None:
    await connection.execute("DELETE FROM search.postings WHERE edition = ANY($1) AND part >= $2", editions, first)
    await connection.execute("DELETE FROM search.vectors WHERE edition = ANY($1) AND part >= $2", editions, first)
    await connection.execute("DELETE FROM search.chunks WHERE edition = ANY($1) AND position >= $2", editions, first)


async def _lock(connection: IndexConnection, files: Sequence[int]) -> None:
    """Wait until no other transaction changes these files; in one order, so transactions never wait in a circle."""
    await connection.execute(_LOCK, FILE_LOCKS, list(files))


async def _find(
    connection: IndexConnection, file: int, state: Literal["staged", "published"]
) -> tuple[int, str, int] | None:
    # The state is part of the text: with a parameter, the partial indexes could not be used.
    query = f"SELECT n, version, chunks FROM search.editions WHERE file = $1 AND state = '{state}'"  # noqa: S608
    row = await connection.fetchrow(query, file)
    return None if row is None else (row[0], row[1], row[2])


async def _set_state(connection: IndexConnection, n: int, state: str) -> None:
    await connection.execute("UPDATE search.editions SET state = $2 WHERE n = $1", n, state)


async def _begin_edition(connection: IndexConnection, place: ChunkPlace, version: str, space: str | None) -> int:
    insert = """
        INSERT INTO search.editions (file, store, owner, version, space) VALUES ($1, $2, $3, $4, $5) RETURNING n
    """
    return await connection.fetchval(insert, place.file, place.store, place.owner, version, space)


async def _write_part(connection: IndexConnection, n: int, store: int, part: StagedPart) -> None:
    chunks = [piece.chunk for piece in part.pieces]
    first = chunks[0].position
    await connection.copy_records_to_table(
        "chunks",
        schema_name="search",
        columns=CHUNK_COLUMNS,
        records=[
            (
                *(n, one.position, one.text.encode(), one.start, one.end, one.first_line, one.last_line),
                *(one.first_page, one.last_page, one.header.encode()),
            )
            for one in chunks
        ],
    )
    await connection.copy_to_table(
        "postings",
        schema_name="search",
        columns=POSTINGS_COLUMNS,
        source=BytesIO(join_rows(store, n, first, part.postings.rows)),
        format="binary",
    )
    if part.positions:
        insert = "INSERT INTO search.vectors (edition, part, positions, vectors) VALUES ($1, $2, $3, $4)"
        await connection.execute(insert, n, first, part.positions, part.vectors)
