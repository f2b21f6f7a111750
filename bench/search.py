"""How fast chunks are found among many, and whether vectors find what comparing with each of them finds."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter, process_time

import numpy as np

from bench.measures import Rig, Row
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Chunk, Document
from projectdavid.ports.index import ChunkIndex, ChunkPlace, IndexedChunk, IndexQuery

CHUNKS, DIMENSIONS, WORDS, VOCABULARY = 100_000, 384, 100, 50_000
FILES = 100
BATCH = 64
"""Chunks that the ingest stages at once."""
QUERIES = 60
OWNER, SPACE = "bench", "bench:384"


@dataclass(frozen=True, slots=True)
class IndexFigures:
    """What an index does: milliseconds of a search by words, by vectors and by both, recall, chunks in a second."""

    words: float
    vectors: float
    both: float
    recall: float
    ingested: float


def search(rig: Rig) -> list[Row]:
    """Chunks of 100 words, as common as words of a language are (Zipf), with random vectors; queries of four words.

    These are from the 30th to the 10,000th most common. Then text is cut, and staged without vectors.
    """
    return asyncio.run(_search(rig))


async def measure_index(index: ChunkIndex, chunks: int, say: Callable[[str], None]) -> IndexFigures:
    """Fill an open, empty index with chunks in files of a hundredth each, and search it; times are medians."""
    random = np.random.default_rng(1)
    begun = perf_counter()
    vectors = await _filled(say, index, random, chunks)
    rate = chunks / (perf_counter() - begun)
    took, recall = await _asked(say, index, random, vectors)
    both, words, meaning = (median(some) * 1000 for some in took)
    return IndexFigures(words, meaning, both, recall, rate)


def show_index(name: str, chunks: int, figures: IndexFigures) -> Row:
    """Return one row for an index."""
    shown = (
        f"{figures.both:.1f} ms (words {figures.words:.1f}, vectors {figures.vectors:.1f}), "
        f"recall {figures.recall:.3f}, {figures.ingested:,.0f} chunks/s in"
    )
    return Row(f"Hybrid search in {name}, {chunks:,} chunks, p50", shown, "recall 1.000", figures.recall == 1)


async def _search(rig: Rig) -> list[Row]:
    index = SQLiteIndex(rig.folder / "bench-index.db")
    await index.open()
    try:
        figures = await measure_index(index, CHUNKS, rig.say)
        rate = await _ingested(rig, index, np.random.default_rng(2))
    finally:
        await index.close()
    shown = f"{figures.both:.1f} ms (words {figures.words:.1f}, vectors {figures.vectors:.1f})"
    return [
        Row(f"Hybrid search, {CHUNKS:,} chunks x {DIMENSIONS}, warm, p50", shown, "<= 12 ms", figures.both <= 12),
        Row("  recall@10 of the vectors", f"{figures.recall:.3f}", "1.000", figures.recall == 1),
        Row("Cut and index text, no vectors, per core", f"{rate:.1f} MB/s", ">= 6 MB/s", rate >= 6),
    ]


async def _filled(
    say: Callable[[str], None], index: ChunkIndex, random: np.random.Generator, chunks: int
) -> np.ndarray:
    vectors = random.standard_normal((chunks, DIMENSIONS)).astype("<f4")
    each = chunks // FILES
    for file in range(FILES):
        say(f"search: filling {file + 1}/{FILES}")
        texts = _texts(random, each)
        pieces = [
            IndexedChunk(Chunk(position, text, 0, len(text), 1, 1), vectors[file * each + position].tobytes())
            for position, text in enumerate(texts)
        ]
        place = ChunkPlace(OWNER, 1, file)
        for start in range(0, each, BATCH):
            await index.stage(place, "1", pieces[start : start + BATCH], SPACE)
        await index.publish(place, "1")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def _asked(
    say: Callable[[str], None], index: ChunkIndex, random: np.random.Generator, vectors: np.ndarray
) -> tuple[list[list[float]], float]:
    took: list[list[float]] = [[], [], []]
    found, each = 0, len(vectors) // FILES
    for number in range(QUERIES + 3):
        say(f"search: asking {number + 1}/{QUERIES}")
        text = " ".join(_word(int(30 * 333 ** random.random())) for _ in range(4))
        vector = random.standard_normal(DIMENSIONS).astype("<f4")
        asked = vector.tobytes()
        queries = (
            IndexQuery(OWNER, (1,), text, asked, SPACE),
            IndexQuery(OWNER, (1,), text),
            IndexQuery(OWNER, (1,), None, asked, SPACE),
        )
        for times, query in zip(took, queries, strict=True):
            begun = perf_counter()
            hits = await index.search(query)
            if number >= 3:  # the first are to warm up
                times.append(perf_counter() - begun)
        nearest = set(np.argsort(-(vectors @ vector))[:10].tolist())
        here = {hit.file * each + hit.chunk.position for hit in hits}
        found += len(nearest & here) if number >= 3 else 0
    return took, found / (10 * QUERIES)


async def _ingested(rig: Rig, index: SQLiteIndex, random: np.random.Generator) -> float:
    """Megabytes of text in a second of a processor, of both threads together."""
    text = "\n".join(_texts(random, 30_000))
    rig.say("search: cutting and indexing")
    begun = process_time()
    place = ChunkPlace(OWNER, 2, FILES)
    await index.stage(place, "1", [IndexedChunk(chunk) for chunk in split_document(Document(text))])
    await index.publish(place, "1")
    return len(text) / 1e6 / (process_time() - begun)


def _texts(random: np.random.Generator, count: int) -> list[str]:
    """Texts of sentences of ten words."""
    common = 1 / np.arange(1, VOCABULARY + 1)
    drawn = random.choice(VOCABULARY, size=(count, WORDS // 10, 10), p=common / common.sum())
    return [" ".join(" ".join(map(_word, sentence)) + "." for sentence in text) for text in drawn.tolist()]


def _word(rank: int) -> str:
    """A word of letters for each rank; the rarer, the longer."""
    letters = ""
    while rank or len(letters) < 3:
        rank, letter = divmod(rank, 20)
        letters += "bcdfghjklmnpqrstvwxz"[letter] + "aeiou"[letter % 5]
    return letters
