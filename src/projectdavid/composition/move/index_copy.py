"""Copies the search index: chunks and vectors as they are, so nothing is embedded again."""

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, Protocol

import apsw
import asyncpg
import msgspec

from projectdavid.adapters.indexes.matrices import SHIFT
from projectdavid.adapters.indexes.postgres.writes import PART
from projectdavid.composition.move.tables import MoveError, Report
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkIndex, ChunkPlace, IndexedChunk

CHUNK = 'text, start, "end", first_line, last_line, first_page, last_page, header'


@dataclass(frozen=True, slots=True)
class IndexEdition:
    """A version of a file; `number` is that of the index that has it."""

    number: int
    place: ChunkPlace
    version: str
    space: str | None
    is_published: bool
    chunks: int

    @property
    def identity(self) -> tuple[int, bool]:
        """What identifies it in any index: a file has at most one published and one staged version."""
        return self.place.file, self.is_published


class IndexReader(Protocol):
    """Reads everything that an index has."""

    async def list_editions(self) -> list[IndexEdition]:
        """Return all versions, of each file the published one first."""
        ...

    async def read_pieces(self, number: int, after: int) -> list[IndexedChunk]:
        """Return the next chunks of a version after a position, with their vectors."""
        ...


class SQLiteIndexReader:
    """Reads the index of a data folder."""

    def __init__(self, path: Path) -> None:
        self._connection = apsw.Connection(f"{path.absolute().as_uri()}?mode=ro", flags=_READ_ONLY)

    async def list_editions(self) -> list[IndexEdition]:
        """Return all versions; one without a name is being removed."""
        query = """
            SELECT n, owner, store, file, version, space, published, chunks FROM editions WHERE version <> ''
            ORDER BY file, published DESC
        """
        return [_build_edition(row) for row in self._connection.execute(query)]

    async def read_pieces(self, number: int, after: int) -> list[IndexedChunk]:
        """Return the next chunks of a version."""
        query = f"""
            SELECT c.n, {CHUNK}, v.vector FROM chunks AS c LEFT JOIN vectors AS v ON v.n = c.n
            WHERE c.n > ? AND c.n < ? ORDER BY c.n LIMIT {PART}
        """  # noqa: S608 - our own names
        first = number << SHIFT
        rows = self._connection.execute(query, (first + after, (number + 1) << SHIFT))
        return [IndexedChunk(_build_chunk(n - first, *rest), vector) for n, *rest, vector in rows]

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


_READ_ONLY = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI


class PostgresIndexReader:
    """Reads the index in a PostgreSQL database."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def list_editions(self) -> list[IndexEdition]:
        """Return all versions, except removed ones."""
        query = """
            SELECT n, owner, store, file, version, space, (state = 'published')::int, chunks FROM search.editions
            WHERE state <> 'removed' ORDER BY file, state = 'published' DESC
        """
        return [_build_edition(row) for row in await self._connection.fetch(query)]

    async def read_pieces(self, number: int, after: int) -> list[IndexedChunk]:
        """Return the next chunks of a version."""
        query = f"""
            SELECT position, {CHUNK} FROM search.chunks WHERE edition = $1 AND position > $2
            ORDER BY position LIMIT {PART}
        """  # noqa: S608 - our own names
        rows = await self._connection.fetch(query, number, after)
        if not rows:
            return []
        vectors = await self._read_vectors(number, rows[0][0] - PART, rows[-1][0])
        pieces: list[IndexedChunk] = []
        for position, text, *numbers, header in rows:
            chunk = _build_chunk(position, text.decode(), *numbers, header.decode())
            pieces.append(IndexedChunk(chunk, vectors.get(position)))
        return pieces

    async def _read_vectors(self, number: int, first: int, last: int) -> dict[int, bytes]:
        """Return the vectors of the parts that begin after `first`, up to `last`, by position."""
        query = "SELECT positions, vectors FROM search.vectors WHERE edition = $1 AND part > $2 AND part <= $3"
        found: dict[int, bytes] = {}
        for positions, vectors in await self._connection.fetch(query, number, first, last):
            size = len(vectors) // len(positions)
            found |= {position: vectors[n * size : (n + 1) * size] for n, position in enumerate(positions)}
        return found


def _build_edition(row: Any) -> IndexEdition:
    number, owner, store, file, version, space, is_published, chunks = row
    return IndexEdition(number, ChunkPlace(owner, store, file), version, space, bool(is_published), chunks)


def _build_chunk(position: int, text: str, *rest: Any) -> Chunk:
    start, end, first_line, last_line, first_page, last_page, header = rest
    return Chunk(
        position=position,
        text=text,
        start=start,
        end=end,
        first_line=first_line,
        last_line=last_line,
        first_page=first_page,
        last_page=last_page,
        header=header,
    )


async def copy_index(source: IndexReader, target: ChunkIndex, report: Report) -> None:
    """Copy what the target does not have yet."""
    editions = await source.list_editions()
    done, total = 0, sum(edition.chunks for edition in editions)
    report("search index", 0, total)
    for edition in editions:
        place, version = edition.place, edition.version
        found = await target.find_published(place) if edition.is_published else None
        if found is None or found.version != version:
            count = await target.count_staged(place, version)
            if edition.chunks == 0:
                await target.stage(place, version, [], edition.space)
            async for pieces in _yield_pieces(source, edition, count - 1):
                await target.stage(place, version, pieces, edition.space)
                report("search index", done + pieces[-1].chunk.position + 1, total)
            if edition.is_published:
                await target.publish(place, version)
        done += edition.chunks
        report("search index", done, total)


async def compare_indexes(source: IndexReader, target: IndexReader, report: Report) -> int:
    """Compare all chunks and vectors, and return the number of chunks.

    Raises:
        MoveError: a file differs.
    """
    wanted = {edition.identity: edition for edition in await source.list_editions()}
    found = {edition.identity: edition for edition in await target.list_editions()}
    if wanted.keys() != found.keys():
        raise MoveError(f"the search index of the target has {len(found)} files of {len(wanted)}", _RESET)
    done, total = 0, sum(edition.chunks for edition in wanted.values())
    for identity, edition in wanted.items():
        if await _hash_edition(source, edition) != await _hash_edition(target, found[identity]):
            raise MoveError(f"the search index of the target differs in file {edition.place.file}", _RESET)
        done += edition.chunks
        report("verification of the search index", done, total)
    return total


_RESET = "make sure that no server has used the source since the move began, and move into an empty target"


async def _yield_pieces(
    reader: IndexReader, edition: IndexEdition, after: int = -1
) -> AsyncGenerator[list[IndexedChunk]]:
    while pieces := await reader.read_pieces(edition.number, after):
        yield pieces
        after = pieces[-1].chunk.position


async def _hash_edition(reader: IndexReader, edition: IndexEdition) -> str:
    summed = hashlib.sha256(msgspec.msgpack.encode((edition.place, edition.version, edition.space)))
    async for pieces in _yield_pieces(reader, edition):
        for piece in pieces:
            summed.update(msgspec.msgpack.encode((astuple(piece.chunk), piece.vector)))
    return summed.hexdigest()
