"""What a platform knows of the files of vector stores: who reads them, where they are searched, and by what."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from projectdavid.ports.documents import Documents
from projectdavid.ports.embedder import Embedder
from projectdavid.ports.index import Index, IndexUnavailable
from projectdavid.ports.reranker import Reranker
from projectdavid.ports.store import Unavailable
from projectdavid.ports.tool import Tool
from projectdavid.runtime.ingest import Ingest
from projectdavid.runtime.retrieving import StoreRetrieval
from projectdavid.runtime.upkeep import Upkeep

log = logging.getLogger("projectdavid.ingest")

LOOK = 5.0
"""Seconds after which it looks for what has expired, and for what is to be forgotten."""


SOON = 0.5
"""The same while the index is rebuilt."""


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The index and those who fill it; without an `embedder`, search is by words alone, and without a `reranker` what
    is found stays in the order of the search."""

    documents: Documents
    index: Index
    embedder: Embedder | None
    reranker: Reranker | None
    ingest: Ingest
    upkeep: Upkeep
    retrieval: StoreRetrieval
    tools: Mapping[str, Tool]
    """What it offers to models, by type."""

    async def open(self, *, recover: bool = True) -> None:
        """Open the index, and see that it has what the store says, unless the server only reads.

        Raises:
            IndexUnavailable, Unavailable.
        """
        await self.index.open()
        if recover:
            await self.upkeep.recover()

    async def serve(self) -> None:
        """Read files, and forget what is deleted, until cancelled."""
        await asyncio.gather(self.ingest.serve(), self._keep_up())

    async def _keep_up(self) -> None:
        while True:
            try:
                if self.index.damaged:
                    await self.upkeep.rebuild()
                await self.upkeep.watch()
                await self.upkeep.expire()
                await self.upkeep.forget()
            except (IndexUnavailable, Unavailable) as error:
                log.warning("the index and the store are not in step yet: %s", error)
            await asyncio.sleep(SOON if self.upkeep.left else LOOK)

    async def close(self) -> None:
        """Let go of everything."""
        await self.documents.close()
        if self.embedder is not None:
            await self.embedder.close()
        if self.reranker is not None:
            await self.reranker.close()
        await self.index.close()

    def health(self) -> dict[str, Any]:
        """How files are searched, and what is being read now."""
        search = "lexical" if self.embedder is None else "hybrid"
        return {"search": search, "reading": self.ingest.at_work, "index": self._index()}

    def _index(self) -> dict[str, Any]:
        """How complete the index is."""
        if self.index.damaged:
            return {"state": "damaged"}
        if not self.upkeep.left:
            return {"state": "ready"}
        return {"state": "rebuilding", "done": self.upkeep.total - self.upkeep.left, "total": self.upkeep.total}

    def shortcoming(self) -> str | None:
        """What searches miss now; None: nothing."""
        if self.index.damaged or self.upkeep.left:
            return "The index is being rebuilt; searches do not find all files until it is done."
        return None
