"""The index in PostgreSQL, which many processes use at once: words by BM25, vectors by exact comparison.

It has a schema of its own, `search`, in the database of the store. Words are cut and stemmed by SQLite's FTS5, so both
indexes find the same; `tsvector` has no inverse document frequency, and its parser breaks codes apart.

The extension pgvector is not used. Its HNSW index filters after it has searched, so a search of one owner or store
loses most of its hits; and the planner takes that index as soon as it exists. Vectors of the searched stores are
compared exactly by the process. It holds them in memory by edition, and an edition never changes, so the snapshot of
a search says which ones are up to date.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from projectdavid.adapters.indexes.postgres import search, writes
from projectdavid.adapters.indexes.postgres.pool import IndexPool
from projectdavid.adapters.indexes.postgres.postings import WordIndexer
from projectdavid.adapters.indexes.postgres.schema import migrate
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexHit, IndexQuery, PublishedFile, VersionLost

if TYPE_CHECKING:
    from projectdavid.adapters.indexes.postgres.pool import IndexConnection

TABLES = ("editions", "chunks", "postings", "vectors")
PURGE_WAIT = 2.0
"""Seconds that `purge` waits for older transactions of others."""
_OLDER = """
SELECT EXISTS (
    SELECT FROM pg_stat_activity
    WHERE (datname = current_database() OR datname IS NULL) AND pid <> pg_backend_pid()
        AND age(backend_xmin) > age($1::xid)
)
"""


class PostgresIndex:
    """An index in the schema `search` of a database.

    Args:
        url: the database, `postgresql://...`.
        memory: limits the bytes of cached vectors; one store's vectors are always cached.
        connections: maximum number of connections.
        patience: seconds during which an operation waits for a database that cannot be reached.

    Raises:
        ValueError: asyncpg is not installed.
    """

    def __init__(self, url: str, memory: int = 512 << 20, connections: int = 4, patience: float = 10.0) -> None:
        self._pool = IndexPool(url, connections, patience)
        self._threads = {kind: ThreadPoolExecutor(1, f"index-{kind}") for kind in ("words", "compare")}
        self._search = search.IndexSearch(memory, self._threads["compare"])
        self._chunk_words, self._query_words = WordIndexer(), WordIndexer()

    async def open(self) -> None:
        """Connect, and migrate the schema.

        Raises:
            IndexUnavailable: the database cannot be reached, or a newer version of the platform migrated it.
            ValueError: the URL is invalid.
        """
        await self._pool.open()
        await self._pool.write(migrate)

    async def close(self) -> None:
        """Finish the current work, and disconnect."""
        await self._pool.close()
        for thread in self._threads.values():
            await asyncio.to_thread(thread.shutdown)

    @property
    def damaged(self) -> bool:
        """False: damage of a database is repaired or restored by its operator, and its errors say so."""
        return False

    async def reset(self) -> None:
        """Delete everything; nothing is moved aside, because backups of the database contain it."""
        await self._pool.maintain("TRUNCATE " + ", ".join(f"search.{table}" for table in TABLES))

    async def count_staged(self, place: ChunkPlace, version: str) -> int:
        """Return the number of staged chunks of this version."""
        count: int = await self._pool.write(writes.count_staged(place, version))
        await self._delete_removed([place.file])
        return count

    async def stage(
        self, place: ChunkPlace, version: str, pieces: Sequence[IndexedChunk], space: str | None = None
    ) -> None:
        """Append chunks to the staged ones."""
        while True:
            count = await self._pool.read(partial(search.count_staged, place, version))
            missing = [piece for piece in pieces if piece.chunk.position >= count]
            if pieces and not missing:
                return
            if missing and missing[0].chunk.position > count:
                raise VersionLost(f"chunk {missing[0].chunk.position} cannot follow {count} staged ones")
            build = partial(writes.build_parts, self._chunk_words, missing)
            parts = await asyncio.get_running_loop().run_in_executor(self._threads["words"], build)
            try:
                replaced = await self._pool.write(writes.stage(place, version, space, count, parts))
            except writes.OtherCount:
                continue
            if replaced:
                await self._delete_removed([place.file])
            return

    async def publish(self, place: ChunkPlace, version: str) -> int:
        """Make the staged version searchable."""
        count: int = await self._pool.write(writes.publish(place, version))
        await self._delete_removed([place.file])
        return count

    async def remove(self, files: Sequence[int]) -> None:
        """Remove files from the index."""
        await self._pool.write(writes.begin_removal(files))
        await self._delete_removed(files)

    async def purge(self) -> bool:
        """Delete what interrupted operations left, and free the pages of deleted rows.

        PostgreSQL does not overwrite freed bytes; new rows do. Returns False if an older transaction can still see
        deleted rows.
        """
        await self._delete_removed(None)
        number = await self._pool.write(_assign_transaction)
        end = time.monotonic() + PURGE_WAIT
        while await self._pool.read(partial(_has_older, number)):
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        await self._pool.maintain(*(f"VACUUM (INDEX_CLEANUP ON) search.{table}" for table in TABLES))
        return True

    async def free_bytes(self) -> int:
        """Return 0: PostgreSQL uses freed pages again, and there is no compaction."""
        return 0

    async def list_published(self, owner: str, store: int) -> list[PublishedFile]:
        """Return the published files of a store."""
        return await self._pool.read(partial(search.list_published, owner, store))

    async def find_published(self, place: ChunkPlace) -> PublishedFile | None:
        """Return the published version of one file, or None."""
        return await self._pool.read(partial(search.find_published, place))

    async def chunks(self, place: ChunkPlace, after: int = -1, limit: int = 100) -> list[Chunk]:
        """Return the chunks of a file after a position, in order."""
        return await self._pool.read(partial(search.list_chunks, place, after, limit))

    async def passage(self, place: ChunkPlace, start: int, end: int) -> str | None:
        """Return the text of a file from character `start` up to, but not including, `end`."""
        return await self._pool.read(partial(search.find_passage, place, start, end))

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Return the best chunks."""
        terms = self._query_words.list_terms(query.text or "")
        return await self._pool.read(partial(self._search.search, query, terms, search.search_depth(query)))

    async def _delete_removed(self, files: Sequence[int] | None) -> None:
        while not await self._pool.write(writes.delete_removed(files)):
            pass


async def _assign_transaction(connection: IndexConnection) -> int:
    return await connection.fetchval("SELECT pg_current_xact_id()::xid")


async def _has_older(number: int, connection: IndexConnection) -> bool:
    return await connection.fetchval(_OLDER, number)
