"""`move_to_database` and `move_to_folder`: the two directions of a move, each a sequence of steps."""

import json
import os
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw
import asyncpg

from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.adapters.indexes.postgres import PostgresIndex
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.adapters.stores.postgres.migrations import SCHEMA as POSTGRES_SCHEMA
from projectdavid.adapters.stores.postgres.moves import MOVED
from projectdavid.adapters.stores.sqlite import lock_folder
from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS as SQLITE_SCRIPTS
from projectdavid.composition.data_folder import FINGERPRINT
from projectdavid.composition.move.blob_copy import OWNERS, CopiedBlobs, copy_blobs
from projectdavid.composition.move.folders import FolderTarget, open_folder_source, retire_folder
from projectdavid.composition.move.index_copy import (
    IndexReader,
    PostgresIndexReader,
    SQLiteIndexReader,
    compare_indexes,
    copy_index,
)
from projectdavid.composition.move.postgres_database import PostgresDatabase, open_postgres
from projectdavid.composition.move.table_copy import compare_tables, copy_tables
from projectdavid.composition.move.tables import MoveDatabase, MoveError, Report, list_tables
from projectdavid.composition.restored_copy import INSTANCE
from projectdavid.composition.restored_copy import KEY as HOLD
from projectdavid.composition.secret_file import fingerprint_of, load_secret
from projectdavid.composition.storage import s3_of
from projectdavid.ports.blobs import BlobError, Blobs
from projectdavid.ports.index import ChunkIndex, IndexUnavailable
from projectdavid.ports.store import StoreUnavailable
from projectdavid.settings import Settings

Index = TypeVar("Index", PostgresIndex, SQLiteIndex)
SOURCE = "source"
VERIFIED = "verified"
"""Steps of a target: what is moved into it, and that it has everything."""
REPEAT = "repeat the command: it continues where it stopped"


@dataclass(frozen=True, slots=True)
class MoveOutcome:
    """The number of rows, chunks of the search index, and copied files; `aside` has the old database of a folder.

    `missing_in_index` files were not in the index of the source: a server ingests them again.
    """

    rows: int
    chunks: int
    files: int
    missing_in_index: int
    aside: Path | None = None


@dataclass(frozen=True, slots=True)
class MoveIndexes:
    """The reader of the source's index, the target's index, and its reader."""

    source: IndexReader
    target: ChunkIndex
    target_reader: IndexReader


async def move_to_database(settings: Settings, report: Report, *, with_blobs: bool) -> MoveOutcome:
    """Move a data folder to a PostgreSQL database, and its files to the bucket of the settings if `with_blobs`.

    Raises:
        MoveError: it cannot begin or continue, or was interrupted.
    """
    if not settings.data.is_dir():
        raise MoveError(f"{settings.data} does not exist", "name the data folder with --data")
    with translate_errors(), _locked(settings):
        async with _exclusive(settings) as target:
            state = await target.load_state()
            outcome = None if state is None else _read_outcome(state)
            if outcome is None or settings.database.exists():
                with closing(open_folder_source(settings)) as source:
                    await _check_source(settings, source)
                    identity = await _identify(source)
                    await _check_target(target, state, identity)
                    if outcome is None:
                        outcome = await _fill_database(settings, source, target, identity, report, with_blobs)
            aside = retire_folder(settings)
            await target.publish()
            return _build_outcome(outcome, aside)


async def _fill_database(
    settings: Settings,
    source: MoveDatabase,
    target: PostgresDatabase,
    identity: str,
    report: Report,
    with_blobs: bool,
) -> dict[str, int]:
    await _begin(target, identity)
    blobs = (DirectoryBlobs(settings.blobs), s3_of(settings)) if with_blobs else None
    async with _opened(SQLiteIndex(settings.index)):  # migrates its schema
        pass
    async with _opened(PostgresIndex(_url_of(settings))) as index:
        with closing(SQLiteIndexReader(settings.index)) as reader:
            indexes = MoveIndexes(reader, index, PostgresIndexReader(target.connection))
            return await _transfer(source, target, indexes, blobs, report)


