"""Retrieval over an owner's vector stores: combines rows, index, embedder and reranker."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from projectdavid.engine.filters import matches_filter
from projectdavid.ports import queries
from projectdavid.ports.embedder import Embedder, EmbedderError, Vector
from projectdavid.ports.index import ChunkIndex, ChunkPlace, IndexHit, IndexQuery, IndexUnavailable
from projectdavid.ports.reranker import Reranker, RerankerError
from projectdavid.ports.retrieval import FoundPassage, RetrievalQuery, RetrievalResult, RetrievalUnavailable, TextSpan
from projectdavid.ports.rows import NamedStoreRow, SearchableFileRow, VectorStoreRow
from projectdavid.ports.store import Op, Store, StoreUnavailable
from projectdavid.runtime.clock import Clock

log = logging.getLogger("projectdavid.retrieval")

RERANKED = 40
"""Minimum number of passages for the reranker."""
TOUCH_EVERY = 60
"""Seconds between two updates of a store's last use."""


class StoreRetrieval:
    """Searches the stores of owners; without an embedder by words only, without a reranker in the index's order."""

    def __init__(
        self,
        store: Store,
        index: ChunkIndex,
        embedder: Embedder | None,
        clock: Clock,
        reranker: Reranker | None = None,
    ) -> None:
        self._store = store
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._reranker = reranker

    async def search(self, owner: str, store_ids: Sequence[str], wanted: RetrievalQuery) -> RetrievalResult:
        """Search stores of an owner.

        Raises:
            RetrievalUnavailable: the search is not available now.
        """
        view = self._store.of(owner)
        rows = await view.all(queries.STORES_NAMED, ids=json.dumps(list(store_ids)))
        open_rows = [row for row in rows if row.expired_at is None]
        remarks = _remarks(store_ids, rows)
        if not open_rows:
            return RetrievalResult((), remarks=tuple(remarks))
        vector = await self._vector(wanted.text, open_rows, remarks)
        space = None if vector is None or self._embedder is None else self._embedder.space
        stores = [row.n for row in open_rows]
        files = await self._matching_files(owner, stores, wanted)
        looked_at = wanted.limit if self._reranker is None else max(wanted.limit, RERANKED)
        query = IndexQuery(owner, stores, wanted.text, vector, space, files, looked_at)
        found = await self._rerank(wanted.text, await self._passages(owner, query), remarks)
        passages = tuple(one for one in found[: wanted.limit] if one.score >= wanted.threshold)
        await self._touch(owner, open_rows)
        incomplete = any(row.in_progress for row in open_rows)
        return RetrievalResult(passages, semantic=vector is not None, remarks=tuple(remarks), incomplete=incomplete)

    async def near(
        self, owner: str, store: VectorStoreRow, vector: Vector, wanted: RetrievalQuery
    ) -> tuple[FoundPassage, ...]:
        """Search a store with uploaded vectors, by words too if `wanted.text` is not empty.

        Otherwise a score is the cosine with the vector, if positive.

        Raises:
            RetrievalUnavailable: the search is not available now.
        """
        files = await self._matching_files(owner, [store.n], wanted)
        query = IndexQuery(owner, [store.n], wanted.text or None, vector, brought(store.n), files, wanted.limit)
        passages = await self._passages(owner, query)
        await self._touch(owner, [store])
        return tuple(passage for passage in passages if passage.score >= wanted.threshold)

    async def there(self, owner: str, spans: Sequence[TextSpan]) -> Sequence[bool]:
        """Return for each span whether its text matches the stored one.

        Raises:
            RetrievalUnavailable: the check is not possible now.
        """
        return [await self._is_there(owner, span) for span in spans]

    async def _is_there(self, owner: str, span: TextSpan) -> bool:
        row = await self._store.of(owner).one(queries.STORE_FILE, store_id=span.store_id, file_id=span.file_id)
        if row is None or row.status in ("cancelled", "failed"):
            return False
        try:
            text = await self._index.passage(ChunkPlace(owner, row.store, row.n), span.start, span.end)
        except IndexUnavailable as error:
            raise RetrievalUnavailable("The index cannot be read now.") from error
        return text is not None and text == span.text

    async def _vector(self, text: str, rows: Sequence[NamedStoreRow], remarks: list[str]) -> Vector | None:
        if self._embedder is None or all(row.vectors is not None for row in rows):
            return None
        try:
            return (await self._embedder.embed([text], "query")).vectors[0]
        except EmbedderError as error:
            log.warning("a query could not be embedded: %s", error)
            remarks.append(f"Only words were compared, because the query could not be embedded ({error.code}).")
            return None

    async def _matching_files(self, owner: str, stores: Sequence[int], wanted: RetrievalQuery) -> list[int] | None:
        """Return the files that match a filter; None if there is no filter."""
        if wanted.filters is None:
            return None
        rows = await self._store.of(owner).all(queries.STORE_FILES_DESCRIBED, stores=json.dumps(list(stores)))
        return [row.n for row in rows if matches_filter(wanted.filters, msgspec.json.decode(row.attributes))]

    async def _rerank(self, text: str, passages: Sequence[FoundPassage], remarks: list[str]) -> Sequence[FoundPassage]:
        """Rerank passages; in their original order if the reranker fails."""
        if self._reranker is None or len(passages) < 2:
            return passages
        try:
            scores = await self._reranker.scores(text, [passage.chunk.display_text for passage in passages])
        except RerankerError as error:
            log.warning("the results could not be reranked: %s", error)
            remarks.append(
                f"The results are in the order of the search, because they could not be reranked ({error.code})."
            )
            return passages
        ranked = sorted(zip(scores, passages, strict=True), key=lambda pair: -pair[0])
        return [replace(passage, score=min(max(score, 0.0), 1.0)) for score, passage in ranked]

    async def _passages(self, owner: str, query: IndexQuery) -> Sequence[FoundPassage]:
        try:
            hits = await self._index.search(query)
        except IndexUnavailable as error:
            log.warning("the index cannot be searched: %s", error)
            raise RetrievalUnavailable("The index cannot be searched now.") from error
        numbers = json.dumps(list({hit.file for hit in hits}))
        # Deleted files are excluded even if the index still contains them.
        rows = {row.n: row for row in await self._store.of(owner).all(queries.STORE_FILES_NUMBERED, numbers=numbers)}
        return [_passage(hit, rows[hit.file], _score(hit, query)) for hit in hits if hit.file in rows]

    async def _touch(self, owner: str, rows: Sequence[NamedStoreRow | VectorStoreRow]) -> None:
        """Record the use of stores, unless it was recorded recently."""
        now = int(self._clock())
        ids = [row.id for row in rows if now - row.last_active_at >= TOUCH_EVERY]
        if ids:
            try:
                await self._store.of(owner).write([Op(queries.STORES_TOUCH, {"ids": json.dumps(ids), "now": now})])
            except StoreUnavailable:
                log.warning("the use of stores could not be recorded")


