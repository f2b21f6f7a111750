"""The store's state about a batch's objects and their references, loaded in one step."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from projectdavid.api.imports.ids import PREFIXES, TakenIds
from projectdavid.api.imports.notes import Note
from projectdavid.api.imports.readers import SourceObject
from projectdavid.api.imports.rows import IdMap
from projectdavid.api.imports.shapes import AssistantShape, ImportedMessage, ImportShape, StoreFileShape, ThreadShape
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import FileRow, KnownObjectRow
from projectdavid.ports.store import StoreView

Name = tuple[str, str]
"""A kind, and an id of the source."""


@dataclass(slots=True)
class KnownObject:
    """The earlier outcome for an object of the source; `id` is None if it was refused. See `imported_objects` for
    threads.
    """

    id: str | None
    notes: list[Note] = field(default_factory=list[Note])
    cursor: str | None = None
    last_id: str | None = None
    complete: bool = False


@dataclass(slots=True)
class ThreadState:
    """A thread here: its last message, and whether a run is open."""

    last_id: str | None = None
    busy: bool = False


@dataclass(slots=True)
class ImportContext:
    """The state needed to plan a batch; planning adds the objects of the batch itself."""

    known: dict[Name, KnownObject]
    taken: TakenIds
    files: dict[str, FileRow]
    """The owner's files by id."""
    stores: dict[str, bool]
    """The owner's vector stores by id, and whether they accept files."""
    threads: dict[str, ThreadState]

    @classmethod
    async def load(cls, view: StoreView, import_id: str, readings: Sequence[SourceObject]) -> "ImportContext":
        """Load the state."""
        shapes = [one.shape for one in readings if one.shape is not None]
        wanted = {name for shape in shapes for name, _ in references_of(shape)}
        wanted |= {(one.kind, one.source_id) for one in readings if one.source_id is not None}
        rows = await view.all(queries.IMPORT_KNOWN, names=to_json(sorted(wanted)), import_id=import_id)
        known = {(str(row.kind), str(row.source_id)): _known_object(row) for row in rows}
        ids = {kind: _ids_of(kind, wanted, known) for kind in PREFIXES}
        taken = await TakenIds.load(view, ((kind, one) for kind, many in ids.items() for one in many))
        files = await view.all(queries.FILES_NAMED, ids=to_json(ids["file"]))
        stores = await view.all(queries.STORES_NAMED, ids=to_json(ids["vector_store"]))
        threads = await view.all(queries.IMPORT_THREADS, ids=to_json(ids["thread"]))
        return cls(
            known,
            taken,
            {row.id: row for row in files},
            {row.id: row.vectors is None and row.expired_at is None for row in stores},
            {row.id: ThreadState(row.last_id, bool(row.busy)) for row in threads},
        )

    def id_of(self, kind: str, source_id: str) -> str | None:
        """Return the local id of an object of the source; None if it was refused or never imported."""
        known = self.known.get((kind, source_id))
        if known is not None:
            return known.id
        return source_id if self.taken.is_own(kind, source_id) else None

    def references(self, shape: ImportShape) -> IdMap:
        """Return the local ids of an object's references, except objects that the owner has deleted since."""
        found: dict[str, dict[str, str]] = {"file": {}, "vector_store": {}, "assistant": {}, "thread": {}}
        for (kind, source_id), _ in references_of(shape):
            if (one := self.id_of(kind, source_id)) is not None:
                found[kind][source_id] = one
        files = {source_id: one for source_id, one in found["file"].items() if one in self.files}
        stores = {source_id: one for source_id, one in found["vector_store"].items() if one in self.stores}
        return IdMap(files, stores, found["assistant"], self.files)


def references_of(shape: ImportShape) -> Iterator[tuple[Name, str]]:
    """Return the references of an object, with their fields."""
    match shape:
        case AssistantShape() | ThreadShape():
            for number, one in enumerate(shape.tool_resources.file_ids):
                yield ("file", one), f"tool_resources.code_interpreter.file_ids.{number}"
            for number, one in enumerate(shape.tool_resources.vector_store_ids):
                yield ("vector_store", one), f"tool_resources.file_search.vector_store_ids.{number}"
        case StoreFileShape():
            yield ("vector_store", shape.vector_store_id), "vector_store_id"
            yield ("file", shape.file_id), "id"
        case ImportedMessage():
            yield ("thread", shape.thread_id), "thread_id"
            if shape.assistant_id is not None:
                yield ("assistant", shape.assistant_id), "assistant_id"
            yield from ((("file", one), place) for one, place in _files_of(shape))
        case _:
            return


def _files_of(shape: ImportedMessage) -> Iterator[tuple[str, str]]:
    for one in shape.images:
        yield one, "content"
    for part in shape.content if not isinstance(shape.content, str) else ():
        if part.type == "image_file":
            yield part.image_file.file_id, "content"
    for number, attachment in enumerate(shape.attachments):
        yield attachment.file_id, f"attachments.{number}.file_id"
    for annotation in shape.annotations:
        if annotation.file_id is not None:
            yield annotation.file_id, "content"


def _known_object(row: KnownObjectRow) -> KnownObject:
    return KnownObject(row.id, msgspec.json.decode(row.notes), row.cursor, row.last_id, bool(row.complete))


def _ids_of(kind: str, wanted: Iterable[Name], known: dict[Name, KnownObject]) -> list[str]:
    """Return the ids that objects of a kind have here, or would have."""
    found: dict[str, None] = {}
    for name in wanted:
        if name[0] == kind:
            found[name[1]] = None
            if (one := known.get(name)) is not None and one.id is not None:
                found[one.id] = None
    return list(found)
