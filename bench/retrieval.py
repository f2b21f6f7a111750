"""How well the answers to questions are found: by words, by vectors, and by both, as the server searches."""

import asyncio
import json
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from statistics import fmean

from bench.corpus import KINDS, Corpus, Kind, Question, corpus
from bench.measures import Rig, Row
from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.documents.process import ReaderProcess
from projectdavid.adapters.embedders.onnx import OnnxEmbedder
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.api.resources.upload_bodies import UploadedBlob, row_of
from projectdavid.engine.chunks import OVERLAP, SIZE
from projectdavid.engine.documents import Chunk
from projectdavid.ports import queries
from projectdavid.ports.index import IndexQuery
from projectdavid.ports.retrieval import RetrievalQuery
from projectdavid.ports.store import Op, Store
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.knowledge.ingest import Ingest
from projectdavid.runtime.knowledge.retrieval import StoreRetrieval

OWNER, STORE = "user_bench", "vs_bench"
LIMIT = 10
HARDER: Mapping[Kind, tuple[str, str]] = {"paraphrase": ("vectors", "words"), "exact": ("words", "vectors")}
"""Of a kind, by what more has to be found than by what: else the set would not have the difficulty that it is for."""

Place = tuple[str, Chunk]
"""A document's name, and a chunk of it."""
Finder = Callable[[str], Awaitable[list[Place]]]
Score = tuple[float, float]
"""nDCG@10 and recall@10."""


def retrieval(rig: Rig) -> list[Row]:
    """The set of `bench.corpus` is read by the ingest, and asked through what the server asks.

    An answer is found with the first chunk that holds all of it; further chunks with it are worth nothing. The
    documents are near copies of each other, which no small model tells apart: that both together are in a better order
    than either is asked of public collections; here, that more answers are found, and that each kind has the
    difficulty that it is for.
    """
    return asyncio.run(_retrieval(rig))


async def _retrieval(rig: Rig) -> list[Row]:
    made = corpus()
    async with _finders(rig, made) as finders:
        scores: dict[str, list[Score]] = {}
        for mode, find in finders.items():
            rig.say(f"retrieval: asking by {mode}")
            scores[mode] = [_score(made, question, await find(question.text)) for question in made.questions]
    size = f"{len(made.questions)} questions, {len(made.documents)} documents"
    order = Row(f"Answers found, {size}, nDCG@{LIMIT}", _means(scores, 0)[1], "", ok=True)
    rows = [order, _whole(f"  recall@{LIMIT}", scores, 1)]
    for kind in KINDS:
        own = [number for number, question in enumerate(made.questions) if question.kind == kind]
        rows.append(_part(kind, {mode: [all_[number] for number in own] for mode, all_ in scores.items()}))
    return rows


def _whole(name: str, scores: Mapping[str, Sequence[Score]], which: int) -> Row:
    means, shown = _means(scores, which)
    return Row(name, shown, ">= words, vectors", means["both"] >= max(means["words"], means["vectors"]))


def _part(kind: Kind, scores: Mapping[str, Sequence[Score]]) -> Row:
    means, shown = _means(scores, 0)
    name = f"  nDCG@{LIMIT}, {kind}"
    if kind not in HARDER:
        return Row(name, shown, "", ok=True)
    more, less = HARDER[kind]
    return Row(name, shown, f"{more} > {less}", means[more] > means[less])


def _means(scores: Mapping[str, Sequence[Score]], which: int) -> tuple[dict[str, float], str]:
    means = {mode: fmean(score[which] for score in all_) for mode, all_ in scores.items()}
    return means, f"{means['both']:.3f} (words {means['words']:.3f}, vectors {means['vectors']:.3f})"


def _score(made: Corpus, question: Question, found: Sequence[Place]) -> Score:
    """What the places are worth: each answer counts once, at the first place that has it."""
    missing = set(question.answers)
    gain = 0.0
    for rank, (name, chunk) in enumerate(found, start=1):
        if made.documents[name][chunk.start : chunk.end] != chunk.text:
            raise RuntimeError(f"a chunk of {name} is not where it says")
        here = {one for one in missing if one.document == name and chunk.start <= one.start and one.end <= chunk.end}
        gain += len(here) / math.log2(rank + 1)
        missing -= here
    count = len(question.answers)
    ideal = sum(1 / math.log2(rank + 1) for rank in range(1, count + 1))
    return gain / ideal, 1 - len(missing) / count


