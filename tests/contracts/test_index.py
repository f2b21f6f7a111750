"""What every index has to do: find what is published, of its owner alone, by words, by vectors or by both."""

import struct
from collections.abc import Callable

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projectdavid.engine.documents import Chunk
from projectdavid.ports.index import (
    ChunkIndex,
    ChunkPlace,
    IndexedChunk,
    IndexQuery,
    IndexUnavailable,
    PublishedFile,
    VersionLost,
)

pytestmark = pytest.mark.anyio

HERON, REED = ChunkPlace("ada", 1, 10), ChunkPlace("ada", 1, 11)
ELSEWHERE, HERS = ChunkPlace("ada", 2, 20), ChunkPlace("eve", 3, 30)
SPACE = "model:2"


def vector(*numbers: float) -> bytes:
    return struct.pack(f"<{len(numbers)}f", *numbers)


def piece(text: str, position: int = 0, at: bytes | None = None) -> IndexedChunk:
    return IndexedChunk(Chunk(position, text, 5 * position, 5 * position + len(text), position + 1, position + 1), at)


async def fill(
    index: ChunkIndex, place: ChunkPlace, *pieces: IndexedChunk, version: str = "1", space: str | None = None
) -> int:
    await index.stage(place, version, pieces, space)
    return await index.publish(place, version)


async def texts(index: ChunkIndex, text: str | None = None, owner: str = "ada", **more: object) -> list[str]:
    query = IndexQuery(owner, **{"stores": (1, 2, 3), "text": text, **more})  # type: ignore[arg-type]
    return [hit.chunk.text for hit in await index.search(query)]


async def test_what_is_staged_is_found_when_it_is_published(index: ChunkIndex):
    await index.stage(HERON, "1", [piece("The heron waits.")])
    assert await texts(index, "heron") == []
    assert await index.list_published("ada", 1) == []
    assert await index.publish(HERON, "1") == 1
    assert await texts(index, "heron") == ["The heron waits."]
    assert await index.list_published("ada", 1) == [PublishedFile(10, "1", 1)]


async def test_staging_goes_on_where_it_stopped_after_a_crash(another_index: Callable[[], ChunkIndex]):
    first = another_index()
    await first.open()
    await first.stage(HERON, "1", [piece("one"), piece("two", 1)])
    await first.close()
    second = another_index()
    await second.open()
    assert await second.count_staged(HERON, "1") == 2
    await second.stage(HERON, "1", [piece("three", 2)])
    assert await second.publish(HERON, "1") == 3
    assert [chunk.text for chunk in await second.chunks(HERON)] == ["one", "two", "three"]
    await second.close()


async def test_what_is_staged_of_another_version_is_thrown_away(index: ChunkIndex):
    await index.stage(HERON, "1", [piece("old")])
    assert await index.count_staged(HERON, "2") == 0
    await index.stage(HERON, "2", [piece("new")])
    assert await index.publish(HERON, "2") == 1
    assert await texts(index, "old new") == ["new"]


async def test_a_new_version_takes_the_place_of_the_one_before(index: ChunkIndex):
    await fill(index, HERON, piece("grey heron", 0), piece("white heron", 1))
    await index.stage(HERON, "2", [piece("purple heron")])
    assert sorted(await texts(index, "heron")) == ["grey heron", "white heron"]
    assert await index.publish(HERON, "2") == 1
    assert await texts(index, "heron") == ["purple heron"]
    assert await index.list_published("ada", 1) == [PublishedFile(10, "2", 1)]


async def test_to_publish_again_changes_nothing(index: ChunkIndex):
    assert await fill(index, HERON, piece("heron")) == 1
    assert await index.publish(HERON, "1") == 1
    assert await texts(index, "heron") == ["heron"]


async def test_a_document_without_chunks_is_published_too(index: ChunkIndex):
    await index.stage(HERON, "1", [])
    assert await index.publish(HERON, "1") == 0
    assert await index.list_published("ada", 1) == [PublishedFile(10, "1", 0)]


async def test_a_version_that_another_one_replaced_is_lost_and_changes_nothing(index: ChunkIndex):
    await index.stage(HERON, "1", [piece("old")])
    await index.stage(HERON, "2", [piece("new")])
    with pytest.raises(VersionLost):
        await index.publish(HERON, "1")
    assert await index.publish(HERON, "2") == 1
    with pytest.raises(VersionLost):
        await index.publish(HERON, "1")
    with pytest.raises(VersionLost):
        await index.stage(HERON, "1", [piece("more", 1)])
    assert await texts(index, "old new more") == ["new"]


