"""Statements that change the index; each function runs within a transaction."""

from collections.abc import Sequence

import apsw

from projectdavid.adapters.indexes.matrices import SHIFT, unit
from projectdavid.adapters.indexes.sqlite import full_text
from projectdavid.adapters.indexes.words import space_letters
from projectdavid.ports.index import ChunkPlace, IndexedChunk, VersionLost

SLICE = 500
"""Chunks that one transaction removes."""


def count_staged(db: apsw.Connection, place: ChunkPlace, version: str) -> int:
    """Return the number of staged chunks, after deleting those of other versions."""
    row = _edition(db, place.file, published=False)
    if row is None:
        return 0
    n, known, count = row
    if known == version:
        return count
    _forget(db, n)
    return 0


def stage(
    db: apsw.Connection, place: ChunkPlace, version: str, pieces: Sequence[IndexedChunk], space: str | None
) -> None:
    """Append chunks to the staged ones, skipping those that exist."""
    count = count_staged(db, place, version)
    pieces = [piece for piece in pieces if piece.chunk.position >= count]
    if pieces and pieces[0].chunk.position > count:
        raise VersionLost(f"chunk {pieces[0].chunk.position} cannot follow {count} staged ones")
    row = _edition(db, place.file, published=False)
    n = row[0] if row is not None else _begin_edition(db, place, version, space)
    first, scope = (n << SHIFT) + count, full_text.scope(place.store)
    chunks = [(first + number, piece.chunk) for number, piece in enumerate(pieces)]
    db.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                *(number, one.text, one.start, one.end, one.first_line, one.last_line, one.first_page, one.last_page),
                one.header,
            )
            for number, one in chunks
        ],
    )
    db.executemany(
        "INSERT INTO words (rowid, scope, text) VALUES (?, ?, ?)",
        [(number, scope, space_letters(one.display_text)) for number, one in chunks],
    )
    db.executemany(
        "INSERT INTO vectors VALUES (?, ?)",
        [
            (first + number, unit(piece.vector).astype("<f4").tobytes())
            for number, piece in enumerate(pieces)
            if piece.vector is not None
        ],
    )
    db.execute("UPDATE editions SET chunks = chunks + ? WHERE n = ?", (len(pieces), n))


def publish(db: apsw.Connection, place: ChunkPlace, version: str) -> int:
    """Replace the published version by the staged one."""
    fresh, old = _edition(db, place.file, published=False), _edition(db, place.file, published=True)
    if fresh is None or fresh[1] != version:
        if old is not None and old[1] == version:
            return old[2]
        raise VersionLost(f"version {version} of file {place.file} is not staged")
    if old is not None:
        _forget(db, old[0])
    db.execute("UPDATE editions SET published = 1 WHERE n = ?", (fresh[0],))
    return fresh[2]


def begin_removal(db: apsw.Connection, files: Sequence[int]) -> None:
    """Invalidate files, so the rest of an interrupted removal counts as another version."""
    db.executemany("UPDATE editions SET version = '' WHERE file = ?", [(file,) for file in files])


def remove(db: apsw.Connection, files: Sequence[int]) -> bool:
    """Delete some of the chunks of files; returns False while more remain."""
    for file in files:
        for (n,) in list(db.execute("SELECT n FROM editions WHERE file = ?", (file,))):
            span = n << SHIFT, (n + 1) << SHIFT
            found = list(db.execute("SELECT n FROM chunks WHERE n >= ? AND n < ? ORDER BY n LIMIT ?", (*span, SLICE)))
            if found:
                _delete(db, span[0], found[-1][0] + 1)
                return False
            db.execute("DELETE FROM editions WHERE n = ?", (n,))
    return True


def merge(db: apsw.Connection, pages: int) -> bool:
    """Merge some pages of the full-text index, which erases deleted words from the file; returns True if complete."""
    before = db.total_changes()
    db.execute("INSERT INTO words (words, rank) VALUES ('merge', ?)", (pages,))
    return db.total_changes() - before < 2


def _begin_edition(db: apsw.Connection, place: ChunkPlace, version: str, space: str | None) -> int:
    """Insert a staged edition without chunks, and return its number."""
    insert = "INSERT INTO editions (file, store, owner, version, space) VALUES (?, ?, ?, ?, ?)"
    db.execute(insert, (place.file, place.store, place.owner, version, space))
    return db.last_insert_rowid()


def _edition(db: apsw.Connection, file: int, *, published: bool) -> tuple[int, str, int] | None:
    query = "SELECT n, version, chunks FROM editions WHERE file = ? AND published = ?"
    return next(iter(db.execute(query, (file, int(published)))), None)


def _forget(db: apsw.Connection, edition: int) -> None:
    _delete(db, edition << SHIFT, (edition + 1) << SHIFT)
    db.execute("DELETE FROM editions WHERE n = ?", (edition,))


def _delete(db: apsw.Connection, start: int, end: int) -> None:
    span = start, end
    db.execute("DELETE FROM words WHERE rowid >= ? AND rowid < ?", span)
    db.execute("DELETE FROM vectors WHERE n >= ? AND n < ?", span)
    db.execute("DELETE FROM chunks WHERE n >= ? AND n < ?", span)
