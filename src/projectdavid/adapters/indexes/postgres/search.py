"""Search by words and by vectors, in one snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from projectdavid.adapters.indexes.hits import DEPTH, fuse
from projectdavid.adapters.indexes.matrices import (
    SHIFT,
    MatrixCache,
    VectorMatrix,
    list_missing,
    merge_vectors,
    unit,
)
from projectdavid.adapters.indexes.words import COMMON, FEW
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkPlace, IndexHit, IndexQuery, PublishedFile

if TYPE_CHECKING:
    from projectdavid.adapters.indexes.postgres.pool import IndexConnection

CHUNK = 'c.position, c.text, c.start, c."end", c.first_line, c.last_line, c.first_page, c.last_page, c.header'
PUBLISHED = "e.owner = $1 AND e.store = $2 AND e.file = $3 AND e.state = 'published'"
BM25 = """
WITH found AS MATERIALIZED (
    SELECT word, edition, occurrences FROM unnest($1::bigint[]) AS store, unnest($2::text[]) AS word, LATERAL (
        SELECT edition, occurrences FROM search.postings AS one
        WHERE one.store = store.store AND one.word = word.word AND edition + 0 = ANY($3::bigint[]) OFFSET 0
    ) AS one
), known AS (
    SELECT word, sum(cardinality(occurrences))::float8 AS chunks FROM found GROUP BY word
), kept AS MATERIALIZED (
    SELECT word, greatest(ln(($4::float8 - chunks + 0.5) / (chunks + 0.5)), 1e-6) AS weight FROM known
    WHERE chunks <= $6::float8 OR NOT EXISTS (SELECT FROM known WHERE chunks <= $6::float8)
), places AS (
    SELECT edition, one >> 32 AS position, weight, (one >> 16 & 65535)::float8 AS frequency,
        (one & 65535)::float8 AS length
    FROM found JOIN kept USING (word), unnest(occurrences) AS one
)
SELECT edition, position,
    sum(weight * frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * length / $5::float8)))::real AS score
FROM places GROUP BY edition, position ORDER BY score DESC, edition, position LIMIT $7
"""
"""Ranks by BM25 with the constants of FTS5: k1 = 1.2, b = 0.75, and 0.000001 as least weight of a word.

The frequencies of words are those of the searched editions, not of all: no other owner's files change a score.
LATERAL with OFFSET makes PostgreSQL look up each word of each store, whatever its statistics say, and adding 0 keeps it
from looking up each edition, too.
"""

FETCHED = 50
"""Parts whose vectors are fetched at once."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EditionGroup:
    """The published editions of a store with vectors of one space.

    `wanted` are those that are searched, with their files; `chunks` and `words` are numbers of theirs.
    """

    store: int
    space: str | None
    editions: frozenset[int]
    wanted: Mapping[int, int]
    chunks: int
    words: int


class IndexSearch:
    """Searches with the vectors of stores that are held in memory; `executor` compares them during other work."""

    def __init__(self, memory: int, executor: Executor) -> None:
        self._matrices = MatrixCache(memory)
        self._executor = executor
        self._loading = asyncio.Lock()

    async def search(
        self, query: IndexQuery, terms: Sequence[str], depth: int, connection: IndexConnection
    ) -> list[IndexHit]:
        """Return the best chunks for a query and its words."""
        groups = await _list_editions(connection, query)
        files = {n: file for group in groups for n, file in group.wanted.items()}
        if not files:
            return []
        comparing = await self._compare(connection, query, groups, depth)
        lexical = await _rank_words(connection, terms, groups, list(files), depth) if terms else {}
        pairs = [pair for part in comparing for pair in await part]
        ranking = fuse(lexical, pairs, depth, query.limit)
        found = await _load_chunks(connection, [number for number, _ in ranking.best])
        stores = {n: group.store for group in groups for n in group.wanted.keys() & {one >> SHIFT for one in found}}
        return ranking.build_hits(found, lambda n: (stores[n], files[n]))

    async def _compare(
        self, connection: IndexConnection, query: IndexQuery, groups: Sequence[EditionGroup], depth: int
    ) -> list[asyncio.Future[list[tuple[int, float]]]]:
        """Start the vector searches, one per store; empty if nothing can be compared."""
        started: list[asyncio.Future[list[tuple[int, float]]]] = []
        if query.vector is None or query.space is None:
            return started
        vector = unit(query.vector)
        for group in groups:
            if group.space == query.space and group.wanted:
                matrix = await self._load_matrix(connection, group.store, query.space, group.editions)
                if matrix is not None:
                    started.append(self._run(partial(matrix.nearest, vector, group.wanted.keys(), depth)))
        return started

    async def _load_matrix(
        self, connection: IndexConnection, store: int, space: str, wanted: frozenset[int]
    ) -> VectorMatrix | None:
        """Return the matrix of a store's editions with vectors of a space; None if there are no vectors."""
        known = self._matrices.find(store, space)
        if known is None or known.editions != wanted:
            async with self._loading:  # one at a time: many searches of a store do not load it many times
                known = self._matrices.find(store, space)
                if known is None or known.editions != wanted:
                    known = await self._read_vectors(connection, known, wanted)
        if known is not None:
            self._matrices.keep(store, space, known)
        return known

    async def _read_vectors(
        self, connection: IndexConnection, known: VectorMatrix | None, wanted: frozenset[int]
    ) -> VectorMatrix | None:
        statement = """
            SELECT edition, positions, vectors FROM search.vectors WHERE edition = ANY($1) ORDER BY edition, part
        """
        # A store can have more vectors than one answer should contain.
        rows = [row async for row in connection.cursor(statement, list_missing(known, wanted), prefetch=FETCHED)]

        def merge() -> VectorMatrix | None:
            added = ([(n << SHIFT) + position for position in positions] for n, positions, _ in rows)
            return merge_vectors(known, wanted, zip(added, (row[2] for row in rows), strict=True))

        return await self._run(merge)

    def _run(self, work: Callable[[], T]) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work)