async def test_nothing_of_another_owner_is_found_even_if_its_store_is_named(index: ChunkIndex):
    await fill(index, HERS, piece("her heron", at=vector(1, 0)), space=SPACE)
    assert await texts(index, "heron") == []
    assert await texts(index, vector=vector(1, 0), space=SPACE) == []
    assert await texts(index, "heron", owner="eve") == ["her heron"]
    assert await index.list_published("ada", 3) == []
    assert await index.chunks(ChunkPlace("ada", 3, 30)) == []


async def test_only_the_stores_that_are_named_are_searched(index: ChunkIndex):
    await fill(index, HERON, piece("heron here"))
    await fill(index, ELSEWHERE, piece("heron there"))
    assert await texts(index, "heron", stores=(2,)) == ["heron there"]
    assert await texts(index, "heron", stores=()) == []
    assert sorted(await texts(index, "heron", stores=(1, 2))) == ["heron here", "heron there"]


@pytest.mark.parametrize("others", [1, 30])
async def test_a_store_is_searched_alone_whatever_its_share_of_the_index(index: ChunkIndex, others: int):
    await fill(index, HERON, piece("The heron waits."))
    await fill(index, ELSEWHERE, *(piece(f"A heron, number {n}.", n) for n in range(others)))
    await fill(index, HERS, *(piece(f"Her heron, number {n}.", n) for n in range(others)))
    await index.stage(REED, "1", [piece("A heron that is not there yet.")])
    assert await texts(index, "heron", stores=(1,)) == ["The heron waits."]
    assert len(await texts(index, "heron", stores=(1, 2), limit=50)) == 1 + others


async def test_what_was_removed_is_found_by_nobody(index: ChunkIndex):
    await fill(index, HERON, piece("heron", at=vector(1, 0)), space=SPACE)
    await index.stage(REED, "1", [piece("heron")])
    assert await texts(index, vector=vector(1, 0), space=SPACE) == ["heron"]
    await index.remove([10, 11, 12])
    assert await texts(index, "heron", vector=vector(1, 0), space=SPACE) == []
    assert await index.count_staged(REED, "1") == 0
    assert await index.chunks(HERON) == []


async def test_searches_go_on_while_a_large_file_is_removed(index: ChunkIndex):
    await fill(index, HERON, *(piece(f"heron {n}", n, vector(1, n)) for n in range(1300)), space=SPACE)
    await fill(index, REED, piece("a heron that stays", 0, vector(0, 1)), space=SPACE)
    assert len(await texts(index, "heron", vector=vector(1, 1), space=SPACE, limit=50)) == 50
    removed = anyio.Event()
    async with anyio.create_task_group() as tasks:

        async def remove() -> None:
            await index.remove([10])
            removed.set()

        tasks.start_soon(remove)
        while not removed.is_set():
            found = await texts(index, "stays", vector=vector(1, 1), space=SPACE, limit=50)
            assert "a heron that stays" in found
    assert await texts(index, "heron", vector=vector(1, 1), space=SPACE) == ["a heron that stays"]


async def test_text_with_nul_characters_comes_back_as_it_was_written(index: ChunkIndex):
    text = "a grey\0heron \U0001f426"
    made = Chunk(0, text, 0, len(text), 1, 1, header="bird\0place")
    await index.stage(HERON, "1", [IndexedChunk(made)])
    await index.publish(HERON, "1")
    assert await index.chunks(HERON) == [made]
    assert [hit.chunk for hit in await index.search(IndexQuery("ada", (1,), "heron place"))] == [made]
    assert await index.passage(HERON, 2, 12) == "grey\0heron"


async def test_long_words_are_found_too(index: ChunkIndex):
    word = "z" * 5_000
    await fill(index, HERON, piece(word), piece(f"{word}y", 1))
    assert await texts(index, word) == [word]


async def test_an_emptied_index_begins_anew(index: ChunkIndex):
    await fill(index, HERON, piece("heron", at=vector(1, 0)), space=SPACE)
    assert await texts(index, vector=vector(1, 0), space=SPACE) == ["heron"]
    await index.reset()
    assert not index.damaged
    assert await index.find_published(HERON) is None
    assert await texts(index, "heron", vector=vector(1, 0), space=SPACE) == []
    await fill(index, HERON, piece("egret", at=vector(1, 0)), space=SPACE)
    assert await texts(index, vector=vector(1, 0), space=SPACE) == ["egret"]


async def test_what_was_removed_can_be_purged(index: ChunkIndex):
    await fill(index, HERON, piece("heron"))
    await index.remove([10])
    assert await index.purge()
    assert await index.free_bytes() >= 0


