"""The index in PostgreSQL, as several processes and a database that fails use it."""

import random
import sys
from collections.abc import AsyncGenerator
from contextlib import suppress

import anyio
import asyncpg
import numpy as np
import pytest

from projectdavid.adapters.indexes.postgres import PostgresIndex
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
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
from tests.postgres_server import PostgresServer
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio

HERON, REED = ChunkPlace("ada", 1, 10), ChunkPlace("ada", 1, 11)
SPACE = "model:8"
VOCABULARY = "herons waiting caf\u00e9s INC-48286 wi_fi \u6c34 Stra\u00dfe don't running 3.14 reeds lakes rivers"
RANDOM = np.random.default_rng(7)


def piece(text: str, position: int = 0, at: bytes | None = None) -> IndexedChunk:
    return IndexedChunk(Chunk(position, text, 0, len(text), 1, 1), at)


def version_of(name: str, count: int) -> list[IndexedChunk]:
    """Chunks of one version, whose texts name it."""
    at = np.ones(8, "<f4").tobytes()
    return [piece(f"heron of version {name}", position, at) for position in range(count)]


async def texts(index: ChunkIndex, text: str | None, at: bytes | None = None, limit: int = 100) -> list[str]:
    query = IndexQuery("ada", (1,), text, at, None if at is None else SPACE, limit=limit)
    return [hit.chunk.text for hit in await index.search(query)]


@pytest.fixture
async def two(postgres_url: str) -> AsyncGenerator[tuple[PostgresIndex, PostgresIndex]]:
    """Two indexes over one database, as two processes have them."""
    first, second = PostgresIndex(postgres_url), PostgresIndex(postgres_url)
    async with anyio.create_task_group() as tasks:  # both migrate an empty database
        tasks.start_soon(first.open)
        tasks.start_soon(second.open)
    yield first, second
    await first.close()
    await second.close()


async def test_what_one_process_publishes_or_removes_the_other_sees_at_once(two: tuple[PostgresIndex, PostgresIndex]):
    first, second = two
    east, north = (np.array(numbers, "<f4").tobytes() for numbers in ([1, 0], [0, 1]))
    for number in range(10):
        await first.stage(HERON, str(number), [piece(f"heron {number}", 0, east)], SPACE)
        await first.publish(HERON, str(number))
        assert await texts(second, "heron", east) == [f"heron {number}"]
        assert await texts(second, None, east) == [f"heron {number}"]
    await second.stage(REED, "1", [piece("reed", 0, north)], SPACE)
    await second.publish(REED, "1")
    assert await texts(first, None, north) == ["reed", "heron 9"]
    await second.remove([HERON.file])
    assert await texts(first, None, north) == ["reed"]


async def test_two_publishers_of_one_file_leave_one_version_and_searches_see_whole_ones(
    two: tuple[PostgresIndex, PostgresIndex],
):
    counts = {"a": 30, "b": 40}
    at = np.ones(8, "<f4").tobytes()
    seen: set[str] = set()
    done: list[str] = []

    async def publish(index: PostgresIndex, name: str) -> None:
        for _ in range(15):
            with suppress(VersionLost):  # the other one staged in between
                await index.stage(HERON, name, version_of(name, counts[name]), SPACE)
                await index.publish(HERON, name)
        done.append(name)

    async def search(index: PostgresIndex) -> None:
        while len(done) < 2:
            for found in (await texts(index, "heron"), await texts(index, None, at), await texts(index, "heron", at)):
                names = {text[-1] for text in found}
                assert [len(found)] == [counts[name] for name in names]
                seen.update(names)

    await two[0].stage(HERON, "a", version_of("a", 30), SPACE)
    await two[0].publish(HERON, "a")
    async with anyio.create_task_group() as tasks:
        for index, name in zip(two, "ab", strict=True):
            tasks.start_soon(publish, index, name)
            tasks.start_soon(search, index)
    assert seen
    found = await two[0].find_published(HERON)
    assert found is not None
    assert await texts(two[1], "heron") == [f"heron of version {found.version}"] * found.chunks


async def test_two_processes_stage_the_same_chunks_once(two: tuple[PostgresIndex, PostgresIndex]):
    pieces = version_of("a", 300)

    async def stage(index: PostgresIndex) -> None:
        for start in range(0, len(pieces), 30):
            await index.stage(HERON, "1", pieces[start : start + 30], SPACE)

    async with anyio.create_task_group() as tasks:
        for index in two:
            tasks.start_soon(stage, index)
    assert await two[0].count_staged(HERON, "1") == 300
    assert await two[1].publish(HERON, "1") == 300
    assert [chunk.position for chunk in await two[0].chunks(HERON, limit=1000)] == list(range(300))
    assert len(await texts(two[0], "heron", limit=1000)) == 300


