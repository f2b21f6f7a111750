"""The ingest: reads the files of vector stores into the index, under a lease, and goes on where a crash stopped it.

What of a file is staged in the index is its journal: reading it again stages what is missing, and nothing is found, nor
found twice, before all of it is there.
"""

import asyncio
import logging
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b

from projectdavid.engine.chunking import chunks
from projectdavid.engine.documents import Chunk, Document
from projectdavid.ports.blobs import Blobs, Gone
from projectdavid.ports.bus import Bus
from projectdavid.ports.documents import Documents, DocumentsUnavailable, Unreadable
from projectdavid.ports.embedder import Embedder, EmbedderError
from projectdavid.ports.index import Index, IndexUnavailable, Piece, Place
from projectdavid.ports.store import Missing, Op, Row, Store, Unavailable, Value
from projectdavid.runtime.driver import ERASE, Clock
from projectdavid.runtime.filing import read_whole
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.queues import OwnerQueue, Window
from projectdavid.runtime.shift import Shift

log = logging.getLogger("projectdavid.ingest")

INGEST = "ingest"
"""The topic that says a file waits to be read."""
PURGE = "index_purge"
"""The fact, in the store, whether the file of the index still has bytes of what was forgotten: `due` or `done`."""
FORMAT = "1"
"""Of what is staged: another one where the same file would be cut, or its text be read, in another way."""
BATCH = 64
"""Chunks that are embedded and staged at once."""
STOPPED = "The server stopped each time it read this file."
LOST = "The content of this file is lost on this server; send it again."
FAULT = "The server made a mistake while it read this file; its log has the details."


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How the ingest keeps time, in seconds, how many files it reads at once, and how often it tries one.

    Of `files`, no owner has more than half, see `queues`.
    """

    lease: float = 30.0
    look: float = 1.0
    files: int = 4
    tries: int = 8
    crashes: int = 20
    """How often a file is tried where the server stopped each time, for reasons that need not be the file's."""
    longest: float = 300.0
    """Before a file is tried again."""


class _Lost(Exception):
    """The file was deleted, cancelled, or taken over by another process meanwhile."""