async def _begin(target: PostgresDatabase, identity: str) -> None:
    if await target.load_state() is None:
        await target.migrate()
        await target.begin(identity)


async def _check_target(target: PostgresDatabase, state: Mapping[str, str] | None, identity: str) -> None:
    if state is None:
        if (table := await target.find_rows()) is not None:
            problem = f"the PostgreSQL database is not empty: its table {table} has rows"
            raise MoveError(problem, "create an empty database with createdb, and move into that")
        return
    if MOVED in state:
        raise MoveError("the data of this database was moved to a data folder", "create an empty database")
    _check_same(state, identity)


def _check_same(state: Mapping[str, str], identity: str) -> None:
    if state.get(SOURCE) != identity:
        problem = "the target has an unfinished move of another source, or of another version of this program"
        raise MoveError(problem, "move into an empty target")


async def move_to_folder(
    settings: Settings, report: Report, *, blobs: Blobs | None = None, secret: Path | None = None
) -> MoveOutcome:
    """Move a PostgreSQL database to a new data folder.

    `blobs` are the storage to copy files from; without it they stay in the bucket of the settings. `secret` is the file
    of the secret, if neither the settings nor the new folder have it; other files beside it are kept, too.

    Raises:
        MoveError: it cannot begin or continue, or was interrupted.
    """
    target = FolderTarget(settings)
    with translate_errors():
        target.check()
        with _locked(settings):
            async with _exclusive(settings) as source:
                source_state = await source.load_state() or {}
                with closing(target.open()) as database:
                    state = await database.load_state()
                    outcome = None if state is None else _read_outcome(state)
                    if outcome is None:
                        await _check_database(source, source_state)
                        await _check_files(source, settings, blobs)
                        target.keep_secret(await source.find_fact(FINGERPRINT), secret)
                        await _check_source(settings, source)
                        identity = await _identify(source)
                        if state is None:
                            await database.begin(identity)
                        else:
                            _check_same(state, identity)
                        database.stop_triggers()
                        outcome = await _fill_folder(settings, source, database, blobs, report)
                        database.check()
                    if MOVED not in source_state:
                        await source.retire()
                    database.publish(settings.database)
                    return _build_outcome(outcome)


async def _fill_folder(
    settings: Settings, source: PostgresDatabase, target: MoveDatabase, blobs: Blobs | None, report: Report
) -> dict[str, int]:
    copied = None if blobs is None else (blobs, DirectoryBlobs(settings.blobs))
    async with _opened(PostgresIndex(_url_of(settings))):  # migrates its schema
        pass
    async with _opened(SQLiteIndex(settings.index)) as index:
        with closing(SQLiteIndexReader(settings.index)) as reader:
            indexes = MoveIndexes(PostgresIndexReader(source.connection), index, reader)
            return await _transfer(source, target, indexes, copied, report)


async def _check_database(source: PostgresDatabase, state: Mapping[str, str]) -> None:
    if MOVED in state:
        problem = "the data of this database was moved already"
        raise MoveError(problem, "use the folder it was moved to; dropping the table move_state undoes that")
    if state:
        raise MoveError("a move into this database is unfinished", "finish it with the same command as before")
    if await source.find_rows() is None:
        raise MoveError("the PostgreSQL database is empty", "check the URL")
    await source.migrate()


async def _check_files(source: MoveDatabase, settings: Settings, blobs: Blobs | None) -> None:
    files = sum([await source.count(table) for table in list_tables() if table.name in OWNERS])
    if files and blobs is None and settings.blobs_url is None:
        problem = f"the bytes of {files} files would not be in {settings.data}"
        raise MoveError(problem, "name their bucket or folder with --blobs, or set blobs_url if they stay in a bucket")


