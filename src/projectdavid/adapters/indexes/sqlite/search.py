"""Full-text search, vector search, and the fusion of both."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw

from projectdavid.adapters.indexes.hits import DEPTH, fuse
from projectdavid.adapters.indexes.matrices import (
    SHIFT,
    MatrixCache,
    VectorMatrix,
    list_missing,
    merge_vectors,
    unit,
)
from projectdavid.adapters.indexes.sqlite import full_text
from projectdavid.adapters.indexes.words import COMMON, FEW, build_cutter, select_words
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkPlace, IndexHit, IndexQuery, PublishedFile

LARGE_SHARE = 0.1
"""From this share of all chunks on, filtering the matches is faster than matching the scopes of stores."""
COLUMNS = 'n, text, start, "end", first_line, last_line, first_page, last_page, header'


@dataclass(frozen=True, slots=True)
class _Edition:
    file: int
    store: int
    space: str | None
    chunks: int


def chunk_of(row: Sequence[Any]) -> Chunk:
    """Convert a row of `COLUMNS` to a chunk."""
    n, *rest = row
    return Chunk(n & (1 << SHIFT) - 1, *rest)


def find_published(db: apsw.Connection, place: ChunkPlace) -> PublishedFile | None:
    """Return the published version of a file."""
    row = _edition(db, place)
    return None if row is None else PublishedFile(place.file, row[1], row[2])


def chunks(db: apsw.Connection, place: ChunkPlace, after: int, limit: int) -> list[Chunk]:
    """Return the chunks of a file after a position."""
    row = _edition(db, place)
    if row is None:
        return []
    first, last = row[0] << SHIFT, (row[0] + 1) << SHIFT
    statement = f"SELECT {COLUMNS} FROM chunks WHERE n > ? AND n < ? ORDER BY n LIMIT ?"  # noqa: S608 constant names
    return [chunk_of(row) for row in db.execute(statement, (first + after, last, limit))]


def passage(db: apsw.Connection, place: ChunkPlace, start: int, end: int) -> str | None:
    """Return the text of a file from `start` up to, but not including, `end`, if one chunk contains all of it."""
    row = _edition(db, place)
    if row is None:
        return None
    statement = 'SELECT text, start FROM chunks WHERE n >= ? AND n < ? AND start <= ? AND "end" >= ? LIMIT 1'
    span = row[0] << SHIFT, (row[0] + 1) << SHIFT
    for text, first in db.execute(statement, (*span, start, end)):
        return text[start - first : end - first]
    return None


def _edition(db: apsw.Connection, place: ChunkPlace) -> tuple[int, str, int] | None:
    statement = """
        SELECT n, version, chunks FROM editions WHERE owner = ? AND store = ? AND file = ? AND published = 1
    """
    return next(iter(db.execute(statement, (place.owner, place.store, place.file))), None)


def search(db: apsw.Connection, matrices: MatrixCache, executor: Executor, query: IndexQuery) -> list[IndexHit]:
    """Return the best chunks; `executor` compares vectors during the full-text search."""
    everything = _editions(db, query)
    files = None if query.files is None else set(query.files)
    editions = {n: one for n, one in everything.items() if files is None or one.file in files}
    if not editions:
        return []
    depth = max(query.limit, DEPTH)
    comparing = [executor.submit(part) for part in _comparisons(db, matrices, query, everything, editions, depth)]
    lexical = _lexical(db, query, everything, editions, depth)
    nearest = [pair for part in comparing for pair in part.result()]
    ranking = fuse(lexical, nearest, depth, query.limit)
    found = {row[0]: chunk_of(row) for row in _rows(db, [number for number, _ in ranking.best])}
    return ranking.build_hits(found, lambda n: (editions[n].store, editions[n].file))


def _editions(db: apsw.Connection, query: IndexQuery) -> dict[int, _Edition]:
    statement = """
        SELECT n, file, store, space, chunks FROM editions
        WHERE owner = ? AND published = 1 AND store IN (SELECT value FROM json_each(?))
    """
    rows = db.execute(statement, (query.owner, json.dumps(list(query.stores))))
    return {n: _Edition(*rest) for n, *rest in rows}


def _lexical(
    db: apsw.Connection,
    query: IndexQuery,
    everything: Mapping[int, _Edition],
    editions: Mapping[int, _Edition],
    depth: int,
) -> dict[int, float]:
    """Return the chunks that match best by words, best first, with their scores."""
    stores = {one.store for one in editions.values()}
    words = select_words(query.text or "")
    if not words:
        return {}
    (total,) = next(iter(db.execute("SELECT sum(chunks) FROM editions")))
    large = sum(one.chunks for one in everything.values() if one.store in stores) >= LARGE_SHARE * total
    others = any(n not in editions for n, one in everything.items() if one.store in stores)
    filtered = large or others or _has_staged(db, query.owner, stores)
    bound = "AND rowid >> 32 IN (SELECT value FROM json_each(:editions))" if filtered else ""
    statement = f"""
        SELECT rowid, -bm25(words, 0.0, 1.0) AS score FROM words WHERE words MATCH :expression {bound}
        ORDER BY score DESC, rowid LIMIT :depth
    """  # noqa: S608 one of two constant texts
    expression = full_text.expression(_drop_common(db, words, total), () if large else stores)
    params = {"expression": expression, "depth": depth, "editions": json.dumps(list(editions))}
    return dict(db.execute(statement, params))


def _drop_common(db: apsw.Connection, words: list[str], total: int) -> list[str]:
    """Drop common words if others remain: they are unspecific, and slow to rank by.

    In an index with few chunks in `total`, all words are kept.
    """
    most = total * COMMON
    if len(words) == 1 or most < FEW:
        return words
    cut = build_cutter(db)
    rare: list[str] = []
    for word in words:
        term = next(iter(cut(word)), "")
        known = next(iter(db.execute("SELECT doc FROM vocabulary WHERE term = ?", (term,))), (0,))
        if known[0] <= most:
            rare.append(word)
    return rare or words


def _has_staged(db: apsw.Connection, owner: str, stores: Collection[int]) -> bool:
    """Return True if these stores contain staged chunks, which must not be found."""
    statement = """
        SELECT 1 FROM editions
        WHERE owner = ? AND published = 0 AND store IN (SELECT value FROM json_each(?)) LIMIT 1
    """
    return bool(list(db.execute(statement, (owner, json.dumps(list(stores))))))


def _comparisons(
    db: apsw.Connection,
    matrices: MatrixCache,
    query: IndexQuery,
    everything: Mapping[int, _Edition],
    editions: Mapping[int, _Edition],
    depth: int,
) -> Iterator[Callable[[], list[tuple[int, float]]]]:
    """Return the vector searches, one per store; empty if nothing can be compared."""
    if query.vector is None or query.space is None:
        return
    vector = unit(query.vector)
    for store in sorted({one.store for one in editions.values()}):
        whole = [n for n, one in everything.items() if one.store == store and one.space == query.space]
        matrix = _load_matrix(db, matrices, store, query.space, frozenset(whole)) if whole else None
        if matrix is not None:
            yield partial(matrix.nearest, vector, [n for n in whole if n in editions], depth)


def _load_matrix(
    db: apsw.Connection, matrices: MatrixCache, store: int, space: str, wanted: frozenset[int]
) -> VectorMatrix | None:
    """Return the matrix of a store's published editions with vectors of a space; None if there are no vectors."""
    known = matrices.find(store, space)
    matrix = known if known is not None and known.editions == wanted else _read_vectors(db, known, wanted)
    if matrix is not None:
        matrices.keep(store, space, matrix)
    return matrix


def _read_vectors(db: apsw.Connection, known: VectorMatrix | None, wanted: frozenset[int]) -> VectorMatrix | None:
    """Read the vectors that the cached matrix lacks."""
    added: list[tuple[list[int], bytes]] = []
    for edition in list_missing(known, wanted):
        query = "SELECT n, vector FROM vectors WHERE n >= ? AND n < ? ORDER BY n"
        found = list(db.execute(query, (edition << SHIFT, (edition + 1) << SHIFT)))
        if found:
            added.append(([n for n, _ in found], b"".join(vector for _, vector in found)))
    return merge_vectors(known, wanted, added)


def _rows(db: apsw.Connection, numbers: list[int]) -> list[Any]:
    statement = f"SELECT {COLUMNS} FROM chunks WHERE n IN (SELECT value FROM json_each(?))"  # noqa: S608 constant names
    return list(db.execute(statement, (json.dumps(numbers),)))