class Ingest:
    """Reads files until it is stopped."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        blobs: Blobs,
        documents: Documents,
        index: Index,
        embedder: Embedder | None,
        clock: Clock,
        ids: Ids,
        rhythm: Rhythm = Rhythm(),
    ) -> None:
        self._store = store
        self._bus = bus
        self._blobs = blobs
        self._documents = documents
        self._index = index
        self._embedder = embedder
        self._clock = clock
        self._rhythm = rhythm
        self._name = ids.new("ingest")
        self._queues = [OwnerQueue(partial(self._load, stale)) for stale in (0, 1)]
        """New files, and those that are found already."""
        self._shift = Shift(room=rhythm.files, look=rhythm.look, lease=rhythm.lease, freed=self._freed, log=log)

    @property
    def at_work(self) -> int:
        """How many files it reads now."""
        return len(self._shift)

    async def serve(self) -> None:
        """Claim and read until cancelled; what is unfinished then is taken up again later."""
        await self._shift.serve(self._bus, INGEST, self._claim, self._extend)

    async def _claim(self) -> None:
        for queue in self._queues:
            async with aclosing(self._shift.read(queue)) as windows:
                async for waiting in windows:
                    for one in waiting:
                        # One that was put in again is read again once its worker has noticed.
                        if self._shift.takes(one) and await self._hold("ingest_claim", n=one.n):
                            self._shift.begin(one, self._work(one.n))

    async def _load(self, stale: int, window: Window) -> list[Row]:
        return await self._store.all(
            "ingest_waiting",
            stale=stale,
            now=self._clock(),
            after=window.after,
            window=window.owners,
            each=window.each,
            full=window.full,
        )

    def _freed(self, _: bool) -> None:
        self._bus.publish(INGEST)

    async def _extend(self) -> None:
        await self._hold("ingest_extend")

    async def _hold(self, query: str, **row: int) -> bool:
        """Hold a row, or all that are held, for as long as a lease lasts; false where somebody else was faster."""
        now = self._clock()
        lease: dict[str, Value] = {"lease": self._name, "now": now, "until": now + self._rhythm.lease, **row}
        [held] = await self._store.write([Op(query, lease)])
        return held is not None

    async def _work(self, n: int) -> None:
        row = await self._store.one("ingest_file", n=n)
        if row is None:
            return
        try:
            await self._decide(row)
        except _Lost:
            await self._forget(n)
        except Unavailable as error:
            log.warning("file %d waits for the store: %s", n, error)  # its lease runs out

    async def _decide(self, row: Row) -> None:
        """Read a file, and write down what came of it.

        Raises:
            _Lost, Unavailable.
        """
        try:
            await self._read(row)
        except Unreadable as error:
            await self._fail(row, error.code, error.message)
        except (DocumentsUnavailable, IndexUnavailable) as error:
            log.warning("file %d cannot be read now: %s", row.n, error)
            await self._wait(row)
        except EmbedderError as error:
            log.warning("file %d cannot be embedded: %s", row.n, error)
            message = f"It could not be embedded ({error.code}): {error.message}"
            if error.retryable:
                await self._later(row, "server_error", message, error.retry_after or 0)
            else:
                await self._fail(row, "server_error", message)
        except asyncio.CancelledError:
            await self._write(row, "ingest_release")
            raise
        except (_Lost, Unavailable):
            raise
        except Exception:
            log.exception("file %d could not be read by a fault of ours", row.n)
            await self._fail(row, "server_error", FAULT)

    async def _read(self, row: Row) -> None:
        if row.crashes > self._rhythm.crashes:  # earlier tries reported nothing: each took the server down
            await self._fail(row, "server_error", STOPPED)
            return
        if row.blob is None:
            raise Unreadable("invalid_file", "The file was deleted.")
        place = Place(row.owner, row.store, row.n)
        version = self._version(row)
        found = await self._index.found(place)
        if found is not None and found.version == version:
            await self._done(row, version, found.chunks, row.size)
            return
        try:
            async with aclosing(read_whole(self._blobs, row.blob, row.bytes)) as pieces:
                document = await self._documents.read(pieces, row.filename)
        except Gone:
            left = await self._store.one("ingest_file", n=row.n)
            if left is None or left.blob is None:
                raise Unreadable("invalid_file", "The file was deleted.") from None
            log.error("the content of %s is lost: its blob is missing or damaged", row.file_id)
            await self._fail(row, "server_error", LOST)
            return
        if not document.text or document.text.isspace():
            raise Unreadable("invalid_file", _no_text(document))
        await self._stage(row, place, version, document)
        count = await self._index.publish(place, version)
        await self._done(row, version, count, len(document.text.encode()))

    async def _stage(self, row: Row, place: Place, version: str, document: Document) -> None:
        """Stage what is not staged yet."""
        cut = await asyncio.to_thread(lambda: list(chunks(document, row.chunk_tokens, row.overlap_tokens)))
        await self._progress(row, done := await self._index.staged(place, version), len(cut))
        while done < len(cut):
            batch = cut[done : done + BATCH]
            await self._index.stage(place, version, await self._pieces(batch), self._space)
            done += len(batch)
            await self._progress(row, done, len(cut))

    async def _pieces(self, batch: list[Chunk]) -> list[Piece]:
        if self._embedder is None:
            return [Piece(chunk) for chunk in batch]
        embedded = await self._embedder.embed([chunk.text for chunk in batch], "document")
        return [Piece(chunk, vector) for chunk, vector in zip(batch, embedded.vectors, strict=True)]

    @property
    def _space(self) -> str | None:
        return None if self._embedder is None else self._embedder.space

    def _version(self, row: Row) -> str:
        """What the chunks of a file are made from, and how."""
        parts = (FORMAT, row.sha256, row.filename, row.chunk_tokens, row.overlap_tokens, self._space or "")
        return blake2b("\0".join(map(str, parts)).encode(), digest_size=12).hexdigest()

    async def _progress(self, row: Row, done: int, total: int) -> None:
        await self._write(row, "ingest_progress", done=done, total=total)

    async def _done(self, row: Row, version: str, count: int, size: int) -> None:
        now = int(self._clock())
        await self._write(row, "ingest_done", version=version, space=self._space, chunks=count, size=size, now=now)

    async def _fail(self, row: Row, code: str, message: str) -> None:
        await self._write(row, "ingest_failed", code=code, message=message, now=int(self._clock()))
        if not row.stale:
            await self._index.remove([row.n])

    async def _later(self, row: Row, code: str, message: str, at_least: float = 0) -> None:
        if row.attempts + 1 >= self._rhythm.tries:
            await self._fail(row, code, message)
            return
        await self._wait(row, at_least)

    async def _wait(self, row: Row, at_least: float = 0) -> None:
        """Try a file again later, after a pause that grows with its failures."""
        pause = max(min(2.0 ** (row.attempts + 1), self._rhythm.longest), at_least)
        await self._write(row, "ingest_later", next_at=self._clock() + pause)

    async def _write(self, row: Row, query: str, **params: str | float | None) -> None:
        """Write of a file while it is ours.

        Raises:
            _Lost: it is not.
        """
        try:
            op = Op(
                query, {"n": row.n, "lease": self._name, **params}, missing=Missing("vector_store_file", row.file_id)
            )
            await self._store.write([op])
        except Missing:
            raise _Lost from None

    async def _forget(self, n: int) -> None:
        """Take out of the index what a file that is not to be found has left there."""
        row = await self._store.one("ingest_file", n=n)
        if row is None or row.status in ("cancelled", "failed"):
            try:
                await self._index.remove([n])
                await self._store.write([Op("meta_set", {"key": PURGE, "value": "due"})])
                self._bus.publish(ERASE)
            except IndexUnavailable as error:
                log.warning("file %d stays in the index until the next start: %s", n, error)


def _no_text(document: Document) -> str:
    if document.page_starts:
        return (
            "There is no text in it. If its pages are pictures, let a program for text recognition (OCR) read it first."
        )
    return "There is no text in it."
