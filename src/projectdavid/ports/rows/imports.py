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
    """How many objects of a kind were imported and refused; `added` counts those of this round."""

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
    """What an import knows of an object of its source."""

    kind: str
    source_id: str
    id: str | None
    notes: str
    cursor: str | None
    last_id: str | None
    complete: int


class TakenIdRow(NamedTuple):
    """An id that exists; `own` is 1 if it is the caller's, `thread_id` the thread of a message."""

    kind: str
    id: str
    own: int
    thread_id: str | None


class ImportThreadRow(NamedTuple):
    """The last message of a thread, and whether a run is open in it."""

    id: str
    last_id: str | None
    busy: int
