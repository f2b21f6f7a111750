"""What a call of a platform tool may do while it runs: tell events, read the conversation's files, make new ones."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.engine.media import media_type
from projectdavid.engine.naming import file_name
from projectdavid.engine.run import Call, MadeFile
from projectdavid.ports.blobs import Blob, Blobs, Gone, NoRoom, TooLarge
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Op, Row, Stale, Store, Unavailable
from projectdavid.ports.tool import File, ToolError
from projectdavid.runtime.details import clean
from projectdavid.runtime.driver import Clock, Lost, journal_topic
from projectdavid.runtime.filing import read_whole
from projectdavid.runtime.ids import Ids
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.records import config_of, encode
from projectdavid.runtime.storage_limits import LimitReached, storage_checks

log = logging.getLogger("projectdavid.worker")

KINDS = frozenset({"code", "output", "sandbox"})
"""What a call may tell; everything else is told by decisions."""
PURPOSE = "assistants_output"
PATIENCE = 60.0
"""Seconds for which a search waits for the files of a thread, as in the Assistants API."""
LOOK = 0.1
"""Seconds after which it looks again."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where files are kept: their bytes, and the links under which they can be fetched, by id."""

    blobs: Blobs
    link: Callable[[str], str]
    most: int = 50 << 20
    """Bytes of a file that a call makes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the calls of the run of a row work with; `holder` is the worker that holds it."""

    store: Store
    bus: Bus
    clock: Clock
    ids: Ids
    shelf: Shelf
    holder: str
    row: Row
    quota: Quota
    look: float
    """Seconds after which a store that was not there is tried again."""