async def test_removals_of_the_same_files_by_two_processes_do_not_stand_in_each_other_s_way(
    two: tuple[PostgresIndex, PostgresIndex], postgres_server: PostgresServer, postgres_url: str
):
    files = list(range(40))
    for file in files:
        await two[0].stage(ChunkPlace("ada", 1, file), "1", version_of("a", 3), SPACE)
        await two[0].publish(ChunkPlace("ada", 1, file), "1")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(two[0].remove, files)
        tasks.start_soon(two[1].remove, files[::-1])
    assert await two[0].list_published("ada", 1) == []
    assert _count_rows(postgres_server, postgres_url) == 0


async def test_the_nearest_vectors_are_those_of_an_exact_search(two: tuple[PostgresIndex, PostgresIndex]):
    vectors = {
        place: RANDOM.standard_normal((700, 8)).astype("<f4") for place in (HERON, REED, ChunkPlace("eve", 3, 30))
    }
    for place, rows in vectors.items():
        pieces = [piece(f"{place.file} {n}", n, row.tobytes()) for n, row in enumerate(rows)]
        for start in range(0, 700, 64):
            await two[0].stage(place, "1", pieces[start : start + 64], SPACE)
        await two[0].publish(place, "1")
    asked = RANDOM.standard_normal(8).astype("<f4")
    for files, places in ((None, (HERON, REED)), ((11,), (REED,))):
        cosines = {
            f"{place.file} {n}": float(row @ asked / np.linalg.norm(row) / np.linalg.norm(asked))
            for place in places
            for n, row in enumerate(vectors[place])
        }
        query = IndexQuery("ada", (1, 3), None, asked.tobytes(), SPACE, files, 60)
        found = {hit.chunk.text: hit.similarity for hit in await two[1].search(query)}
        best = sorted(cosines, key=lambda name: -cosines[name])[:60]
        assert list(found) == best
        assert list(found.values()) == pytest.approx([cosines[name] for name in best], abs=1e-5)


async def test_words_find_the_same_chunks_with_the_same_ranks_as_in_sqlite(
    two: tuple[PostgresIndex, PostgresIndex], tmp_path_factory: pytest.TempPathFactory
):
    other = SQLiteIndex(tmp_path_factory.mktemp("index") / "index.db")
    await other.open()
    draw = random.Random(3)
    vocabulary = VOCABULARY.split()
    pieces = [piece(" ".join(draw.choices(vocabulary, k=draw.randint(3, 30))), n) for n in range(200)]
    for index in (two[0], other):
        await index.stage(HERON, "1", pieces)
        await index.publish(HERON, "1")
    for _ in range(20):
        query = IndexQuery("ada", (1,), " ".join(draw.sample(vocabulary, 3)), limit=10)
        ours, theirs = [await index.search(query) for index in (two[0], other)]
        assert len({hit.chunk.text for hit in ours} & {hit.chunk.text for hit in theirs}) >= 9
        assert ours[0].chunk.text in {hit.chunk.text for hit in theirs[:2]}
    await other.close()


async def test_a_question_without_spaces_finds_what_shares_two_letters_in_a_row(
    two: tuple[PostgresIndex, PostgresIndex],
):
    await two[0].stage(
        HERON, "1", [piece("\u6e7f\u5730\u7684\u6c34\u9e1f\u5728\u9e23\u53eb"), piece("\u9e1f\u6c34", 1)]
    )
    await two[0].publish(HERON, "1")
    assert await texts(two[0], "\u54ea\u91cc\u6709\u6c34\u9e1f") == ["\u6e7f\u5730\u7684\u6c34\u9e1f\u5728\u9e23\u53eb"]
    assert len(await texts(two[0], "\u9e1f")) == 2


async def test_lost_connections_come_back(two: tuple[PostgresIndex, PostgresIndex], postgres_server: PostgresServer):
    index = two[0]
    await index.stage(HERON, "1", version_of("a", 3), SPACE)
    await index.publish(HERON, "1")
    for _ in range(3):
        postgres_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'projectdavid-index'"
        )
        assert len(await texts(index, "heron")) == 3
        await index.stage(REED, "1", version_of("b", 3), SPACE)
        await index.publish(REED, "1")
        await index.remove([REED.file])