async def test_an_index_that_is_not_open_says_so(another_index: Callable[[], ChunkIndex]):
    index = another_index()
    with pytest.raises(IndexUnavailable, match="not open"):
        await texts(index, "heron")
    await index.close()


async def test_files_bound_a_search_before_anything_is_ranked(index: ChunkIndex):
    better = [piece("heron heron heron", number, vector(1, 0)) for number in range(300)]
    await fill(index, HERON, *better, space=SPACE)
    await fill(
        index,
        REED,
        *[piece(f"a heron among {number} reeds", number, vector(1, 9)) for number in range(20)],
        space=SPACE,
    )
    for found in (
        await texts(index, "heron", files=(11,), limit=20),
        await texts(index, vector=vector(1, 0), space=SPACE, files=(11,), limit=20),
    ):
        assert len(found) == 20
        assert all("reeds" in text for text in found)
    assert await texts(index, "heron", files=()) == []


async def test_vectors_find_what_is_nearest_with_its_cosine(index: ChunkIndex):
    await fill(
        index,
        HERON,
        piece("north", 0, vector(0, 2)),
        piece("east", 1, vector(7, 0)),
        piece("zero", 2, vector(0, 0)),
        space=SPACE,
    )
    hits = await index.search(IndexQuery("ada", (1,), vector=vector(3, 4), space=SPACE))
    assert [hit.chunk.text for hit in hits] == ["north", "east", "zero"]
    assert [hit.similarity for hit in hits] == [pytest.approx(0.8), pytest.approx(0.6), pytest.approx(0)]
    assert [(hit.semantic, hit.lexical) for hit in hits] == [(1, None), (2, None), (3, None)]


async def test_vectors_of_other_spaces_are_never_compared(index: ChunkIndex):
    await fill(index, HERON, piece("same", 0, vector(1, 0)), space=SPACE)
    await fill(index, REED, piece("other", 0, vector(1, 0, 0)), space="model:3")
    assert await texts(index, vector=vector(1, 0), space=SPACE) == ["same"]
    assert await texts(index, vector=vector(1, 0, 0), space="model:3") == ["other"]
    assert await texts(index, vector=vector(1, 0), space="none") == []


async def test_a_vector_of_another_length_finds_nothing(index: ChunkIndex):
    await fill(index, HERON, piece("heron", 0, vector(1, 0)), space=SPACE)
    assert await texts(index, vector=vector(1, 0, 0), space=SPACE) == []


async def test_both_together_find_what_either_finds_and_prefer_what_both_find(index: ChunkIndex):
    await fill(
        index,
        HERON,
        piece("heron by word", 0, vector(-1, 0)),
        piece("by meaning", 1, vector(1, 0.1)),
        piece("heron", 2, vector(1, 0.2)),
        space=SPACE,
    )
    hits = await index.search(IndexQuery("ada", (1,), "heron", vector(1, 0), SPACE, limit=3))
    assert hits[0].chunk.text == "heron"
    assert {hit.chunk.text for hit in hits} == {"heron by word", "by meaning", "heron"}
    assert all(0 < hit.score <= 1 for hit in hits)


async def test_what_comes_later_is_found_by_its_vector_too(index: ChunkIndex):
    await fill(index, HERON, piece("first", 0, vector(1, 0)), space=SPACE)
    assert await texts(index, vector=vector(1, 0), space=SPACE) == ["first"]
    await fill(index, REED, piece("second", 0, vector(1, 0)), space=SPACE)
    assert sorted(await texts(index, vector=vector(1, 0), space=SPACE)) == ["first", "second"]


async def test_endings_accents_and_scripts_without_spaces_are_found(index: ChunkIndex):
    await fill(
        index,
        HERON,
        piece("Three caf\u00e9s were recording", 0),
        piece("\u6e7f\u5730\u7684\u6c34\u9e1f\u5728\u9e23\u53eb", 1),
    )
    assert await texts(index, "cafe recorded") == ["Three caf\u00e9s were recording"]
    assert await texts(index, "\u6c34\u9e1f") == ["\u6e7f\u5730\u7684\u6c34\u9e1f\u5728\u9e23\u53eb"]


@pytest.mark.parametrize(
    "asked",
    [
        "",
        " ",
        '"',
        "AND",
        'NEAR("heron',
        "heron*",
        "text:heron",
        "^ - + ( )",
        "\0",
        "\ud800",
        "the",
        "x " * 50_000,
        "z" * 100_000,
    ],
)
async def test_a_query_may_be_anything(index: ChunkIndex, asked: str):
    await fill(index, HERON, piece("the heron"))
    assert set(await texts(index, asked)) <= {"the heron"}
    assert await texts(index, f"heron {asked}") == ["the heron"]


