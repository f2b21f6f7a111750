"""The context of a running tool call: emits events, reads the conversation's files, creates new ones."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import msgspec

from projectdavid.engine.file_names import clean_file_name
from projectdavid.engine.media_types import detect_media_type
from projectdavid.engine.run import FunctionCall, MadeFile
from projectdavid.ports import queries
from projectdavid.ports.blobs import Blob, BlobGone, Blobs, BlobsUnavailable, BlobTooLarge, NoRoom
from projectdavid.ports.bus import Bus
from projectdavid.ports.rows import RunRow
from projectdavid.ports.store import Op, StaleRow, Store, StoreUnavailable, Value
from projectdavid.ports.tool import ToolError, ToolFile
from projectdavid.runtime.clock import Clock, to_ms
from projectdavid.runtime.file_lifecycle import read_whole
from projectdavid.runtime.ids import IdFactory
from projectdavid.runtime.quota import Quota
from projectdavid.runtime.runs.driver import LeaseLost
from projectdavid.runtime.runs.records import config_of, encode
from projectdavid.runtime.storage_limits import LimitReached, storage_checks
from projectdavid.runtime.tool_calls.tool_details import clean
from projectdavid.runtime.topics import journal_topic

log = logging.getLogger("projectdavid.worker")

KINDS = frozenset({"code", "output", "sandbox"})
"""Events that a call can emit; all others are emitted by decisions."""
PURPOSE = "assistants_output"
FILES_TIMEOUT = 60.0
"""Seconds that a search waits for the files of a thread, as in the Assistants API."""
LOOK = 0.1
"""Seconds between polls."""


@dataclass(frozen=True, slots=True)
class FileOutput:
    """Storage of files, and links to download them by id."""

    blobs: Blobs
    link: Callable[[str], str]
    most: int = 50 << 20
    """Maximum bytes of a file that a call creates."""


@dataclass(frozen=True, slots=True)
class CallEnvironment:
    """The environment of a run's calls; `holder` is the worker that holds the run."""

    store: Store
    bus: Bus
    clock: Clock
    ids: IdFactory
    file_output: FileOutput
    holder: str
    row: RunRow
    quota: Quota
    look: float
    """Seconds between retries while the store is unavailable."""


