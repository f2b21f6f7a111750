"""Knowledge service: ingestion, index and retrieval of vector store files."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from projectdavid.ports.documents import DocumentReader
from projectdavid.ports.embedder import Embedder
from projectdavid.ports.index import ChunkIndex, IndexUnavailable
from projectdavid.ports.reranker import Reranker
from projectdavid.ports.store import StoreUnavailable
from projectdavid.runtime.knowledge.index_sync import IndexSync
from projectdavid.runtime.knowledge.ingest import Ingest
from projectdavid.runtime.knowledge.retrieval import StoreRetrieval

log = logging.getLogger("projectdavid.ingest")

LOOK = 5.0
"""Interval in seconds of the check for expired and deleted vector stores."""


SOON = 0.5
"""Interval in seconds while the index is rebuilt."""


@dataclass(frozen=True, slots=True)
class KnowledgeService:
    """The index and its ingestion. Without an `embedder`, search is by full text only; without a `reranker`, results
    keep the order of the search."""

    documents: DocumentReader
    index: ChunkIndex
    embedder: Embedder | None
    reranker: Reranker | None
    ingest: Ingest
    upkeep: IndexSync
    retrieval: StoreRetrieval

    async def open(self, *, recover: bool = True, ingests: bool = True) -> None:
        """Open the index and synchronize it with the store, unless the server is read-only.

        `ingests` is False if this process does not ingest files, so its embedding model decides nothing.

        Raises: IndexUnavailable, StoreUnavailable.
        """
        await self.index.open()
        if recover:
            await self.upkeep.recover(ingests=ingests)

    async def serve(self) -> None:
        """Ingest files and remove deleted ones until cancelled."""
        await asyncio.gather(self.ingest.serve(), self._keep_up())

    async def _keep_up(self) -> None:
        while True:
            try:
                if self.index.damaged:
                    await self.upkeep.rebuild()
                await self.upkeep.watch()
                await self.upkeep.expire()
                await self.upkeep.forget()
            except (IndexUnavailable, StoreUnavailable) as error:
                log.warning("the index is not synchronized with the store yet: %s", error)
            await asyncio.sleep(SOON if self.upkeep.left else LOOK)

    async def close(self) -> None:
        """Release all resources."""
        await self.documents.close()
        if self.embedder is not None:
            await self.embedder.close()
        if self.reranker is not None:
            await self.reranker.close()
        await self.index.close()

    def health(self) -> dict[str, Any]:
        """Return how files are searched, and the progress of ingestion."""
        search = "lexical" if self.embedder is None else "hybrid"
        return {"search": search, "reading": self.ingest.at_work, "index": self._index()}

    def _index(self) -> dict[str, Any]:
        """Return the completeness of the index."""
        if self.index.damaged:
            return {"state": "damaged"}
        if not self.upkeep.left:
            return {"state": "ready"}
        return {"state": "rebuilding", "done": self.upkeep.total - self.upkeep.left, "total": self.upkeep.total}

    def shortcoming(self) -> str | None:
        """Return a warning if searches are incomplete now, otherwise None."""
        if self.index.damaged or self.upkeep.left:
            return "The index is being rebuilt; searches are incomplete until it finishes."
        return None
