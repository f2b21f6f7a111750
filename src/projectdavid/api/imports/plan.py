"""Plans a batch: the outcome of each object, and the operations that write them in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from projectdavid.api.http.errors import ApiError
from projectdavid.api.imports import rows
from projectdavid.api.imports.ids import choose_id
from projectdavid.api.imports.notes import ImportRefused, Note, note
from projectdavid.api.imports.readers import SourceObject
from projectdavid.api.imports.references import ImportContext, KnownObject, ThreadState, references_of
from projectdavid.api.imports.shapes import (
    AssistantShape,
    FileShape,
    ImportedMessage,
    ImportShape,
    StoreFileShape,
    StoreShape,
    ThreadShape,
)
from projectdavid.api.requests.authentication import Caller
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.api.resources.upload_bodies import UploadedBlob
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StaleRow
from projectdavid.protocol.imports import IdPolicy, ImportState

Json = dict[str, Any]
EARLY = 86_400
"""Seconds that the clock of a source can be ahead of ours."""
CHANGED = "The thread was continued or changed here; its new messages at the source were not added."


@dataclass(slots=True)
class ThreadWrites:
    """The additions of a batch to one thread, and the thread's previous state."""

    thread_id: str
    cursor_before: str | None
    last_id_before: str | None
    actual_before: str | None
    messages: list[Op] = field(default_factory=list[Op])


