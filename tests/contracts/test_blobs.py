"""What every blob store keeps: the rules of `ports/blobs.py`, whoever keeps them."""

import asyncio
from collections.abc import AsyncGenerator
from hashlib import sha256

import pytest

from projectdavid.ports.blobs import BlobGone, Blobs, BlobTooLarge
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio
NEVER = 10**9
BIG = bytes(range(256)) * 12_000


async def pieces(*chunks: bytes) -> AsyncGenerator[bytes]:
    for chunk in chunks:
        yield chunk


async def read(blobs: Blobs, key: str, start: int = 0, end: int | None = None) -> bytes:
    return b"".join([piece async for piece in blobs.read(key, start, end)])


async def keys(blobs: Blobs) -> list[str]:
    """The keys of all that is stored, whole or not."""
    return await blobs.older_than(-3600)


async def test_what_was_stored_is_read_again(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(b"ab", b"", b"c"), NEVER)
    assert (blob.size, blob.sha256, blob.head) == (3, sha256(b"abc").hexdigest(), b"abc")
    assert await read(blobs, blob.key) == b"abc"


async def test_nothing_is_a_blob_too(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(), NEVER)
    assert (blob.size, await read(blobs, blob.key)) == (0, b"")


async def test_a_large_blob_is_read_in_pieces_and_its_head_is_short(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(*(BIG[at : at + 65_536] for at in range(0, len(BIG), 65_536))), NEVER)
    got = [piece async for piece in blobs.read(blob.key)]
    assert b"".join(got) == BIG
    assert len(got) > 1
    assert blob.head == BIG[: len(blob.head)]
    assert 512 <= len(blob.head) <= 65_536


@pytest.mark.parametrize(
    ("start", "end"),
    [(0, None), (3, None), (0, 1), (5, 5), (2, 7), (10**7, None), (0, 10**7), (7, 2), (65_535, 65_537)],
)
async def test_a_part_of_a_blob_is_read(blobs: Blobs, start: int, end: int | None) -> None:
    blob = await blobs.put(pieces(BIG), NEVER)
    assert await read(blobs, blob.key, start, end) == (b"" if end is not None and end < start else BIG[start:end])


async def test_the_same_bytes_stored_twice_are_two_blobs(blobs: Blobs) -> None:
    one, two = await blobs.put(pieces(b"x"), NEVER), await blobs.put(pieces(b"x"), NEVER)
    await blobs.delete([one.key])
    assert await read(blobs, two.key) == b"x"


async def test_as_many_bytes_as_allowed_are_stored_and_one_more_are_not(blobs: Blobs) -> None:
    assert (await blobs.put(pieces(b"abc"), 3)).size == 3
    before = await keys(blobs)
    with pytest.raises(BlobTooLarge) as caught:
        await blobs.put(pieces(b"abc", b"d"), 3)
    assert caught.value.limit == 3
    assert await keys(blobs) == before


async def test_a_store_stops_reading_once_there_is_too_much(blobs: Blobs) -> None:
    taken = 0

    async def endless() -> AsyncGenerator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(65_536)

    with pytest.raises(BlobTooLarge):
        await blobs.put(endless(), 1_000_000)
    assert taken < 100


async def test_a_sender_that_fails_leaves_nothing_and_is_told_its_own_error(blobs: Blobs) -> None:
    async def failing() -> AsyncGenerator[bytes]:
        yield BIG
        raise LookupError("the sender's own")

    with pytest.raises(LookupError, match="own"):
        await blobs.put(failing(), NEVER)
    assert await keys(blobs) == []


async def test_a_store_that_is_cancelled_leaves_nothing(blobs: Blobs) -> None:
    reached, never = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[bytes]:
        yield BIG
        reached.set()
        await never.wait()

    putting = asyncio.create_task(blobs.put(slow(), NEVER))
    async with asyncio.timeout(EVENT_TIMEOUT):
        await reached.wait()
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    assert await keys(blobs) == []