@dataclass(frozen=True, slots=True)
class Calling:
    """One running of one call."""

    desk: Desk
    call: Call
    _saved: dict[str, tuple[File, Blob]] = field(default_factory=dict[str, tuple[File, Blob]])

    async def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Tell an event of the call to the run's journal; it is on the disk when this returns.

        Raises:
            Lost: the worker does not hold the run any more, or the call is over.
        """
        if kind not in KINDS:
            raise ValueError(f"a call does not tell '{kind}'")
        desk = self.desk
        told = encode({"tool_call_id": self.call.id, **clean(data)})
        while True:
            params = {"run": desk.row.n, "lease": desk.holder, "call_id": self.call.id, "kind": kind, "data": told}
            try:
                await desk.store.write([Op("journal_tell", {**params, "now": desk.clock()}, missing=Stale())])
            except Stale:
                raise Lost from None
            except Unavailable as error:
                log.warning("what call %s tells waits for the store: %s", self.call.id, error)
                await asyncio.sleep(desk.look)
                continue
            desk.bus.publish(journal_topic(desk.row.n))
            return

    async def files(self) -> Sequence[File]:
        """The files of the conversation; of each name the newest."""
        row = self.desk.row
        found = await self.desk.store.of(row.owner).all(
            "files_of_conversation", ids=encode(_code_files(row)), thread_id=row.thread_id, now=self.desk.clock()
        )
        return list({one.name: File(one.id, one.name, one.size, one.mime_type, one.sha256) for one in found}.values())

    async def read(self, file: File) -> AsyncGenerator[bytes]:
        """The bytes of a file of the owner, or of one that this call has saved.

        Raises:
            ToolError: at the first piece; it is not there any more.
        """
        gone = ToolError(f"the file '{file.name}' was deleted")
        if file.id in self._saved:
            key, size = self._saved[file.id][1].key, self._saved[file.id][1].size
        else:
            row = await self.desk.store.of(self.desk.row.owner).one("file", id=file.id)
            if row is None:
                raise gone
            key, size = row.blob, row.size
        try:
            async with aclosing(read_whole(self.desk.shelf.blobs, key, size)) as pieces:
                async for piece in pieces:
                    yield piece
        except Gone:
            view = self.desk.store.of(self.desk.row.owner)
            if file.id in self._saved or await view.one("file", id=file.id) is None:
                raise gone from None
            log.error("the content of %s is lost: its blob is missing or damaged", file.id)
            raise ToolError(f"the content of the file '{file.name}' is lost on this server") from None

    async def save(self, name: str, chunks: AsyncIterable[bytes]) -> File:
        """Keep what the call made; it becomes a file when the call returns it.

        Raises:
            ToolError: it is too large, or there is no room for it, or it cannot be called so, or its owner has reached
                a limit of what they store.
        """
        shelf = self.desk.shelf
        try:
            name = file_name(name)
        except ValueError as error:
            raise ToolError(f"a file cannot be called {name!r}: {error}") from None
        most = await self._room(name)
        try:
            blob = await shelf.blobs.put(chunks, most)
        except TooLarge as error:
            whose = "" if most == shelf.most else ", which is what the storage limits of its owner leave"
            raise ToolError(f"the file '{name}' is too large: it may have {error.limit} bytes{whose}") from None
        except NoRoom:
            log.exception("there is no room for a file of call %s", self.call.id)
            raise ToolError(f"the server has no room for the file '{name}'") from None
        file = File(self.desk.ids.new("file"), name, blob.size, media_type(blob.head, name), blob.sha256)
        self._saved[file.id] = file, blob
        return file

    async def _room(self, name: str) -> int:
        """Return how many bytes a file can have.

        Raises:
            ToolError: the owner has reached a limit of what they store.
        """
        size = sum(file.size for file, _ in self._saved.values())
        try:
            left = await self.desk.quota.generated_room(self.desk.row.owner, len(self._saved), size)
        except LimitReached as reached:
            raise ToolError(f"there is no room for the file '{name}'. {reached}") from None
        return min([self.desk.shelf.most, *(room for one, room in left.items() if one.endswith("_bytes"))])

    async def again(self) -> bool:
        """Whether this thread ran calls of this tool before."""
        params = {"thread": self.desk.row.thread, "tool": self.call.tool, "call_id": self.call.id}
        return await self.desk.store.one("call_before", **params) is not None

    async def stores(self) -> Sequence[str]:
        """The ids of the vector stores that the assistant, the run and the thread name, each once.

        Waits for a while for the files of the thread's: who attaches a file to a question asks about that file.
        """
        row = self.desk.row
        config = config_of(row)
        thread = await self.desk.store.of(row.owner).one("thread", id=row.thread_id)
        named = [tool.get("vector_store_ids") for tool in config.tools if tool.get("type") == "file_search"]
        resources = (config.tool_resources, {} if thread is None else msgspec.json.decode(thread.tool_resources))
        named += [(one.get("file_search") or {}).get("vector_store_ids") for one in resources]
        await self._read(named[-1] or [])
        return list(dict.fromkeys(store_id for ids in named for store_id in ids or ()))

    async def _read(self, store_ids: Sequence[str]) -> None:
        """Wait until the files of stores are read, if that does not take long."""
        view = self.desk.store.of(self.desk.row.owner)
        for _ in range(int(PATIENCE / LOOK) if store_ids else 0):
            if not any(row.in_progress for row in await view.all("stores_named", ids=encode(store_ids))):
                return
            await asyncio.sleep(LOOK)

    # For the runtime, when the call has returned.

    def see_saved(self, files: Sequence[File]) -> None:
        """See that this call has saved these.

        Raises:
            LookupError: it has not.
        """
        for file in files:
            if self._saved.get(file.id, (None,))[0] != file:
                raise LookupError(f"the file {file.id} was not saved by call {self.call.id}")

    def made(self, files: Sequence[File]) -> tuple[MadeFile, ...]:
        """What is to be told of them."""
        link = self.desk.shelf.link
        return tuple(MadeFile(file.id, file.name, file.mime_type, file.size, link(file.id)) for file in files)

    async def rows(self, files: Sequence[File]) -> list[Op]:
        """What must be written in the transaction that ends the call, so that they are files of the owner.

        It raises LimitReached if calls side by side have used up the room for them.
        """
        owner = self.desk.row.owner
        rows = [self._row(file, self._saved[file.id][1]) for file in files]
        return [*rows, *storage_checks(await self.desk.quota.of(owner), owner, rows)] if rows else []

    def _row(self, file: File, blob: Blob) -> Op:
        row = self.desk.row
        params = {
            "id": file.id,
            "owner": row.owner,
            "name": file.name,
            "purpose": PURPOSE,
            "mime_type": file.mime_type,
            "size": file.size,
            "sha256": file.sha256,
            "blob": blob.key,
            "now": int(self.desk.clock()),
            "expires_at": None,
            "thread": row.thread,
            "run_id": row.id,
        }
        # It clashes where the thread is gone, and the run with it.
        return Op("file_insert", params, clash=Stale())


def _code_files(row: Row) -> list[str]:
    """The ids of the files that the run was made with."""
    mine = config_of(row).tool_resources.get("code_interpreter")
    ids: Any = mine.get("file_ids") if isinstance(mine, Mapping) else None
    try:
        return msgspec.convert(ids or [], list[str])
    except msgspec.ValidationError:
        return []  # runs of the version before took anything
