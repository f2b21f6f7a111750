"""Ingest: reads the files of vector stores into the index, under a lease, and resumes after a crash.

The staged chunks of a file are its journal: a repeated ingest stages the missing ones, and none are searchable before
all are staged.
"""

import asyncio
import json
import logging
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from projectdavid.engine.chunks import split_document
from projectdavid.engine.documents import Chunk, Document
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports import queries
from projectdavid.ports.blobs import BlobGone, Blobs, BlobsUnavailable
from projectdavid.ports.bus import Bus
from projectdavid.ports.documents import DocumentReader, DocumentsBroken, DocumentsUnavailable, DocumentUnreadable
from projectdavid.ports.embedder import Embedder, EmbedderError
from projectdavid.ports.index import ChunkIndex, ChunkPlace, IndexedChunk, IndexUnavailable
from projectdavid.ports.rows import IngestFileRow, OwnerQueueRow
from projectdavid.ports.store import Op, RowMissing, Statement, Store, StoreUnavailable, Value
from projectdavid.runtime.clock import Clock
from projectdavid.runtime.file_lifecycle import read_whole
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.leased_tasks import LeasedTasks
from projectdavid.runtime.queues import OwnerQueue, QueueWindow
from projectdavid.runtime.topics import ERASE

log = logging.getLogger("projectdavid.ingest")

