"""What the directory of blobs keeps besides."""

import asyncio
import os
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from projectdavid.adapters.blobs.directory import DirectoryBlobs, hold_blobs
from projectdavid.ports.blobs import BlobGone, BlobsHeld, NoRoom
from tests.contracts.test_blobs import NEVER, pieces, read

pytestmark = pytest.mark.anyio


def everything(folder: Path) -> list[Path]:
    """All that is below a folder, what is deepest last."""
    return sorted(folder.rglob("*"), key=lambda path: len(path.parts))


async def test_a_new_store_over_the_same_directory_has_the_same_blobs(tmp_path: Path) -> None:
    blob = await DirectoryBlobs(tmp_path / "blobs").put(pieces(b"abc"), NEVER)
    assert await read(DirectoryBlobs(tmp_path / "blobs"), blob.key) == b"abc"


async def test_blobs_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    await DirectoryBlobs(tmp_path / "a" / "blobs").put(pieces(b"abc"), NEVER)
    made = everything(tmp_path)
    assert len(made) == 4
    assert all(path.stat().st_mode & 0o077 == 0 for path in made)


async def test_what_a_process_that_died_left_unfinished_is_named_and_deleted(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path)
    reached, never = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield b"too little to be written yet"  # what is being written would have a new time
        reached.set()
        await never.wait()

    putting = asyncio.create_task(blobs.put(slow(), NEVER))
    await reached.wait()
    part = everything(tmp_path)[-1]
    long_ago = time.time() - 7200
    os.utime(part, (long_ago, long_ago))
    later = DirectoryBlobs(tmp_path)
    assert await later.older_than(3600) == [part.name]
    await later.delete([part.name])
    assert not part.exists()
    putting.cancel()
    await asyncio.wait([putting])


@pytest.mark.parametrize("key", ["../secret", "..", "0" * 32 + "/../../secret", "0" * 31, "0" * 32 + ".txt"])
async def test_no_key_leads_out_of_the_directory(tmp_path: Path, key: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    blobs = DirectoryBlobs(tmp_path / "blobs")
    with pytest.raises(BlobGone):
        await read(blobs, key)
    with pytest.raises(BlobGone):
        await blobs.delete([key])
    assert secret.exists()


async def test_files_of_others_in_the_directory_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "ab" / "README").write_text("hello")
    assert await DirectoryBlobs(tmp_path).older_than(-3600) == []


async def test_where_it_cannot_write_there_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file in the way")
    with pytest.raises(NoRoom):
        await DirectoryBlobs(tmp_path / "blobs").put(pieces(b"abc"), NEVER)


async def test_nothing_is_deleted_or_moved_while_a_backup_holds_the_blobs(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path / "blobs")
    blob = await blobs.put(pieces(b"abc"), NEVER)
    with hold_blobs(tmp_path / "blobs"):
        for change in (blobs.delete, blobs.discard):
            with pytest.raises(BlobsHeld):
                await change([blob.key])
        assert await read(blobs, blob.key) == b"abc"
    await blobs.delete([blob.key])
    with pytest.raises(BlobGone):
        await read(blobs, blob.key)


async def test_reading_takes_a_blob_out_of_the_trash(tmp_path: Path) -> None:
    blobs = DirectoryBlobs(tmp_path / "blobs")
    blob = await blobs.put(pieces(b"abc"), NEVER)
    await blobs.discard([blob.key])
    assert await read(blobs, blob.key) == b"abc"
    assert (await blobs.older_than(-3600), await blobs.find_discarded(-3600)) == ([blob.key], [])
