"""What the vector stores of an owner say about something: their rows, the index and the embedder put together."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.engine.filters import holds
from projectdavid.ports.embedder import Embedder, EmbedderError, Vector
from projectdavid.ports.index import Hit, Index, IndexUnavailable, Place, Query
from projectdavid.ports.reranker import Reranker, RerankerError
from projectdavid.ports.retrieval import Found, Passage, RetrievalUnavailable, Span, Wanted
from projectdavid.ports.store import Op, Row, Store, Unavailable
from projectdavid.runtime.driver import Clock

log = logging.getLogger("projectdavid.retrieval")

RERANKED = 40
"""Passages that a reranker looks at, at least."""
TOUCH_EVERY = 60
"""Seconds in which the time of a store's last use is written once at the most."""


class StoreRetrieval:
    """Searches the stores of owners; without an embedder by words alone, without a reranker in the index's order."""

    def __init__(
        self,
        store: Store,
        index: Index,
        embedder: Embedder | None,
        clock: Clock,
        reranker: Reranker | None = None,
    ) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._reranker = reranker

    async def search(self, owner: str, store_ids: Sequence[str], wanted: Wanted) -> Found:
        """Search stores of an owner.

        Raises:
            RetrievalUnavailable: it cannot be searched now.
        """
        view = self._store.of(owner)
        rows = await view.all("stores_named", ids=json.dumps(list(store_ids)))
        open_rows = [row for row in rows if row.expired_at is None]
        remarks = _remarks(store_ids, rows)
        if not open_rows:
            return Found((), remarks=tuple(remarks))
        vector = await self._vector(wanted.text, open_rows, remarks)
        space = None if vector is None or self._embedder is None else self._embedder.space
        stores = [row.n for row in open_rows]
        files = await self._filtered(owner, stores, wanted)
        looked_at = wanted.limit if self._reranker is None else max(wanted.limit, RERANKED)
        query = Query(owner, stores, wanted.text, vector, space, files, looked_at)
        found = await self._reranked(wanted.text, await self._passages(owner, query), remarks)
        passages = tuple(one for one in found[: wanted.limit] if one.score >= wanted.threshold)
        await self._touch(owner, open_rows)
        incomplete = any(row.in_progress for row in open_rows)
        return Found(passages, semantic=vector is not None, remarks=tuple(remarks), incomplete=incomplete)

    async def near(self, owner: str, store: Row, vector: Vector, wanted: Wanted) -> tuple[Passage, ...]:
        """Search a store whose vectors its owner brings, by words too where `wanted.text` is not empty.

        Else a score is the cosine with the vector, where that is positive.

        Raises:
            RetrievalUnavailable: it cannot be searched now.
        """
        files = await self._filtered(owner, [store.n], wanted)
        query = Query(owner, [store.n], wanted.text or None, vector, brought(store.n), files, wanted.limit)
        passages = await self._passages(owner, query)
        await self._touch(owner, [store])
        return tuple(passage for passage in passages if passage.score >= wanted.threshold)

    async def there(self, owner: str, spans: Sequence[Span]) -> Sequence[bool]:
        """Of each span, whether its text stands there in what is stored now.

        Raises:
            RetrievalUnavailable: nobody can say now.
        """
        return [await self._is_there(owner, span) for span in spans]

    async def _is_there(self, owner: str, span: Span) -> bool:
        row = await self._store.of(owner).one("store_file", store_id=span.store_id, file_id=span.file_id)
        if row is None or row.status in ("cancelled", "failed"):
            return False
        try:
            text = await self._index.passage(Place(owner, row.store, row.n), span.start, span.end)
        except IndexUnavailable as error:
            raise RetrievalUnavailable("The index cannot be read now.") from error
        return text is not None and text == span.text

    async def _vector(self, text: str, rows: Sequence[Row], remarks: list[str]) -> Vector | None:
        if self._embedder is None or all(row.vectors is not None for row in rows):
            return None
        try:
            return (await self._embedder.embed([text], "query")).vectors[0]
        except EmbedderError as error:
            log.warning("a query could not be embedded: %s", error)
            remarks.append(f"Only words were compared, for the query could not be embedded ({error.code}).")
            return None

    async def _filtered(self, owner: str, stores: Sequence[int], wanted: Wanted) -> list[int] | None:
        """The files that a filter lets pass; None: there is no filter."""
        if wanted.filters is None:
            return None
        rows = await self._store.of(owner).all("store_files_described", stores=json.dumps(list(stores)))
        return [row.n for row in rows if holds(wanted.filters, msgspec.json.decode(row.attributes))]

    async def _reranked(self, text: str, passages: Sequence[Passage], remarks: list[str]) -> Sequence[Passage]:
        """What was found, in a better order; in its own where the reranker fails."""
        if self._reranker is None or len(passages) < 2:
            return passages
        try:
            scores = await self._reranker.scores(text, [passage.chunk.text for passage in passages])
        except RerankerError as error:
            log.warning("what was found could not be reranked: %s", error)
            remarks.append(f"The order is that of the search, for what was found could not be reranked ({error.code}).")
            return passages
        ranked = sorted(zip(scores, passages, strict=True), key=lambda pair: -pair[0])
        return [replace(passage, score=min(max(score, 0.0), 1.0)) for score, passage in ranked]

    async def _passages(self, owner: str, query: Query) -> Sequence[Passage]:
        try:
            hits = await self._index.search(query)
        except IndexUnavailable as error:
            log.warning("the index cannot be searched: %s", error)
            raise RetrievalUnavailable("The index cannot be searched now.") from error
        numbers = json.dumps(list({hit.file for hit in hits}))
        # What is not there any more is not found, even where the index has not forgotten it yet.
        rows = {row.n: row for row in await self._store.of(owner).all("store_files_numbered", numbers=numbers)}
        return [_passage(hit, rows[hit.file], _score(hit, query)) for hit in hits if hit.file in rows]

    async def _touch(self, owner: str, rows: Sequence[Row]) -> None:
        """Write down that stores were used, where that is not known already."""
        now = int(self._clock())
        ids = [row.id for row in rows if now - row.last_active_at >= TOUCH_EVERY]
        if ids:
            try:
                await self._store.of(owner).write([Op("stores_touch", {"ids": json.dumps(ids), "now": now})])
            except Unavailable:
                log.warning("the use of stores could not be written down")


def brought(store: int) -> str:
    """The space of the vectors that the owner of a store brings."""
    return f"brought:{store}"


def _score(hit: Hit, query: Query) -> float:
    return hit.score if query.text or hit.similarity is None else min(max(hit.similarity, 0.0), 1.0)


def _passage(hit: Hit, row: Row, score: float) -> Passage:
    attributes: dict[str, Any] = msgspec.json.decode(row.attributes)
    if row.given is not None:
        given: list[dict[str, Any]] = msgspec.json.decode(row.given)
        attributes = {**attributes, **given[hit.chunk.position]} if hit.chunk.position < len(given) else attributes
    return Passage(row.store_id, row.file_id, row.name, hit.chunk, score, attributes)


def _remarks(store_ids: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """What is missing from a search of stores."""
    known = {row.id for row in rows}
    gone = [store_id for store_id in dict.fromkeys(store_ids) if store_id not in known]
    remarks = [f"There is no vector store '{store_id}' any more." for store_id in gone]
    remarks += [f"The vector store '{row.id}' has expired." for row in rows if row.expired_at is not None]
    if unread := sum(row.in_progress for row in rows):
        files = "1 file is" if unread == 1 else f"{unread} files are"
        remarks.append(f"{files} still being read, and not searched yet.")
    return remarks