INGEST = "ingest"
"""The topic for files that wait for ingest."""
PURGE = "index_purge"
"""The key of `meta` that records whether the index file still contains removed data: `due` or `done`."""
FORMAT = "2"
"""Version of staged chunks: it changes with chunking or text extraction."""
BATCH = 64
"""Chunks that are embedded and staged at once."""
STOPPED = "The server stopped each time it read this file."
LOST = "The content of this file is lost on this server; upload it again."
BROKEN = "This server cannot read files of this kind: {}. Ask its operator to repair the installation."
FAULT = "The server failed internally while it read this file; its log has the details."


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Timing in seconds, number of concurrent files, and number of attempts per file.

    No owner has more than half of `files`, see `queues`.
    """

    lease: float = 30.0
    look: float = 1.0
    files: int = 4
    tries: int = 8
    tries_of_broken: int = 2
    """Attempts per file if the reader is broken, which needs the operator."""
    crashes: int = 20
    """Attempts per file if the server stopped each time, for reasons that can be unrelated to the file."""
    longest: float = 300.0
    """Seconds before the next attempt."""


class _Lost(Exception):
    """The file was deleted, cancelled, or claimed by another process."""


class Ingest:
    """Ingests files until it is stopped."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        blobs: Blobs,
        documents: DocumentReader,
        index: ChunkIndex,
        embedder: Embedder | None,
        clock: Clock,
        ids: IdFactory,
        limits: IngestLimits = IngestLimits(),
        telemetry: Telemetry | None = None,
    ) -> None:
        self._store = store
        self._bus = bus
        self._blobs = blobs
        self._documents = documents
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._limits = limits
        self._metrics = (telemetry or Telemetry()).metrics
        self._name = ids.new("ingest")
        self._queues = [OwnerQueue(partial(self._load, stale)) for stale in (0, 1)]
        """Queues of new files, and of files that are already searchable."""
        self._tasks = LeasedTasks(
            room=limits.files, look=limits.look, lease=limits.lease, freed=self._on_freed, log=log
        )

    @property
    def at_work(self) -> int:
        """Number of files being ingested."""
        return len(self._tasks)

    async def serve(self) -> None:
        """Claim and ingest until cancelled; unfinished files are resumed later."""
        await self._tasks.serve(self._bus, INGEST, self._claim, self._extend)

    async def _claim(self) -> None:
        for queue in self._queues:
            async with aclosing(self._tasks.read(queue)) as windows:
                async for waiting in windows:
                    for one in waiting:
                        # A file that was added again is ingested again once its worker has noticed.
                        if self._tasks.takes(one) and await self._take_lease(queries.INGEST_CLAIM, n=one.n):
                            self._tasks.begin(one, self._work(one.n))

    async def _load(self, stale: int, window: QueueWindow) -> list[OwnerQueueRow]:
        return await self._store.all(
            queries.INGEST_WAITING,
            stale=stale,
            now=self._clock(),
            after=window.after,
            window=window.owners,
            each=window.each,
            full=window.full,
        )

    def _on_freed(self, _: bool) -> None:
        self._bus.publish(INGEST)

    async def _extend(self) -> None:
        await self._take_lease(queries.INGEST_EXTEND)

    async def _take_lease(self, query: Statement, **row: int) -> bool:
        """Extend the lease of a row, or of all held rows; returns False if another worker holds it."""
        now = self._clock()
        lease: dict[str, Value] = {"lease": self._name, "now": now, "until": now + self._limits.lease, **row}
        [held] = await self._store.write([Op(query, lease)])
        return held is not None

    async def _work(self, n: int) -> None:
        row = await self._store.one(queries.INGEST_FILE, n=n)
        if row is None:
            return
        began = self._clock()
        try:
            await self._ingest(row)
            self._metrics.ingest_seconds.observe(self._clock() - began)
        except _Lost:
            await self._forget(n)
        except StoreUnavailable as error:
            log.warning("file %d waits for the store: %s", n, error)  # its lease expires

    async def _ingest(self, row: IngestFileRow) -> None:
        """Ingest a file, and record the outcome.

        Raises:
            _Lost, StoreUnavailable: the outcome cannot be recorded.
        """
        try:
            await self._read(row)
        except DocumentUnreadable as error:
            await self._fail(row, error.code, error.message)
        except DocumentsBroken as error:
            log.error("file %d is unreadable: %s", row.n, error)
            await self._retry_later(row, "server_error", BROKEN.format(error), tries=self._limits.tries_of_broken)
        except (DocumentsUnavailable, IndexUnavailable, BlobsUnavailable) as error:
            log.warning("file %d cannot be read now: %s", row.n, error)
            await self._postpone(row)
        except EmbedderError as error:
            log.warning("file %d cannot be embedded: %s", row.n, error)
            message = f"It could not be embedded ({error.code}): {error.message}"
            if error.retryable:
                await self._retry_later(row, "server_error", message, error.retry_after or 0)
            else:
                await self._fail(row, "server_error", message)
        except asyncio.CancelledError:
            await self._write(row, queries.INGEST_RELEASE)
            raise
        except (_Lost, StoreUnavailable):
            raise
        except Exception:
            log.exception("file %d could not be read because of an internal error", row.n)
            await self._fail(row, "server_error", FAULT)

    async def _read(self, row: IngestFileRow) -> None:
        if row.crashes > self._limits.crashes:  # earlier attempts reported nothing: each crashed the server
            await self._fail(row, "server_error", STOPPED)
            return
        if row.blob is None or row.bytes is None or row.filename is None:
            raise DocumentUnreadable("invalid_file", "The file was deleted.")
        place = ChunkPlace(row.owner, row.store, row.n)
        version = self._version(row)
        found = await self._index.find_published(place)
        if found is not None and found.version == version:
            await self._complete(row, version, found.chunks, row.size, row.warnings)
            return
        try:
            async with aclosing(read_whole(self._blobs, row.blob, row.bytes)) as pieces:
                document = await self._documents.read(pieces, row.filename)
        except BlobGone:
            left = await self._store.one(queries.INGEST_FILE, n=row.n)
            if left is None or left.blob is None:
                raise DocumentUnreadable("invalid_file", "The file was deleted.") from None
            log.error("the content of %s is lost: its blob is missing or damaged", row.file_id)
            await self._fail(row, "server_error", LOST)
            return
        if not document.text or document.text.isspace():
            raise DocumentUnreadable("invalid_file", _no_text(document))
        await self._stage(row, place, version, document)
        count = await self._index.publish(place, version)
        await self._complete(row, version, count, len(document.text.encode()), json.dumps(document.warnings))

    async def _stage(self, row: IngestFileRow, place: ChunkPlace, version: str, document: Document) -> None:
        """Stage the missing chunks."""
        cut = await asyncio.to_thread(lambda: list(split_document(document, row.chunk_tokens, row.overlap_tokens)))
        await self._progress(row, done := await self._index.count_staged(place, version), len(cut))
        while done < len(cut):
            batch = cut[done : done + BATCH]
            await self._index.stage(place, version, await self._embed(batch), self._space)
            done += len(batch)
            await self._progress(row, done, len(cut))

    async def _embed(self, batch: list[Chunk]) -> list[IndexedChunk]:
        if self._embedder is None:
            return [IndexedChunk(chunk) for chunk in batch]
        embedded = await self._embedder.embed([chunk.display_text for chunk in batch], "document")
        return [IndexedChunk(chunk, vector) for chunk, vector in zip(batch, embedded.vectors, strict=True)]

    @property
    def _space(self) -> str | None:
        return None if self._embedder is None else self._embedder.space

    def _version(self, row: IngestFileRow) -> str:
        """Return the version of a file's chunks: its content and the method."""
        parts = (FORMAT, row.sha256, row.filename, row.chunk_tokens, row.overlap_tokens, self._space or "")
        return blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()

    async def _progress(self, row: IngestFileRow, done: int, total: int) -> None:
        await self._write(row, queries.INGEST_PROGRESS, done=done, total=total)

    async def _complete(self, row: IngestFileRow, version: str, count: int, size: int, warnings: str) -> None:
        now, space = int(self._clock()), self._space
        given = {"version": version, "space": space, "chunks": count, "size": size, "warnings": warnings, "now": now}
        await self._write(row, queries.INGEST_DONE, **given)
        self._metrics.ingested.add(1, "completed")

    async def _fail(self, row: IngestFileRow, code: str, message: str) -> None:
        await self._write(row, queries.INGEST_FAILED, code=code, message=message, now=int(self._clock()))
        self._metrics.ingested.add(1, "failed")
        if not row.stale:
            await self._index.remove([row.n])

    async def _retry_later(
        self, row: IngestFileRow, code: str, message: str, at_least: float = 0, *, tries: int | None = None
    ) -> None:
        if row.attempts + 1 >= (tries or self._limits.tries):
            await self._fail(row, code, message)
            return
        await self._postpone(row, at_least)

    async def _postpone(self, row: IngestFileRow, at_least: float = 0) -> None:
        """Schedule another attempt, after a pause that grows with the failures."""
        pause = max(min(2.0 ** (row.attempts + 1), self._limits.longest), at_least)
        await self._write(row, queries.INGEST_LATER, next_at=self._clock() + pause)
        self._metrics.ingested.add(1, "postponed")

    async def _write(self, row: IngestFileRow, query: Statement, **params: str | float | None) -> None:
        """Write to the row of a file while this worker holds its lease.

        Raises:
            _Lost: it does not.
        """
        try:
            op = Op(
                query, {"n": row.n, "lease": self._name, **params}, missing=RowMissing("vector_store_file", row.file_id)
            )
            await self._store.write([op])
        except RowMissing:
            raise _Lost from None

    async def _forget(self, n: int) -> None:
        """Remove the chunks of a file from the index if searches must not find it."""
        row = await self._store.one(queries.INGEST_FILE, n=n)
        if row is None or row.status in ("cancelled", "failed"):
            try:
                await self._index.remove([n])
                await self._store.write([Op(queries.META_SET, {"key": PURGE, "value": "due"})])
                self._bus.publish(ERASE)
            except IndexUnavailable as error:
                log.warning("file %d stays in the index until the next start: %s", n, error)


def _no_text(document: Document) -> str:
    if document.page_starts:
        return (
            "It contains no text. If its pages are pictures, recognize their text with an OCR program "
            "first, or ask the operator of this server for the setting ocr_languages."
        )
    return "It contains no text."
