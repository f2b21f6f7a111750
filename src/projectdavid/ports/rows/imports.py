"""Records of imports from other services."""

from typing import NamedTuple


class ImportRow(NamedTuple):
    """An import."""

    n: int
    id: str
    owner: str
    source: str
    round: int
    created_at: int
    started_at: int
    ended_at: int | None


class ImportCountsRow(NamedTuple):
    """The numbers of imported and refused objects of a kind; `added` counts those of this round."""

    kind: str
    imported: int
    refused: int
    added: int


class ImportedObjectRow(NamedTuple):
    """An object of a source in the list of an import; `id` is None if it was refused."""

    n: int
    kind: str
    source_id: str
    id: str | None
    notes: str
    cursor: str | None
    complete: int


class KnownObjectRow(NamedTuple):
    """The state of an object of the source."""

    kind: str
    source_id: str
    id: str | None
    notes: str
    cursor: str | None
    last_id: str | None
    complete: int


class TakenIdRow(NamedTuple):
    """An existing id; `own` is 1 if it belongs to the caller, `thread_id` is the thread of a message."""

    kind: str
    id: str
    own: int
    thread_id: str | None


class ImportThreadRow(NamedTuple):
    """The last message of a thread, and whether it has an open run."""

    id: str
    last_id: str | None
    busy: int
