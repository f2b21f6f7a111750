"""How fast chunks are found among many, and whether vectors find what comparing with each of them finds."""

import asyncio
from statistics import median
from time import perf_counter, process_time

import numpy as np

from bench.measures import Rig, Row
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Chunk, Document
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexQuery

CHUNKS, DIMENSIONS, WORDS, VOCABULARY = 100_000, 384, 100, 50_000
FILES = 100
QUERIES = 60
OWNER, SPACE = "bench", "bench:384"


def search(rig: Rig) -> list[Row]:
    """Chunks of 100 words, as common as words of a language are (Zipf), with random vectors; queries of four words.

    These are from the 30th to the 10,000th most common. Then text is cut, and staged without vectors.
    """
    return asyncio.run(_search(rig))


async def _search(rig: Rig) -> list[Row]:
    random = np.random.default_rng(1)
    index = SQLiteIndex(rig.folder / "bench-index.db")
    await index.open()
    try:
        vectors = await _filled(rig, index, random)
        took, recall = await _asked(rig, index, random, vectors)
        rate = await _ingested(rig, index, random)
    finally:
        await index.close()
    both, words, meaning = (median(some) * 1000 for some in took)
    shown = f"{both:.1f} ms (words {words:.1f}, vectors {meaning:.1f})"
    return [
        Row(f"Hybrid search, {CHUNKS:,} chunks x {DIMENSIONS}, warm, p50", shown, "<= 12 ms", both <= 12),
        Row("  recall@10 of the vectors", f"{recall:.3f}", "1.000", recall == 1),
        Row("Cut and index text, no vectors, per core", f"{rate:.1f} MB/s", ">= 6 MB/s", rate >= 6),
    ]


async def _filled(rig: Rig, index: SQLiteIndex, random: np.random.Generator) -> np.ndarray:
    vectors = random.standard_normal((CHUNKS, DIMENSIONS)).astype("<f4")
    each = CHUNKS // FILES
    for file in range(FILES):
        rig.say(f"search: filling {file + 1}/{FILES}")
        texts = _texts(random, each)
        pieces = [
            IndexedChunk(Chunk(place, text, 0, len(text), 1, 1), vectors[file * each + place].tobytes())
            for place, text in enumerate(texts)
        ]
        await index.stage(ChunkPlace(OWNER, 1, file), "1", pieces, SPACE)
        await index.publish(ChunkPlace(OWNER, 1, file), "1")
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


async def _asked(
    rig: Rig, index: SQLiteIndex, random: np.random.Generator, vectors: np.ndarray
) -> tuple[list[list[float]], float]:
    took: list[list[float]] = [[], [], []]
    found = 0
    for number in range(QUERIES + 3):
        rig.say(f"search: asking {number + 1}/{QUERIES}")
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
        here = {hit.file * (CHUNKS // FILES) + hit.chunk.position for hit in hits}
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
