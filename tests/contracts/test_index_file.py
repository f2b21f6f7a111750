"""The index on one file, as a file."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexQuery, IndexUnavailable

pytestmark = pytest.mark.anyio

PLACE = ChunkPlace("ada", 1, 1)
PIECES = [IndexedChunk(Chunk(0, "heron", 0, 5, 1, 1))]


async def test_a_broken_file_is_put_aside_and_a_new_one_begun(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "index.db"
    path.write_bytes(b"this is no database" * 1000)
    index = SQLiteIndex(path)
    with caplog.at_level(logging.WARNING):
        await index.open()
    assert "cannot be used" in caplog.text
    assert _aside(tmp_path).read_bytes().startswith(b"this is no database")
    await index.stage(PLACE, "1", PIECES)
    await index.publish(PLACE, "1")
    assert len(await index.search(IndexQuery("ada", (1,), "heron"))) == 1
    await index.close()


async def test_a_file_of_a_newer_version_is_moved_aside_and_a_new_one_begun(tmp_path: Path):
    path = tmp_path / "index.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    index = SQLiteIndex(path)
    await index.open()
    await index.stage(PLACE, "1", PIECES)
    await index.close()
    with closing(sqlite3.connect(_aside(tmp_path))) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (99,)


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path):
    index = SQLiteIndex(tmp_path / "none" / "index.db")
    with pytest.raises(IndexUnavailable, match="cannot open"):
        await index.open()
    await index.close()


async def test_only_its_user_can_read_the_file(tmp_path: Path):
    index = SQLiteIndex(tmp_path / "index.db")
    await index.open()
    await index.stage(PLACE, "1", PIECES)
    assert _open_to_others(tmp_path) == []
    await index.close()


async def test_a_damaged_file_that_was_moved_aside_goes_with_the_next_erasure(tmp_path: Path):
    (tmp_path / "index.db").write_bytes(b"no database, with text of a user who is erased later" * 100)
    index = SQLiteIndex(tmp_path / "index.db")
    await index.open()
    assert b"erased later" in _aside(tmp_path).read_bytes()
    assert await index.purge()
    assert _names(tmp_path) <= {"index.db", "index.db-wal", "index.db-shm"}
    await index.close()


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def _aside(folder: Path) -> Path:
    """The index that was moved aside."""
    (path,) = folder.glob("replaced-*/index.db")
    return path


def _open_to_others(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.stat().st_mode & 0o077]