async def test_operations_wait_for_a_database_that_restarts(
    two: tuple[PostgresIndex, PostgresIndex], postgres_server: PostgresServer, postgres_url: str
):
    await two[0].stage(HERON, "1", version_of("a", 3), SPACE)
    impatient, patient = PostgresIndex(postgres_url, patience=0), PostgresIndex(postgres_url, patience=EVENT_TIMEOUT)
    await impatient.open()
    await patient.open()
    published: list[int] = []

    async def publish() -> None:
        published.append(await patient.publish(HERON, "1"))

    postgres_server.stop("immediate")
    try:
        with pytest.raises(IndexUnavailable, match="cannot be reached"):
            await impatient.find_published(HERON)
    finally:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish)
            await anyio.to_thread.run_sync(postgres_server.start)
    assert published == [3]
    assert await impatient.find_published(HERON) == PublishedFile(10, "1", 3)
    assert len(await texts(patient, "heron")) == 3
    await impatient.close()
    await patient.close()


async def test_a_database_that_refuses_is_unavailable_and_its_password_is_not_told(postgres_url: str):
    url = postgres_url.replace("postgres@", "postgres:secret@").rpartition("/")[0] + "/none"
    index = PostgresIndex(url, patience=0)
    with pytest.raises(IndexUnavailable, match="InvalidCatalogNameError") as caught:
        await index.open()
    assert "secret" not in str(caught.value)
    await index.close()


async def test_a_url_of_another_database_is_a_mistake_and_its_password_is_not_told():
    index = PostgresIndex("mysql://ada:secret@127.0.0.1/none")
    with pytest.raises(ValueError, match="scheme is expected") as caught:
        await index.open()
    assert "secret" not in str(caught.value)
    await index.close()


def test_a_missing_library_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    with pytest.raises(ValueError, match=r"pip install 'projectdavid-server\[postgres\]'"):
        PostgresIndex("postgresql://127.0.0.1/none")


async def test_a_schema_that_is_gone_or_newer_is_unavailable(
    two: tuple[PostgresIndex, PostgresIndex], postgres_server: PostgresServer, postgres_url: str
):
    database = postgres_url.rpartition("/")[2]
    postgres_server.execute("UPDATE search.schema_version SET version = 99", database)
    later = PostgresIndex(postgres_url)
    with pytest.raises(IndexUnavailable, match="has version 99, newer than version 1: update this server"):
        await later.open()
    await later.close()
    postgres_server.execute("DROP SCHEMA search CASCADE", database)
    with pytest.raises(IndexUnavailable, match="search"):
        await texts(two[0], "heron")


async def test_what_an_interrupted_publication_left_is_not_found_and_goes_with_a_purge(
    two: tuple[PostgresIndex, PostgresIndex], postgres_server: PostgresServer, postgres_url: str
):
    await two[0].stage(HERON, "1", version_of("a", 1500), SPACE)
    await two[0].publish(HERON, "1")
    assert len(await texts(two[0], "heron")) == 100
    postgres_server.execute("UPDATE search.editions SET state = 'removed'", postgres_url.rpartition("/")[2])
    assert await texts(two[0], "heron", np.ones(8, "<f4").tobytes()) == []
    assert await two[1].find_published(HERON) is None
    assert await two[1].purge()
    assert _count_rows(postgres_server, postgres_url) == 0


async def test_a_purge_is_incomplete_while_an_older_transaction_can_see_removed_data(
    two: tuple[PostgresIndex, PostgresIndex], postgres_url: str
):
    await two[0].stage(HERON, "1", version_of("a", 3), SPACE)
    await two[0].publish(HERON, "1")
    reader = await asyncpg.connect(postgres_url)
    transaction = reader.transaction(isolation="repeatable_read")
    await transaction.start()
    await reader.execute("SELECT 1")
    await two[0].remove([HERON.file])
    assert not await two[0].purge()
    await transaction.rollback()
    await reader.close()
    assert await two[0].purge()


def _count_rows(server: PostgresServer, url: str) -> int:
    """The rows of all tables."""
    counts = " + ".join(
        f"(SELECT count(*) FROM search.{table})" for table in ("editions", "chunks", "postings", "vectors")
    )
    return int(server.execute(f"SELECT {counts}", url.rpartition("/")[2]))