def search_depth(query: IndexQuery) -> int:
    """Return the length of each fused ranking."""
    return max(query.limit, DEPTH)


async def count_staged(place: ChunkPlace, version: str, connection: IndexConnection) -> int:
    """Return the number of staged chunks of this version."""
    query = "SELECT chunks FROM search.editions WHERE file = $1 AND version = $2 AND state = 'staged'"
    return await connection.fetchval(query, place.file, version) or 0


async def list_published(owner: str, store: int, connection: IndexConnection) -> list[PublishedFile]:
    """Return the published files of a store."""
    query = """
        SELECT file, version, chunks FROM search.editions
        WHERE owner = $1 AND store = $2 AND state = 'published' ORDER BY file
    """
    return [PublishedFile(*row) for row in await connection.fetch(query, owner, store)]


async def find_published(place: ChunkPlace, connection: IndexConnection) -> PublishedFile | None:
    """Return the published version of a file."""
    query = f"SELECT e.file, e.version, e.chunks FROM search.editions e WHERE {PUBLISHED}"  # noqa: S608 constant text
    row = await connection.fetchrow(query, place.owner, place.store, place.file)
    return None if row is None else PublishedFile(*row)


async def list_chunks(place: ChunkPlace, after: int, limit: int, connection: IndexConnection) -> list[Chunk]:
    """Return the chunks of a file after a position."""
    query = f"""
        SELECT {CHUNK} FROM search.editions e JOIN search.chunks c ON c.edition = e.n
        WHERE {PUBLISHED} AND c.position > $4 ORDER BY c.position LIMIT $5
    """  # noqa: S608 constant text
    rows = await connection.fetch(query, place.owner, place.store, place.file, after, limit)
    return [_chunk_of(row) for row in rows]


async def find_passage(place: ChunkPlace, start: int, end: int, connection: IndexConnection) -> str | None:
    """Return the text of a file from `start` up to, but not including, `end`, if one chunk contains all of it."""
    query = f"""
        SELECT c.text, c.start FROM search.editions e JOIN search.chunks c ON c.edition = e.n
        WHERE {PUBLISHED} AND c.start <= $4 AND c."end" >= $5 ORDER BY c.position LIMIT 1
    """  # noqa: S608 constant text
    row = await connection.fetchrow(query, place.owner, place.store, place.file, start, end)
    return None if row is None else row[0].decode()[start - row[1] : end - row[1]]


async def _list_editions(connection: IndexConnection, query: IndexQuery) -> list[EditionGroup]:
    """Return the published editions of the stores, ordered by store and space."""
    statement = """
        SELECT store, space, array_agg(n) AS editions, array_agg(file) AS files, sum(chunks) FILTER (WHERE wanted),
            sum(words) FILTER (WHERE wanted)
        FROM (
            SELECT n, file, store, space, chunks, words, $3::bigint[] IS NULL OR file = ANY($3) AS wanted
            FROM search.editions WHERE owner = $1 AND store = ANY($2) AND state = 'published'
        ) AS one
        GROUP BY store, space ORDER BY store, space
    """
    limited = None if query.files is None else list(query.files)
    files = None if limited is None else set(limited)
    groups: list[EditionGroup] = []
    for row in await connection.fetch(statement, query.owner, list(query.stores), limited):
        pairs = zip(row[2], row[3], strict=True)
        wanted = {n: file for n, file in pairs if files is None or file in files}
        groups.append(EditionGroup(row[0], row[1], frozenset(row[2]), wanted, int(row[4] or 0), int(row[5] or 0)))
    return groups


async def _rank_words(
    connection: IndexConnection,
    terms: Sequence[str],
    groups: Sequence[EditionGroup],
    editions: Sequence[int],
    depth: int,
) -> dict[int, float]:
    """Return the chunks of editions that match best by words, best first, with their scores."""
    chunks, words = sum(group.chunks for group in groups), sum(group.words for group in groups)
    stores = list({group.store for group in groups})
    common = chunks * COMMON if chunks * COMMON >= FEW else chunks
    length = max(words / chunks, 1) if chunks else 1
    rows = await connection.fetch(BM25, stores, terms, editions, chunks, length, common, depth)
    return {(edition << SHIFT) + position: score for edition, position, score in rows}


async def _load_chunks(connection: IndexConnection, numbers: Sequence[int]) -> dict[int, Chunk]:
    if not numbers:
        return {}
    query = f"""
        SELECT c.edition, {CHUNK} FROM unnest($1::bigint[], $2::integer[]) AS one (edition, position)
        JOIN search.chunks c USING (edition, position)
    """  # noqa: S608 constant text
    positions = [number & (1 << SHIFT) - 1 for number in numbers]
    rows = await connection.fetch(query, [number >> SHIFT for number in numbers], positions)
    return {(row[0] << SHIFT) + row[1]: _chunk_of(row[1:]) for row in rows}


def _chunk_of(row: Sequence[Any]) -> Chunk:
    """Convert a row of `CHUNK`."""
    position, text, start, end, first_line, last_line, first_page, last_page, header = row
    lines, pages = (first_line, last_line), (first_page, last_page)
    return Chunk(position, text.decode(), start, end, *lines, *pages, header.decode())
