"""Parses any object of the source by its type."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from projectdavid.api.imports.assistants import read_assistant, read_thread
from projectdavid.api.imports.files import read_file, read_store, read_store_file
from projectdavid.api.imports.messages import read_message
from projectdavid.api.imports.notes import ImportNotes, ImportRefused, Note, note
from projectdavid.api.imports.shapes import ImportShape
from projectdavid.protocol.imports import SOURCE_ID_LENGTH

Reader = Callable[[Mapping[str, Any], ImportNotes, Container[str]], ImportShape]


def _without_tools(read: Callable[[Mapping[str, Any], ImportNotes], ImportShape]) -> Reader:
    """Return a reader of objects that name no tools."""
    return lambda value, notes, _: read(value, notes)


READERS: Mapping[str, tuple[str, Reader]] = {
    "assistant": ("assistant", read_assistant),
    "thread": ("thread", _without_tools(read_thread)),
    "thread.message": ("message", _without_tools(read_message)),
    "file": ("file", _without_tools(read_file)),
    "vector_store": ("vector_store", _without_tools(read_store)),
    "vector_store.file": ("vector_store_file", _without_tools(read_store_file)),
}
"""Kind and parser, by the field `object`."""


@dataclass(frozen=True, slots=True)
class SourceObject:
    """An object of the source; `shape` is None if it is refused, or of a kind that is not imported (`skipped`)."""

    kind: str
    source_id: str | None
    shape: ImportShape | None = None
    notes: list[Note] = field(default_factory=list[Note])
    skipped: bool = False


def read_object(value: Mapping[str, Any], registered: Container[str]) -> SourceObject:
    """Parse an object of the source, with notes; `registered` has the names of the server's tools."""
    named = value.get("object")
    known = READERS.get(named) if isinstance(named, str) else None
    source_id = _source_id(value)
    if known is None:
        kind = named[:64] if isinstance(named, str) else "unknown"
        message = "Objects of this kind are not imported." if isinstance(named, str) else "object: required"
        return SourceObject(kind, source_id, notes=[note("not_imported", message, "object")], skipped=True)
    kind, reader = known
    notes = ImportNotes()
    try:
        shape = reader(value, notes, registered)
    except ImportRefused as refusal:
        return SourceObject(kind, source_id, notes=[*refusal.notes, *notes.all()])
    return SourceObject(kind, shape.id, shape, notes.all())


def _source_id(value: Mapping[str, Any]) -> str | None:
    """Return the id under which the refusal of an invalid object is recorded; None if it has no usable id."""
    found = value.get("id")
    if value.get("object") == "vector_store.file":
        found = f"{value.get('vector_store_id')}/{found}"
    usable = isinstance(found, str) and 0 < len(found) <= SOURCE_ID_LENGTH and found.isprintable()
    return found if usable else None
