"""The index in one SQLite file: full-text search, and exact search over vectors.

It is separate from the database, so ingest does not delay runs. It uses three threads: one writes, one reads, and one
compares vectors during full-text search.
"""

import asyncio
import logging
import os
import shutil
import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw

from projectdavid.adapters.indexes.matrices import MatrixCache
from projectdavid.adapters.indexes.sqlite import search, writes
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexHit, IndexQuery, IndexUnavailable, PublishedFile

log = logging.getLogger("projectdavid.index")

SCHEMA = tuple(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("schema.sql", "headers.sql"))
"""The schema scripts, in order, each applied once."""
PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA cache_size = -32000;
PRAGMA secure_delete = ON;
"""
ASIDE = "replaced-index-"
"""Name prefix of the folders for damaged files."""
MERGED = 200
"""Pages of the full-text index that one transaction merges."""
_BROKEN = (apsw.NotADBError, apsw.CorruptError)
_UNAVAILABLE = (apsw.IOError, apsw.FullError, apsw.CantOpenError, apsw.BusyError, apsw.ReadOnlyError)

P = ParamSpec("P")
T = TypeVar("T")


class SQLiteIndex:
    """An index in one file.

    `memory` limits the bytes of cached vectors; one store's vectors are always cached.
    """

    def __init__(self, path: Path, memory: int = 512 << 20) -> None:
        self._path = path
        self._memory = memory
        self._matrices = MatrixCache(memory)
        self._damaged = False
        self._threads = {kind: ThreadPoolExecutor(1, f"index-{kind}") for kind in ("write", "read", "compare")}
        self._connections: dict[str, apsw.Connection] = {}

    async def open(self) -> None:
        """Open the file and migrate its schema; an unusable file is moved aside and replaced."""
        try:
            await self._run_in("write", self._open_or_replace)
            self._connections["read"] = await self._run_in("read", partial(_connect, self._path))
        except OSError as error:
            raise IndexUnavailable(f"cannot open {self._path}: {error.strerror}") from error

    async def close(self) -> None:
        """Finish the current work, and close the file."""
        for kind, thread in self._threads.items():
            if (connection := self._connections.pop(kind, None)) is not None:
                await self._run_in(kind, connection.close)
            thread.shutdown(wait=True)

    @property
    def damaged(self) -> bool:
        """True if the file was found to be damaged; then every operation fails until `reset`."""
        return self._damaged

    async def reset(self) -> None:
        """Move the file aside, and create an empty one."""
        if (reader := self._connections.pop("read", None)) is not None:
            await self._run_in("read", reader.close)
        try:
            await self._run_in("write", self._replace)
            self._matrices = MatrixCache(self._memory)  # the new file counts its editions from 1 again
            self._connections["read"] = await self._run_in("read", partial(_connect, self._path))
        except OSError as error:
            raise IndexUnavailable(f"cannot replace {self._path}: {error.strerror}") from error
        self._damaged = False

    async def count_staged(self, place: ChunkPlace, version: str) -> int:
        """Return the number of staged chunks of this version."""
        return await self._write(writes.count_staged, place, version)

    async def stage(
        self, place: ChunkPlace, version: str, pieces: Sequence[IndexedChunk], space: str | None = None
    ) -> None:
        """Append chunks to the staged ones."""
        await self._write(writes.stage, place, version, pieces, space)

    async def publish(self, place: ChunkPlace, version: str) -> int:
        """Make the staged version searchable."""
        return await self._write(writes.publish, place, version)

    async def remove(self, files: Sequence[int]) -> None:
        """Remove files from the index."""
        await self._write(writes.begin_removal, files)
        while not await self._write(writes.remove, files):
            pass

    async def purge(self) -> bool:
        """Erase deleted data from the file and its write-ahead log, and remove damaged files that were moved aside.

        Damaged files cannot be edited, and their content can be rebuilt from the files.
        """
        await asyncio.to_thread(self._remove_damaged)
        pages = -MERGED
        while not await self._write(writes.merge, pages):
            pages = MERGED
        db = self._connection("write")
        ((busy, _, _),) = await self._run_in("write", lambda: list(db.execute("PRAGMA wal_checkpoint(TRUNCATE)")))
        return not busy

    async def free_bytes(self) -> int:
        """Return the bytes that compaction would return to the file system."""
        # Read the header (https://sqlite.org/fileformat.html, section 1.3): a long search can block the threads.
        with self._path.open("rb") as file:
            header = file.read(40)
        size = int.from_bytes(header[16:18], "big")
        return int.from_bytes(header[36:40], "big") * (1 << 16 if size == 1 else size)

    async def list_published(self, owner: str, store: int) -> list[PublishedFile]:
        """Return the published files of a store."""
        query = (
            "SELECT file, version, chunks FROM editions WHERE owner = ? AND store = ? AND published = 1 ORDER BY file"
        )
        return await self._read(lambda db: [PublishedFile(*row) for row in db.execute(query, (owner, store))])

    async def find_published(self, place: ChunkPlace) -> PublishedFile | None:
        """Return the published version of one file, or None."""
        return await self._read(search.find_published, place)

    async def chunks(self, place: ChunkPlace, after: int = -1, limit: int = 100) -> list[Chunk]:
        """Return the chunks of a file after a position, in order."""
        return await self._read(search.chunks, place, after, limit)

    async def passage(self, place: ChunkPlace, start: int, end: int) -> str | None:
        """Return the text of a file from character `start` up to, but not including, `end`."""
        return await self._read(search.passage, place, start, end)

    async def search(self, query: IndexQuery) -> list[IndexHit]:
        """Return the best chunks."""
        return await self._read(search.search, self._matrices, self._threads["compare"], query)

    async def _write(
        self, change: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        db = self._connection("write")

        def run() -> T:
            with _transaction(db):
                return change(db, *args, **kwargs)

        return await self._run_in("write", run)

    async def _read(self, look: Callable[Concatenate[apsw.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        db = self._connection("read")

        def run() -> T:
            with _transaction(db):  # one consistent snapshot
                return look(db, *args, **kwargs)

        return await self._run_in("read", run)

    async def _run_in(self, kind: str, do: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads[kind], do)
        except _BROKEN as error:
            if not self._damaged:
                log.error("%s is damaged: %s", self._path, error)
            self._damaged = True
            raise IndexUnavailable(f"{self._path.name} is damaged: {error}") from error
        except _UNAVAILABLE as error:
            raise IndexUnavailable(f"{self._path.name}: {error}") from error

    def _connection(self, kind: str) -> apsw.Connection:
        if kind not in self._connections:
            raise IndexUnavailable("the index is not open")
        if self._damaged:
            raise IndexUnavailable(f"{self._path.name} is damaged and will be rebuilt")
        return self._connections[kind]

    def _remove_damaged(self) -> None:
        for aside in self._path.parent.glob(f"{ASIDE}*"):
            shutil.rmtree(aside)

    def _open_or_replace(self) -> None:
        try:
            self._connections["write"] = _open(self._path)
        except (*_BROKEN, _NewerVersion) as error:
            log.warning("%s cannot be used: %s", self._path, error)
            self._replace()

    def _replace(self) -> None:
        """Move the file aside, and create an empty one. Vectors uploaded by owners are stored nowhere else."""
        if (writer := self._connections.pop("write", None)) is not None:
            writer.close()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        aside = self._path.with_name(f"{ASIDE}{stamp}-{time.time_ns() % 10**9}")
        aside.mkdir(mode=0o700)
        for end in ("", "-wal", "-shm"):
            path = self._path.with_name(self._path.name + end)
            if path.exists():
                path.rename(aside / path.name)
        log.warning("%s was moved to %s, and is being rebuilt from the files", self._path.name, aside)
        self._connections["write"] = _open(self._path)


class _NewerVersion(Exception):
    """A newer version of the platform wrote the file."""


@contextmanager
def _transaction(db: apsw.Connection) -> Generator[None]:
    with db:
        yield


def _open(path: Path) -> apsw.Connection:
    db = _connect(path)
    try:
        version = int(db.pragma("user_version") or 0)
        if version > len(SCHEMA):
            raise _NewerVersion(f"it has schema version {version}, newer than version {len(SCHEMA)}")
        for number, script in enumerate(SCHEMA[version:], start=version + 1):
            with db:
                for _ in db.execute(script):
                    pass
                db.pragma("user_version", number)
        if db.pragma("quick_check", 1) != "ok":
            raise apsw.CorruptError("the integrity check of the file failed")
    except BaseException:
        db.close()
        raise
    return db


def _connect(path: Path) -> apsw.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    db = apsw.Connection(str(path))
    try:
        db.set_busy_timeout(5000)
        for _ in db.execute(PRAGMAS):
            pass
    except BaseException:
        db.close()
        raise
    return db