@dataclass(frozen=True, slots=True)
class CallContext:
    """One execution of one call."""

    environment: CallEnvironment
    call: FunctionCall
    _saved: dict[str, tuple[ToolFile, Blob]] = field(default_factory=dict[str, tuple[ToolFile, Blob]])

    async def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Append an event of the call to the run's journal; it is durable when this returns.

        Raises:
            LeaseLost: the worker no longer holds the run, or the call has ended.
        """
        if kind not in KINDS:
            raise ValueError(f"a call cannot emit '{kind}'")
        env = self.environment
        event_data = encode({"tool_call_id": self.call.id, **clean(data)})
        while True:
            params = {"run": env.row.n, "lease": env.holder, "call_id": self.call.id, "kind": kind, "data": event_data}
            try:
                now = env.clock()
                times = {"now": now, "written_ms": to_ms(now)}
                await env.store.write([Op(queries.JOURNAL_TELL, {**params, **times}, missing=StaleRow())])
            except StaleRow:
                raise LeaseLost from None
            except StoreUnavailable as error:
                log.warning("an event of call %s waits for the store: %s", self.call.id, error)
                await asyncio.sleep(env.look)
                continue
            env.bus.publish(journal_topic(env.row.n))
            return

    async def files(self) -> Sequence[ToolFile]:
        """Return the files of the conversation; of those that its calls created, the newest of each name."""
        row = self.environment.row
        found = await self.environment.store.of(row.owner).all(
            queries.FILES_OF_CONVERSATION,
            ids=encode(_list_code_files(row)),
            thread_id=row.thread_id,
            now=self.environment.clock(),
        )
        files = [
            ToolFile(one.id, one.name, one.size, one.mime_type, one.sha256, made=one.thread == row.thread)
            for one in found
        ]
        newest = {file.name: file.id for file in files if file.made}
        return [file for file in files if not file.made or newest[file.name] == file.id]

    async def read(self, file: ToolFile) -> AsyncGenerator[bytes]:
        """Yield the bytes of a file of the owner, or of one that this call has saved.

        Raises:
            ToolError: at the first piece; it does not exist any more.
        """
        gone = ToolError(f"the file '{file.name}' was deleted")
        if file.id in self._saved:
            key, size = self._saved[file.id][1].key, self._saved[file.id][1].size
        else:
            row = await self.environment.store.of(self.environment.row.owner).one(queries.FILE, id=file.id)
            if row is None:
                raise gone
            key, size = row.blob, row.size
        try:
            async with aclosing(read_whole(self.environment.file_output.blobs, key, size)) as pieces:
                async for piece in pieces:
                    yield piece
        except BlobGone:
            view = self.environment.store.of(self.environment.row.owner)
            if file.id in self._saved or await view.one(queries.FILE, id=file.id) is None:
                raise gone from None
            log.error("the content of %s is lost: its blob is missing or damaged", file.id)
            raise ToolError(f"the content of the file '{file.name}' is lost on this server") from None
        except BlobsUnavailable as error:
            log.warning("the content of %s cannot be read now: %s", file.id, error)
            raise ToolError(f"the server cannot read the file '{file.name}' now") from None

    async def save(self, name: str, chunks: AsyncIterable[bytes]) -> ToolFile:
        """Store a file; it becomes a file of the owner when the call returns it.

        Raises:
            ToolError: it is too large, there is no space for it, its name is invalid, or its owner has reached a
                storage limit.
        """
        output = self.environment.file_output
        try:
            name = clean_file_name(name)
        except ValueError as error:
            raise ToolError(f"the file name {name!r} is invalid: {error}") from None
        most = await self._room(name)
        try:
            blob = await output.blobs.put(chunks, most)
        except BlobTooLarge as error:
            note = "" if most == output.most else ", which is the remaining storage of its owner"
            raise ToolError(f"the file '{name}' is too large: at most {error.limit} bytes are allowed{note}") from None
        except NoRoom:
            log.exception("no space for a file of call %s", self.call.id)
            raise ToolError(f"the server has no room for the file '{name}'") from None
        file_id, mime_type = self.environment.ids.new("file"), detect_media_type(blob.head, name)
        file = ToolFile(file_id, name, blob.size, mime_type, blob.sha256, made=True)
        self._saved[file.id] = file, blob
        return file

    async def _room(self, name: str) -> int:
        """Return the maximum bytes of a file.

        Raises:
            ToolError: the owner has reached a storage limit.
        """
        size = sum(file.size for file, _ in self._saved.values())
        try:
            left = await self.environment.quota.generated_room(self.environment.row.owner, len(self._saved), size)
        except LimitReached as reached:
            raise ToolError(f"there is no room for the file '{name}'. {reached}") from None
        return min([self.environment.file_output.most, *(room for one, room in left.items() if one.endswith("_bytes"))])

    async def again(self) -> bool:
        """Return True if this thread ran calls of this tool before."""
        params = {"thread": self.environment.row.thread, "tool": self.call.tool, "call_id": self.call.id}
        return await self.environment.store.one(queries.CALL_BEFORE, **params) is not None

    async def stores(self) -> Sequence[str]:
        """Return the ids of the vector stores of the assistant, the run and the thread, each once.

        Waits for a while for the thread's files, because a question usually concerns the file attached to it.
        """
        row = self.environment.row
        config = config_of(row)
        thread = await self.environment.store.of(row.owner).one(queries.THREAD, id=row.thread_id)
        named = [tool.get("vector_store_ids") for tool in config.tools if tool.get("type") == "file_search"]
        resources = (config.tool_resources, {} if thread is None else msgspec.json.decode(thread.tool_resources))
        named += [(one.get("file_search") or {}).get("vector_store_ids") for one in resources]
        await self._wait_for_ingest(named[-1] or [])
        return list(dict.fromkeys(store_id for ids in named for store_id in ids or ()))

    async def _wait_for_ingest(self, store_ids: Sequence[str]) -> None:
        """Wait until the files of stores are ingested, up to a limit."""
        view = self.environment.store.of(self.environment.row.owner)
        for _ in range(int(FILES_TIMEOUT / LOOK) if store_ids else 0):
            if not any(row.in_progress for row in await view.all(queries.STORES_NAMED, ids=encode(store_ids))):
                return
            await asyncio.sleep(LOOK)

    # The runtime calls these after the tool has returned.

    def check_saved(self, files: Sequence[ToolFile]) -> None:
        """Check that this call has saved these files.

        Raises:
            LookupError: it has not.
        """
        for file in files:
            if self._saved.get(file.id, (None,))[0] != file:
                raise LookupError(f"the file {file.id} was not saved by call {self.call.id}")

    def describe_made(self, files: Sequence[ToolFile]) -> tuple[MadeFile, ...]:
        """Return the files in the form of the call's events."""
        link = self.environment.file_output.link
        return tuple(MadeFile(file.id, file.name, file.mime_type, file.size, link(file.id)) for file in files)

    async def rows(self, files: Sequence[ToolFile]) -> list[Op]:
        """Build the operations, in the transaction that ends the call, that make them files of the owner.

        They raise LimitReached if concurrent calls have used up the storage.
        """
        owner = self.environment.row.owner
        rows = [self._insert_op(file, self._saved[file.id][1]) for file in files]
        return [*rows, *storage_checks(await self.environment.quota.of(owner), owner, rows)] if rows else []

    def _insert_op(self, file: ToolFile, blob: Blob) -> Op:
        row = self.environment.row
        params: dict[str, Value] = {
            "id": file.id,
            "owner": row.owner,
            "name": file.name,
            "purpose": PURPOSE,
            "mime_type": file.mime_type,
            "size": file.size,
            "sha256": file.sha256,
            "blob": blob.key,
            "now": int(self.environment.clock()),
            "expires_at": None,
            "thread": row.thread,
            "run_id": row.id,
        }
        # It clashes if the thread was deleted, and with it the run.
        return Op(queries.FILE_INSERT, params, clash=StaleRow())


def _list_code_files(row: RunRow) -> list[str]:
    """Return the ids of the files in the run's configuration."""
    mine = config_of(row).tool_resources.get("code_interpreter")
    ids: Any = mine.get("file_ids") if isinstance(mine, Mapping) else None
    try:
        return msgspec.convert(ids or [], list[str])
    except msgspec.ValidationError:
        return []  # runs of the previous version had no check
