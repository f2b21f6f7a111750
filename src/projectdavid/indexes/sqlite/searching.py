"""One search: by words, by vectors, and what both come to."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import apsw

from projectdavid.engine.documents import Chunk
from projectdavid.engine.fusion import fused
from projectdavid.indexes.sqlite import words
from projectdavid.indexes.sqlite.matrices import SHIFT, Matrices, unit
from projectdavid.ports.index import Hit, Place, Published, Query

DEPTH = 50
"""How many of each list are fused, where fewer are asked for."""
COMMON = 0.05
"""A word is common if a larger share of all chunks has it."""
FEW = 500
"""Chunks with a word that are ranked in any case."""
COLUMNS = 'n, text, start, "end", first_line, last_line, first_page, last_page'


@dataclass(frozen=True, slots=True)
class _Edition:
    file: int
    store: int
    space: str | None


def chunk_of(row: Sequence[Any]) -> Chunk:
    """The chunk of a row of `COLUMNS`."""
    n, *rest = row
    return Chunk(n & (1 << SHIFT) - 1, *rest)


def found(db: apsw.Connection, place: Place) -> Published | None:
    """What is found of a file."""
    row = _edition(db, place)
    return None if row is None else Published(place.file, row[1], row[2])


def chunks(db: apsw.Connection, place: Place, after: int, limit: int) -> list[Chunk]:
    """The chunks of a file behind a position."""
    row = _edition(db, place)
    if row is None:
        return []
    first, last = row[0] << SHIFT, (row[0] + 1) << SHIFT
    statement = f"SELECT {COLUMNS} FROM chunks WHERE n > ? AND n < ? ORDER BY n LIMIT ?"  # noqa: S608 our own names
    return [chunk_of(row) for row in db.execute(statement, (first + after, last, limit))]


def passage(db: apsw.Connection, place: Place, start: int, end: int) -> str | None:
    """What a file has from a character up to before another, where a chunk holds all of it."""
    row = _edition(db, place)
    if row is None:
        return None
    statement = 'SELECT text, start FROM chunks WHERE n >= ? AND n < ? AND start <= ? AND "end" >= ? LIMIT 1'
    span = row[0] << SHIFT, (row[0] + 1) << SHIFT
    for text, first in db.execute(statement, (*span, start, end)):
        return text[start - first : end - first]
    return None


def _edition(db: apsw.Connection, place: Place) -> tuple[int, str, int] | None:
    statement = """
        SELECT n, version, chunks FROM editions WHERE owner = ? AND store = ? AND file = ? AND published = 1
    """
    return next(iter(db.execute(statement, (place.owner, place.store, place.file))), None)


def search(db: apsw.Connection, matrices: Matrices, aside: Executor, query: Query) -> list[Hit]:
    """The best chunks; vectors are compared `aside`, while words are looked for."""
    everything = _editions(db, query)
    files = None if query.files is None else set(query.files)
    editions = {n: one for n, one in everything.items() if files is None or one.file in files}
    if not editions:
        return []
    depth = max(query.limit, DEPTH)
    comparing = [aside.submit(part) for part in _comparisons(db, matrices, query, everything, editions, depth)]
    lexical = _lexical(db, query, everything, editions, depth)
    nearest = [pair for part in comparing for pair in part.result()]
    cosines = dict(sorted(nearest, key=lambda pair: (-pair[1], pair[0]))[:depth])
    best = fused([ranking for ranking in (lexical, cosines) if ranking])[: query.limit]
    found = {row[0]: chunk_of(row) for row in _rows(db, [number for number, _ in best])}
    ranks = [{number: rank for rank, number in enumerate(ranking, start=1)} for ranking in (lexical, cosines)]
    return [
        Hit(
            chunk=found[number],
            store=editions[number >> SHIFT].store,
            file=editions[number >> SHIFT].file,
            score=min(score, 1.0),
            lexical=ranks[0].get(number),
            semantic=ranks[1].get(number),
            similarity=cosines.get(number),
        )
        for number, score in best
    ]


def _editions(db: apsw.Connection, query: Query) -> dict[int, _Edition]:
    statement = """
        SELECT n, file, store, space FROM editions
        WHERE owner = ? AND published = 1 AND store IN (SELECT value FROM json_each(?))
    """
    rows = db.execute(statement, (query.owner, json.dumps(list(query.stores))))
    return {n: _Edition(file, store, space) for n, file, store, space in rows}


def _lexical(
    db: apsw.Connection,
    query: Query,
    everything: Mapping[int, _Edition],
    editions: Mapping[int, _Edition],
    depth: int,
) -> dict[int, float]:
    """The chunks that say most by their words, the best first, and how much each does."""
    stores = {one.store for one in editions.values()}
    asked = words.telling(query.text or "")
    if not asked:
        return {}
    others = any(n not in editions for n, one in everything.items() if one.store in stores) or _staged(
        db, query.owner, stores
    )
    bound = "AND rowid >> 32 IN (SELECT value FROM json_each(:editions))" if others else ""
    statement = f"""
        SELECT rowid, -bm25(words, 0.0, 1.0) AS score FROM words WHERE words MATCH :asked {bound}
        ORDER BY score DESC, rowid LIMIT :depth
    """  # noqa: S608 one of two texts of ours
    within = words.expression(_rare(db, asked), stores)
    given = {"asked": within, "depth": depth, "editions": json.dumps(list(editions))}
    return dict(db.execute(statement, given))


def _rare(db: apsw.Connection, asked: list[str]) -> list[str]:
    """These words without those that many chunks have, if others are left: they tell little, and cost much to rank by.

    In a small index all are kept.
    """
    if len(asked) == 1:
        return asked
    (most,) = next(iter(db.execute("SELECT sum(chunks) * ? FROM editions", (COMMON,))))
    if most < FEW:
        return asked
    tokenize = db.fts5_tokenizer("porter", ["unicode61", "remove_diacritics", "2"])
    rare: list[str] = []
    for word in asked:
        terms: Any = tokenize(word.encode(), apsw.FTS5_TOKENIZE_QUERY, None, include_offsets=False)
        term = terms[0][0] if terms else ""
        known = next(iter(db.execute("SELECT doc FROM vocabulary WHERE term = ?", (term,))), (0,))
        if known[0] <= most:
            rare.append(word)
    return rare or asked


def _staged(db: apsw.Connection, owner: str, stores: Collection[int]) -> bool:
    """Whether there is something in these stores that must not be found."""
    statement = """
        SELECT 1 FROM editions
        WHERE owner = ? AND published = 0 AND store IN (SELECT value FROM json_each(?)) LIMIT 1
    """
    return bool(list(db.execute(statement, (owner, json.dumps(list(stores))))))


def _comparisons(
    db: apsw.Connection,
    matrices: Matrices,
    query: Query,
    everything: Mapping[int, _Edition],
    editions: Mapping[int, _Edition],
    depth: int,
) -> Iterator[Callable[[], list[tuple[int, float]]]]:
    """What finds the nearest of each store; none where nothing can be compared."""
    if query.vector is None or query.space is None:
        return
    vector = unit(query.vector)
    for store in sorted({one.store for one in editions.values()}):
        whole = [n for n, one in everything.items() if one.store == store and one.space == query.space]
        matrix = matrices.get(db, store, query.space, whole) if whole else None
        if matrix is not None:
            yield partial(matrix.nearest, vector, [n for n in whole if n in editions], depth)


def _rows(db: apsw.Connection, numbers: list[int]) -> list[Any]:
    statement = f"SELECT {COLUMNS} FROM chunks WHERE n IN (SELECT value FROM json_each(?))"  # noqa: S608 our own names
    return list(db.execute(statement, (json.dumps(numbers),)))
