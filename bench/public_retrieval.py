"""How well documents of public collections are found by the built-in model: by words, by vectors, and by both."""

import asyncio
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from bench.collections import Collection, load_collections
from bench.measures import Rig, Row
from projectdavid.adapters.embedders.onnx import OnnxEmbedder
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Document
from projectdavid.ports.index import ChunkPlace, IndexedChunk, IndexHit, IndexQuery

OWNER, STORE, VERSION = "user_bench", 1, "1"
LIMIT = 10
BATCH = 64
RESAMPLES = 5_000
MODES = ("words", "vectors", "both")


@dataclass(frozen=True, slots=True)
class Difference:
    """The mean difference of paired scores, and its 95 % interval by the bootstrap."""

    mean: float
    low: float
    high: float


def public_retrieval(rig: Rig) -> list[Row]:
    """One row for each collection: nDCG@10 over documents, and what both together gain over words and over vectors."""
    collections = load_collections()
    if not collections:
        shown = "not measured: BENCH_COLLECTIONS names no folder of collections (see bench/collections.py)"
        return [Row("Public collections", shown, "", ok=True)]
    return [asyncio.run(_measure(rig, collection)) for collection in collections]


async def _measure(rig: Rig, collection: Collection) -> Row:
    with tempfile.TemporaryDirectory(dir=rig.folder) as folder:
        index, embedder = SQLiteIndex(Path(folder) / "index.db"), OnnxEmbedder("minilm")
        await index.open()
        try:
            await _fill(rig, collection, index, embedder)
            scores = await _score(collection, index, embedder)
        finally:
            await index.close()
            await embedder.close()
    means = {mode: fmean(scores[mode]) for mode in MODES}
    gains = "  ".join(f"{_show(_compare(scores['both'], scores[mode]))} over {mode}" for mode in MODES[:2])
    shown = f"{means['both']:.3f} (words {means['words']:.3f}, vectors {means['vectors']:.3f}; {gains})"
    name = f"{collection.name}: {len(scores['both'])} queries, {len(collection.documents)} documents, nDCG@{LIMIT}"
    return Row(name, shown, ">= words, vectors", means["both"] >= max(means["words"], means["vectors"]))


async def _fill(rig: Rig, collection: Collection, index: SQLiteIndex, embedder: OnnxEmbedder) -> None:
    cut = [(number, list(split_document(Document(text)))) for number, text in collection.documents.items() if text]
    for start in range(0, len(cut), BATCH):
        rig.say(f"{collection.name}: embedding {start}/{len(cut)}")
        group = cut[start : start + BATCH]
        texts = [chunk.text for _, found in group for chunk in found]
        vectors = iter((await embedder.embed(texts, "document")).vectors)
        for number, found in group:
            place = ChunkPlace(OWNER, STORE, number)
            await index.stage(place, VERSION, [IndexedChunk(chunk, next(vectors)) for chunk in found], embedder.space)
            await index.publish(place, VERSION)


async def _score(collection: Collection, index: SQLiteIndex, embedder: OnnxEmbedder) -> Mapping[str, list[float]]:
    """Return the nDCG@10 of each query, by mode."""
    scores: dict[str, list[float]] = {mode: [] for mode in MODES}
    vectors = (await embedder.embed(list(collection.queries.values()), "query")).vectors
    for (number, text), vector in zip(collection.queries.items(), vectors, strict=True):
        for mode in MODES:
            words = None if mode == "vectors" else text
            nearest = None if mode == "words" else vector
            query = IndexQuery(OWNER, [STORE], words, nearest, embedder.space if nearest else None, limit=2 * LIMIT)
            scores[mode].append(_ndcg(await index.search(query), collection.relevant[number]))
    return scores


def _ndcg(hits: Sequence[IndexHit], relevant: frozenset[int]) -> float:
    """Judge documents by their best chunk; each is relevant or not."""
    found = list(dict.fromkeys(hit.file for hit in hits))[:LIMIT]
    gain = sum(1 / math.log2(rank + 1) for rank, number in enumerate(found, 1) if number in relevant)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, min(len(relevant), LIMIT) + 1))
    return gain / ideal


def _compare(ours: Sequence[float], theirs: Sequence[float]) -> Difference:
    differences = np.array(ours) - np.array(theirs)
    random = np.random.default_rng(0)
    means = random.choice(differences, (RESAMPLES, len(differences))).mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Difference(float(differences.mean()), float(low), float(high))


def _show(found: Difference) -> str:
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
