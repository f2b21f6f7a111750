"""Ids of imported objects: those of their source, if they are free and valid."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from projectdavid.api.imports.notes import Note, note
from projectdavid.api.resources.stored_fields import to_json
from projectdavid.ports import queries
from projectdavid.ports.rows import TakenIdRow
from projectdavid.ports.store import StoreView
from projectdavid.protocol.base import ID_PATTERN
from projectdavid.protocol.imports import IdPolicy
from projectdavid.protocol.openai.ids import BEGINNINGS
from projectdavid.runtime.ids import IdFactory

PREFIXES = {"assistant": "asst", "thread": "thread", "message": "msg", "file": "file", "vector_store": "vs"}
"""Prefixes of new ids."""
_ID = re.compile(ID_PATTERN)


def is_usable(kind: str, source_id: str) -> bool:
    """Return True if an object of this kind can have this id here."""
    return bool(_ID.fullmatch(source_id)) and source_id.startswith(BEGINNINGS.get(kind, ""))


@dataclass(slots=True)
class TakenIds:
    """The ids that are already in use, by the owner or by others."""

    rows: dict[tuple[str, str], TakenIdRow] = field(default_factory=dict[tuple[str, str], TakenIdRow])

    @classmethod
    async def load(cls, view: StoreView, wanted: Iterable[tuple[str, str]]) -> "TakenIds":
        """Look up pairs of kind and id."""
        by_kind: dict[str, set[str]] = {kind: set() for kind in PREFIXES}
        for kind, one in wanted:
            by_kind[kind].add(one)
        lists = {kind: to_json(sorted(ids)) for kind, ids in by_kind.items()}
        rows = await view.all(
            queries.IMPORT_IDS,
            assistants=lists["assistant"],
            threads=lists["thread"],
            messages=lists["message"],
            files=lists["file"],
            stores=lists["vector_store"],
        )
        return cls({(row.kind, row.id): row for row in rows})

    def is_own(self, kind: str, one: str, thread_id: str | None = None) -> bool:
        """Return True if an object of the owner has this id; messages only count within their thread."""
        row = self.rows.get((kind, one))
        return row is not None and bool(row.own) and row.thread_id == thread_id


@dataclass(frozen=True, slots=True)
class ChosenId:
    """The id of an imported object; `exists` if an object of the owner already has it."""

    id: str
    exists: bool = False
    note: Note | None = None


def choose_id(
    kind: str, source_id: str, taken: TakenIds, ids: IdFactory, policy: IdPolicy, thread_id: str | None = None
) -> ChosenId:
    """Choose the id for an object of the source; `thread_id` is the thread of a message."""
    if policy == "new":
        return ChosenId(ids.new(PREFIXES[kind]))
    if taken.is_own(kind, source_id, thread_id):
        return ChosenId(source_id, exists=True)
    if not is_usable(kind, source_id):
        beginning = BEGINNINGS.get(kind)
        expected = "1 to 64 letters, digits, '_' or '-'" + (f", starting with '{beginning}'" if beginning else "")
        return _choose_new_id(kind, source_id, ids, "id_unusable", f"The id is not valid here; expected {expected}.")
    if (kind, source_id) in taken.rows:
        return _choose_new_id(kind, source_id, ids, "id_taken", "The id is used by another object of this server.")
    return ChosenId(source_id)


def _choose_new_id(kind: str, source_id: str, ids: IdFactory, code: str, why: str) -> ChosenId:
    new = ids.new(PREFIXES[kind])
    return ChosenId(new, note=note(code, f"{why} The object has the new id '{new}'.", "id", source_id))