async def _check_source(settings: Settings, source: MoveDatabase) -> None:
    """Check that the source is in use and the secret is its own.

    Raises:
        MoveError: it is not.
    """
    if await source.find_fact(HOLD):
        raise MoveError("the source is a restored copy on hold", "release it first: projectdavid release")
    secret = load_secret(settings)
    if secret is None:
        raise MoveError("the secret of the source is missing", f"restore {settings.secret}, or set secret_key")
    known = await source.find_fact(FINGERPRINT)
    if known is not None and known != fingerprint_of(secret):
        where = settings.secret if settings.secret_key is None else "secret_key"
        raise MoveError(f"{where} is not the secret of the source", "use the secret that its servers use")


async def _identify(source: MoveDatabase) -> str:
    """Return a text that distinguishes the source and the schemas from others."""
    facts = [await source.find_fact(FINGERPRINT), await source.find_fact(INSTANCE)]
    return json.dumps([*facts, len(SQLITE_SCRIPTS), POSTGRES_SCHEMA.version])


async def _transfer(
    source: MoveDatabase,
    target: MoveDatabase,
    indexes: MoveIndexes,
    blobs: tuple[Blobs, CopiedBlobs] | None,
    report: Report,
) -> dict[str, int]:
    """Copy everything, compare it, and record the outcome."""
    await copy_tables(source, target, await target.load_state() or {}, report)
    await copy_index(indexes.source, indexes.target, report)
    files = 0 if blobs is None else await copy_blobs(source, target, *blobs, report)
    rows = await compare_tables(source, target, report)
    chunks = await compare_indexes(indexes.source, indexes.target_reader, report)
    missing = await _count_missing(source, indexes.source)
    outcome = {"rows": rows, "chunks": chunks, "files": files, "missing_in_index": missing}
    await target.save_state(VERIFIED, json.dumps(outcome))
    return outcome


async def _count_missing(source: MoveDatabase, index: IndexReader) -> int:
    """Return the number of files that a server would ingest again, because the index lacks them."""
    found = {one.place.file: one.version for one in await index.list_editions() if one.is_published}
    [table] = [table for table in list_tables() if table.name == "vector_store_files"]
    missing = 0
    async for row in source.rows(table):
        values = dict(zip(table.columns, row, strict=True))
        missing += values["status"] == "completed" and found.get(values["n"]) != values["version"]
    return missing


def _read_outcome(state: Mapping[str, str]) -> dict[str, int] | None:
    """Return the outcome of a move that was complete before it was interrupted."""
    return json.loads(state[VERIFIED]) if VERIFIED in state else None


def _build_outcome(counts: Mapping[str, int], aside: Path | None = None) -> MoveOutcome:
    return MoveOutcome(counts["rows"], counts["chunks"], counts["files"], counts["missing_in_index"], aside)


def _url_of(settings: Settings) -> str:
    if settings.database_url is None:
        raise MoveError("there is no database", "name it with --to or --from")
    return settings.database_url.get_secret_value()


@asynccontextmanager
async def _exclusive(settings: Settings) -> AsyncGenerator[PostgresDatabase]:
    database = await open_postgres(_url_of(settings))
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _opened(index: Index) -> AsyncGenerator[Index]:
    await index.open()
    try:
        yield index
    finally:
        await index.close()


@contextmanager
def _locked(settings: Settings) -> Generator[None]:
    handle = lock_folder(settings.database.with_suffix(".lock"))
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def translate_errors() -> Generator[None]:
    """Raise every error of a move as `MoveError`; none has a part of a URL, which can contain a password.

    Raises:
        MoveError: with the remedy.
    """
    try:
        yield
    except StoreUnavailable as error:
        raise MoveError(error.problem, error.remedy) from error
    except asyncpg.PostgresError as error:
        text = error.args[0] if error.args else type(error).__name__
        raise MoveError(f"the move was interrupted: PostgreSQL: {text}", REPEAT) from error
    except (asyncpg.InterfaceError, apsw.Error, IndexUnavailable, BlobError, OSError) as error:
        raise MoveError(f"the move was interrupted: {error or type(error).__name__}", REPEAT) from error
