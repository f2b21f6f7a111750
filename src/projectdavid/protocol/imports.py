"""Imports: objects of another Assistants service, written once each under their original ids."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from projectdavid.protocol.assistants import JsonObject
from projectdavid.protocol.base import NO_CONTROL, Answer, Id, Request

BATCH_OBJECTS = 100
"""Objects per request."""
SOURCE_ID_LENGTH = 256
"""Characters of an object's id at the source."""

Source = Annotated[str, StringConstraints(min_length=1, max_length=256, pattern=NO_CONTROL)]
SourceId = Annotated[str, StringConstraints(min_length=1, max_length=SOURCE_ID_LENGTH, pattern=NO_CONTROL)]
ImportKind = Literal["file", "vector_store", "vector_store_file", "assistant", "thread", "message"]
ImportState = Literal["imported", "existing", "unchanged", "wanted", "refused", "skipped"]
IdPolicy = Literal["keep", "new"]


class ImportCreate(Request):
    """The body that starts an import, or continues that of the same source."""

    source: Source
    """The name of the source. An id identifies an object within its source."""
    user_id: Id | None = None
    """The user who will own the objects. By default the caller; only admins can name another user."""
    dry_run: bool = False
    """Look up the import without starting its next round."""


class ImportObjects(Request):
    """The body that imports objects, in the form in which the Assistants API returned them.

    References, such as `thread_id` and `file_ids`, are ids of the source. Messages of a thread must be in order.
    """

    objects: Annotated[list[JsonObject], Field(min_length=0, max_length=BATCH_OBJECTS, fail_fast=True)]
    id_policy: IdPolicy = "keep"
    """Whether the objects keep their ids from the source."""
    complete: Annotated[list[SourceId], Field(max_length=BATCH_OBJECTS, fail_fast=True)] = []
    """Threads (ids of the source) whose messages were all sent."""
    dry_run: bool = False
    """Only report what would happen."""


class ImportNote(Answer):
    """A part of an object that could not be imported unchanged: its `field`, the reason, and what was omitted."""

    code: str
    field: str | None = None
    message: str
    value: Any = None


class ImportedObject(Answer):
    """The outcome for one object of the source.

    `state`: `imported` now; `existing`, an object of the same owner already has this id; `unchanged`, it was imported
    before; `wanted`, a file whose bytes must follow; `refused`; `skipped`, objects of this kind are not imported.
    """

    kind: str
    source_id: str | None
    id: str | None = None
    state: ImportState
    notes: list[ImportNote] = []
    cursor: str | None = None
    """For a thread: the source id of the last message that was imported or refused."""
    complete: bool = False
    """For a thread: all its messages were sent in this round."""


class ImportBatch(Answer):
    """The outcome for each object of a request, in order."""

    object: Literal["import.batch"] = "import.batch"
    import_id: str
    data: list[ImportedObject]


class ImportCounts(Answer):
    """Objects of one kind: `imported` in all rounds, `added` in this one, and `refused`."""

    imported: int
    added: int
    refused: int


class Import(Answer):
    """An import. An interrupted import continues in its round; after the round has ended, the next request starts
    another.
    """

    id: str
    object: Literal["import"] = "import"
    source: str
    user_id: str
    status: Literal["in_progress", "completed"]
    round: int
    created_at: int
    started_at: int
    ended_at: int | None = None
    counts: dict[str, ImportCounts] = {}