def brought(store: int) -> str:
    """Return the space of the vectors that a store's owner uploads."""
    return f"brought:{store}"


def _score(hit: IndexHit, query: IndexQuery) -> float:
    return hit.score if query.text or hit.similarity is None else min(max(hit.similarity, 0.0), 1.0)


def _passage(hit: IndexHit, row: SearchableFileRow, score: float) -> FoundPassage:
    attributes: dict[str, Any] = msgspec.json.decode(row.attributes)
    if row.given is not None:
        given: list[dict[str, Any]] = msgspec.json.decode(row.given)
        attributes = {**attributes, **given[hit.chunk.position]} if hit.chunk.position < len(given) else attributes
    return FoundPassage(row.store_id, row.file_id, row.name, hit.chunk, score, attributes)


def _remarks(store_ids: Sequence[str], rows: Sequence[NamedStoreRow]) -> list[str]:
    """Return what is missing from a search of stores."""
    known = {row.id for row in rows}
    gone = [store_id for store_id in dict.fromkeys(store_ids) if store_id not in known]
    remarks = [f"The vector store '{store_id}' no longer exists." for store_id in gone]
    remarks += [f"The vector store '{row.id}' has expired." for row in rows if row.expired_at is not None]
    if unread := sum(row.in_progress for row in rows):
        files = "1 file is" if unread == 1 else f"{unread} files are"
        remarks.append(f"{files} still being ingested, and cannot be searched yet.")
    return remarks