@asynccontextmanager
async def _finders(rig: Rig, made: Corpus) -> AsyncGenerator[dict[str, Finder]]:
    """What finds by each mode, once all documents are read."""
    store, index = SQLiteStore(rig.folder / "retrieval.db"), SQLiteIndex(rig.folder / "retrieval-index.db")
    embedder = OnnxEmbedder("minilm")
    await store.open()
    await index.open()
    try:
        await _filled(rig, made, store, index, embedder)
        row = await store.of(OWNER).one(queries.VECTOR_STORE, id=STORE)
        if row is None or row.completed != len(made.documents):
            raise RuntimeError("not all documents could be read")
        yield {
            "words": _through(StoreRetrieval(store, index, None, time.time)),
            "vectors": _by_vectors(store, index, embedder, row.n),
            "both": _through(StoreRetrieval(store, index, embedder, time.time)),
        }
    finally:
        await embedder.close()
        await index.close()
        await store.close()


def _through(searching: StoreRetrieval) -> Finder:
    async def find(text: str) -> list[Place]:
        found = await searching.search(OWNER, [STORE], RetrievalQuery(text, LIMIT))
        return [(passage.filename, passage.chunk) for passage in found.passages]

    return find


def _by_vectors(store: Store, index: SQLiteIndex, embedder: OnnxEmbedder, number: int) -> Finder:
    """By vectors alone, which the server never does with vectors of its own: the index is asked without words."""

    async def find(text: str) -> list[Place]:
        vector = (await embedder.embed([text], "query")).vectors[0]
        hits = await index.search(IndexQuery(OWNER, [number], None, vector, embedder.space, limit=LIMIT))
        numbers = json.dumps([hit.file for hit in hits])
        names = {row.n: row.name for row in await store.of(OWNER).all(queries.STORE_FILES_NUMBERED, numbers=numbers)}
        return [(names[hit.file], hit.chunk) for hit in hits]

    return find


async def _filled(rig: Rig, made: Corpus, store: SQLiteStore, index: SQLiteIndex, embedder: OnnxEmbedder) -> None:
    """Let the ingest read all documents."""
    blobs, documents, bus = DirectoryBlobs(rig.folder / "retrieval-blobs"), ReaderProcess(), LocalBus()
    await _attached(made, store, blobs)
    reading = asyncio.create_task(Ingest(store, bus, blobs, documents, index, embedder, time.time, IdFactory()).serve())
    try:
        while (row := await store.of(OWNER).one(queries.VECTOR_STORE, id=STORE)) is not None and row.in_progress:
            rig.say(f"retrieval: reading, {row.in_progress} documents left")
            await asyncio.wait([reading], timeout=0.2)
            if reading.done():
                raise RuntimeError("the ingest ended") from reading.exception()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await documents.close()


async def _attached(made: Corpus, store: SQLiteStore, blobs: DirectoryBlobs) -> None:
    now = int(time.time())
    owner = {"id": OWNER, "is_admin": 0, "now": now, "body": "{}"}
    new = {"id": STORE, "name": "Bench", "description": None, "now": now, "expires_days": None, "meta_data": "{}"}
    await store.write([Op(queries.USER_INSERT, dict(owner))])
    view = store.of(OWNER)
    await view.write([Op(queries.STORE_INSERT, {**new, "vectors": None})])
    for number, (name, text) in enumerate(made.documents.items()):
        blob = await blobs.put(_once(text.encode()), 1 << 20)
        file_id = f"file_{number}"
        upload = UploadedBlob(blob, name, "assistants", None)
        attached = {"store_id": STORE, "file_id": file_id, "path": name, "attributes": "{}", "now": now}
        cut = {"chunk_tokens": SIZE, "overlap_tokens": OVERLAP}
        await view.write(
            [Op(queries.FILE_INSERT, row_of(file_id, upload, now)), Op(queries.STORE_FILE_ATTACH, {**attached, **cut})]
        )


async def _once(content: bytes) -> AsyncGenerator[bytes]:
    yield content