async def test_a_blob_that_is_deleted_is_gone_and_may_be_deleted_again(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(b"abc"), NEVER)
    for _ in range(2):
        await blobs.delete([blob.key, blob.key])
        with pytest.raises(BlobGone):
            await read(blobs, blob.key)
    assert await keys(blobs) == []


@pytest.mark.parametrize("key", ["", "..", "/etc/passwd", "../../etc/passwd", "a\0b", "x" * 5000])
async def test_a_key_that_was_never_given_is_gone(blobs: Blobs, key: str) -> None:
    with pytest.raises(BlobGone):
        await read(blobs, key)


async def test_only_what_is_older_is_named(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(b"abc"), NEVER)
    assert await blobs.older_than(3600) == []
    assert await keys(blobs) == [blob.key]


async def test_fifty_blobs_are_stored_at_once(blobs: Blobs) -> None:
    stored = await asyncio.gather(*(blobs.put(pieces(b"%d" % number), NEVER) for number in range(50)))
    assert [await read(blobs, blob.key) for blob in stored] == [b"%d" % number for number in range(50)]
    assert sorted(await keys(blobs)) == sorted(blob.key for blob in stored)


async def test_what_is_discarded_waits_in_the_trash_until_it_is_restored_or_deleted(blobs: Blobs) -> None:
    one, two = await blobs.put(pieces(b"one"), NEVER), await blobs.put(pieces(b"two"), NEVER)
    for _ in range(2):
        await blobs.discard([one.key, two.key])
    assert await keys(blobs) == []
    assert sorted(await blobs.find_discarded(-3600)) == sorted([one.key, two.key])
    assert await blobs.find_discarded(3600) == []
    for _ in range(2):
        await blobs.restore([one.key])
    assert (await read(blobs, one.key), await keys(blobs)) == (b"one", [one.key])
    await blobs.delete([two.key])
    assert await blobs.find_discarded(-3600) == []


async def test_a_blob_in_the_trash_is_still_read(blobs: Blobs) -> None:
    blob = await blobs.put(pieces(b"abc"), NEVER)
    await blobs.discard([blob.key])
    assert await read(blobs, blob.key) == b"abc"
    await blobs.restore([blob.key])
    assert (await keys(blobs), await blobs.find_discarded(-3600)) == ([blob.key], [])


async def test_what_is_not_there_is_not_discarded(blobs: Blobs) -> None:
    await blobs.discard(["0" * 32])
    await blobs.restore(["0" * 32])
    assert (await keys(blobs), await blobs.find_discarded(-3600)) == ([], [])


async def test_parts_of_a_blob_of_many_megabytes_are_read(blobs: Blobs) -> None:
    size = 20 * 2**20 + 1
    content = b"".join(number.to_bytes(4) for number in range(size // 4 + 1))[:size]
    blob = await blobs.put(pieces(*(content[at : at + 300_000] for at in range(0, size, 300_000))), NEVER)
    assert (blob.size, blob.sha256) == (size, sha256(content).hexdigest())
    assert await read(blobs, blob.key) == content
    for start, end in ((2**22 - 1, 2**22 + 1), (2**22, 2**23), (2**23 + 5, None), (size - 1, size), (size, None)):
        assert await read(blobs, blob.key, start, end) == content[start:end]


async def test_a_large_blob_that_is_cut_off_leaves_nothing(blobs: Blobs) -> None:
    async def failing() -> AsyncGenerator[bytes]:
        for _ in range(20):
            yield bytes(2**20)
        raise LookupError("the sender's own")

    with pytest.raises(LookupError, match="own"):
        await blobs.put(failing(), NEVER)
    with pytest.raises(BlobTooLarge):
        await blobs.put(pieces(*([bytes(2**20)] * 20)), 19 * 2**20)
    assert await keys(blobs) == []