class ImportPlanner:
    """Plans the objects of one batch in order.

    Args:
        caller: the owner of the objects.
        import_id: the import.
        policy: whether ids are kept.
        around: the state of the store, updated with the objects of this batch.
        stored: the bytes of a file, if the batch is one file.
    """

    def __init__(
        self,
        caller: Caller,
        import_id: str,
        policy: IdPolicy,
        around: ImportContext,
        stored: UploadedBlob | None = None,
    ) -> None:
        self._caller = caller
        self._import_id = import_id
        self._policy: IdPolicy = policy
        self._around = around
        self._stored = stored
        self._latest = int(caller.platform.clock()) + EARLY
        self._ops: list[Op] = []
        self._threads: dict[str, ThreadWrites] = {}

    def plan(self, readings: Sequence[SourceObject]) -> list[Json]:
        """Return the outcomes of the objects; `ops` is complete afterwards."""
        return [self._result(one) for one in readings]

    @property
    def ops(self) -> list[Op]:
        """Operations that write the batch; they fail as stale if the store changed after planning."""
        added = [op for source_id, one in self._threads.items() for op in self._advance(source_id, one)]
        return [*self._ops, *added]

    def _result(self, reading: SourceObject) -> Json:
        if reading.skipped or reading.source_id is None:
            state: ImportState = "skipped" if reading.skipped else "refused"
            return _outcome(reading.kind, reading.source_id, state, KnownObject(None, reading.notes))
        name = (reading.kind, reading.source_id)
        known = self._around.known.get(name)
        if known is not None and (known.id is not None or reading.kind == "message"):
            return _outcome(*name, "unchanged" if known.id is not None else "refused", known)
        recorded = True
        try:
            if reading.shape is None:
                raise ImportRefused(*reading.notes)
            self._check_time(reading.shape)
            new, state = self._accept(reading.shape, reading)
        except ImportRefused as refusal:
            new, state, recorded = KnownObject(None, refusal.notes), "refused", refusal.recorded
        if recorded and state != "wanted":
            self._record(name, known, new)
        if reading.kind == "message":
            self._follow(reading)
        return _outcome(*name, state, new)

    def _check_time(self, shape: ImportShape) -> None:
        if shape.created_at > self._latest:
            message = "created_at: expected Unix seconds, not in the future"
            raise ImportRefused(note("invalid_value", message, "created_at"))

    def _accept(self, shape: ImportShape, reading: SourceObject) -> tuple[KnownObject, ImportState]:
        match shape:
            case ImportedMessage():
                return self._message(shape, reading)
            case StoreFileShape():
                return self._store_file(shape, reading)
            case FileShape() if self._stored is None and not self._is_here(shape):
                return KnownObject(None, reading.notes), "wanted"
            case _:
                return self._object(shape, reading)

    def _is_here(self, shape: FileShape) -> bool:
        return self._policy == "keep" and self._around.taken.is_own("file", shape.id)

    def _object(self, shape: ImportShape, reading: SourceObject) -> tuple[KnownObject, ImportState]:
        """Plan an assistant, a thread, a vector store or a file."""
        chosen = choose_id(reading.kind, shape.id, self._around.taken, self._caller.ids, self._policy)
        notes = [*reading.notes, *([chosen.note] if chosen.note else [])]
        if chosen.exists:
            return KnownObject(chosen.id, notes), "existing"
        if isinstance(shape, FileShape) and self._stored is not None:
            self._ops.append(rows.build_file(shape, chosen.id, self._stored))
            return KnownObject(chosen.id, notes), "imported"
        used = self._around.references(shape)
        if isinstance(shape, AssistantShape | ThreadShape):
            notes += self._missing(shape, used)
            self._ops += rows.resource_guard(shape, used)
        try:
            self._ops.append(rows.build_object(self._caller, shape, chosen.id, used))
        except ApiError as error:
            raise ImportRefused(note(error.code, error.message, error.param)) from None
        self._add(shape, chosen.id)
        return KnownObject(chosen.id, notes), "imported"

    def _add(self, shape: ImportShape, new_id: str) -> None:
        """Make this object available for references by later objects of the batch."""
        if isinstance(shape, StoreShape):
            self._around.stores[new_id] = not shape.expired
        elif isinstance(shape, ThreadShape):
            self._around.threads[new_id] = ThreadState()

    def _store_file(self, shape: StoreFileShape, reading: SourceObject) -> tuple[KnownObject, ImportState]:
        used = self._around.references(shape)
        store_id, file_id = used.stores.get(shape.vector_store_id), used.files.get(shape.file_id)
        if store_id is None or not self._around.stores[store_id]:
            message = "The vector store was not imported, or does not accept files."
            raise ImportRefused(note("vector_store_missing", message, "vector_store_id", shape.vector_store_id))
        if file_id is None:
            raise ImportRefused(note("file_missing", "The file was not imported.", "id", shape.file_id))
        self._ops.append(rows.build_store_file(shape, store_id, file_id))
        return KnownObject(f"{store_id}/{file_id}", reading.notes), "imported"

    def _message(self, shape: ImportedMessage, reading: SourceObject) -> tuple[KnownObject, ImportState]:
        thread = self._around.known.get(("thread", shape.thread_id))
        if thread is None or thread.id is None:
            message = "The thread of the message was not imported; send the thread first."
            raise ImportRefused(note("thread_missing", message, "thread_id", shape.thread_id), recorded=False)
        writes = self._writes(shape.thread_id, thread)
        here = self._around.threads.get(thread.id)
        chosen = choose_id("message", shape.id, self._around.taken, self._caller.ids, self._policy, thread.id)
        notes = [*reading.notes, *([chosen.note] if chosen.note else [])]
        if chosen.exists:
            thread.last_id = chosen.id
            return KnownObject(chosen.id, notes), "existing"
        if here is None or here.busy or here.last_id != thread.last_id:
            raise ImportRefused(note("thread_changed", CHANGED, "thread_id", thread.id))
        used = self._around.references(shape)
        notes += self._missing(shape, used)
        writes.messages.append(rows.build_message(shape, chosen.id, thread.id, used))
        thread.last_id = here.last_id = chosen.id
        return KnownObject(chosen.id, notes), "imported"

    def _writes(self, source_id: str, thread: KnownObject) -> ThreadWrites:
        """Return the additions to a thread, which start with its first message."""
        if source_id not in self._threads:
            here = self._around.threads.get(thread.id or "")
            actual = None if here is None else here.last_id
            self._threads[source_id] = ThreadWrites(thread.id or "", thread.cursor, thread.last_id, actual)
        return self._threads[source_id]

    def _follow(self, reading: SourceObject) -> None:
        """Move the cursor of the thread to a message, imported or refused."""
        shape = reading.shape
        if isinstance(shape, ImportedMessage) and shape.thread_id in self._threads:
            self._around.known["thread", shape.thread_id].cursor = shape.id

    def _missing(self, shape: ImportShape, used: rows.IdMap) -> list[Note]:
        """Return a note for each reference to a missing object."""
        there = {"file": used.files, "vector_store": used.stores}
        found: dict[tuple[str, str], Note] = {}
        for (kind, source_id), place in references_of(shape):
            if kind in there and source_id not in there[kind]:
                message = f"The {kind.replace('_', ' ')} '{source_id}' was not imported."
                found.setdefault((kind, source_id), note("reference_missing", message, place, source_id))
        return list(found.values())

    def _record(self, name: tuple[str, str], known: KnownObject | None, new: KnownObject) -> None:
        kind, source_id = name
        params: Json = {
            "import_id": self._import_id,
            "kind": kind,
            "source_id": source_id,
            "id": new.id,
            "notes": to_json(new.notes),
        }
        query = queries.IMPORTED_INSERT if known is None else queries.IMPORTED_UPDATE
        self._ops.append(Op(query, params, missing=StaleRow(), clash=StaleRow()))
        self._around.known[name] = new

    def _advance(self, source_id: str, writes: ThreadWrites) -> list[Op]:
        thread = self._around.known["thread", source_id]
        params: Json = {
            "import_id": self._import_id,
            "source_id": source_id,
            "cursor": thread.cursor,
            "last_id": thread.last_id,
            "cursor_before": writes.cursor_before,
            "last_id_before": writes.last_id_before,
        }
        ops = [Op(queries.IMPORTED_ADVANCE, params, missing=StaleRow())]
        if writes.messages:
            same: Json = {"thread_id": writes.thread_id, "last_id": writes.actual_before}
            ops.append(Op(queries.IMPORT_THREAD_SAME, same, missing=StaleRow()))
        return [*ops, *writes.messages]


def _outcome(kind: str, source_id: str | None, state: ImportState, known: KnownObject) -> Json:
    """Return the outcome of an object for the response."""
    return {
        "kind": kind,
        "source_id": source_id,
        "id": known.id,
        "state": state,
        "notes": known.notes,
        "cursor": known.cursor,
        "complete": known.complete,
    }