async def test_in_a_large_index_the_rare_word_decides_and_a_common_one_alone_is_still_found(index: ChunkIndex):
    await fill(index, REED, *[piece(f"water {number}", number) for number in range(10_500)])
    await fill(index, HERON, piece("a heron by the waters of the lake"))
    assert (await texts(index, "heron water"))[0] == "a heron by the waters of the lake"
    assert len(await texts(index, "water")) == 10
    assert len(await texts(index, "water water waters")) == 10


async def test_chunks_come_in_order_behind_a_position_as_they_were_staged(index: ChunkIndex):
    made = [IndexedChunk(Chunk(n, f"chunk {n}", 10 * n, 10 * n + 7, n + 1, n + 2, 1, 2)) for n in range(5)]
    await index.stage(HERON, "1", made[:3])
    await index.stage(HERON, "1", made[3:])
    assert await index.chunks(HERON) == []
    await index.publish(HERON, "1")
    assert await index.chunks(HERON) == [one.chunk for one in made]
    assert await index.chunks(HERON, after=1, limit=2) == [made[2].chunk, made[3].chunk]


async def test_searches_go_on_while_versions_change(index: ChunkIndex):
    await fill(index, HERON, piece("heron 0", at=vector(1, 0)), version="0", space=SPACE)
    async with anyio.create_task_group() as tasks:

        async def publish() -> None:
            for number in range(1, 30):
                new = piece(f"heron {number}", at=vector(1, 0))
                await fill(index, HERON, new, version=str(number), space=SPACE)

        async def search() -> None:
            for _ in range(60):
                assert len(await texts(index, "heron", vector=vector(1, 0), space=SPACE)) == 1

        tasks.start_soon(publish)
        tasks.start_soon(search)
    assert await texts(index, "heron") == ["heron 29"]


STEPS = st.lists(
    st.tuples(st.sampled_from(["stage", "publish", "remove"]), st.integers(0, 3), st.sampled_from("ab")), max_size=25
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_history_leaves_what_was_published_last(
    another_index: Callable[[], ChunkIndex], steps: list[tuple[str, int, str]]
):
    anyio.run(_live, another_index(), steps)


async def _live(index: ChunkIndex, steps: list[tuple[str, int, str]]) -> None:
    await index.open()
    await index.reset()
    staged: dict[int, tuple[str, list[str]]] = {}
    published: dict[int, tuple[str, list[str]]] = {}
    for number, (step, file, version) in enumerate(steps):
        place = ChunkPlace("ada", 1, file)
        known = staged[file][1] if staged.get(file, ("",))[0] == version else []
        if step == "stage":
            text = f"heron {number}"
            await index.stage(place, version, [piece(text, len(known), vector(1, number))], SPACE)
            staged[file] = version, [*known, text]
        elif step == "publish" and version not in (staged.get(file, ("",))[0], published.get(file, ("",))[0]):
            with pytest.raises(VersionLost):
                await index.publish(place, version)
        elif step == "publish":
            count = await index.publish(place, version)
            if staged.get(file, ("",))[0] == version:
                published[file] = staged.pop(file)
            assert count == len(published[file][1])
        else:
            await index.remove([file])
            staged.pop(file, None)
            published.pop(file, None)
    expected = sorted(text for _, some in published.values() for text in some)
    assert sorted(await texts(index, "heron", limit=100)) == expected
    assert sorted(await texts(index, vector=vector(1, 0), space=SPACE, limit=100)) == expected
    assert {one.file: (one.version, one.chunks) for one in await index.list_published("ada", 1)} == {
        file: (version, len(some)) for file, (version, some) in published.items()
    }
    await index.close()


async def test_what_is_found_of_a_file_is_told_to_its_owner_alone(index: ChunkIndex):
    assert await index.find_published(HERON) is None
    await fill(index, HERON, piece("The heron waits."), version="7")
    assert await index.find_published(HERON) == PublishedFile(10, "7", 1)
    assert await index.find_published(ChunkPlace("eve", 1, 10)) is None


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(0, 16, "The heron waits."), (4, 9, "heron"), (9, 14, " wait"), (15, 17, None), (40, 41, None), (9, 9, "")],
)
async def test_a_passage_is_what_one_chunk_holds_whole(index: ChunkIndex, start: int, end: int, text: str | None):
    await fill(index, HERON, piece("The heron waits."))
    assert await index.passage(HERON, start, end) == text
    assert await index.passage(ChunkPlace("eve", 1, 10), start, end) is None
