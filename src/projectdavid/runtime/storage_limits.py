"""Limits of what an owner stores, checked in the transaction that stores it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from projectdavid.ports.store import Op, StoreError, Value

REVOKED_KEYS_KEPT = 1000
"""Revoked keys of an owner that stay listed; older ones are deleted."""


class StorageLimits(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an owner can store at once. None: no limit."""

    storage_bytes: int | None = None
    stored_files: int | None = None
    generated_bytes: int | None = None
    generated_files: int | None = None
    vector_stores: int | None = None
    files_per_vector_store: int | None = None
    vector_store_bytes: int | None = None
    assistants: int | None = None
    threads: int | None = None
    messages_per_thread: int | None = None
    open_uploads: int | None = None
    active_keys: int | None = None


@dataclass(frozen=True, slots=True)
class LimitText:
    """How a limit is described to those who reach it."""

    counts: str
    remedy: str


TEXTS: Mapping[str, LimitText] = {
    "storage_bytes": LimitText("bytes of files and of parts of uploads", "Delete files"),
    "stored_files": LimitText("files", "Delete files"),
    "generated_bytes": LimitText("bytes of files that tools made", "Delete files that tools made"),
    "generated_files": LimitText("files that tools made", "Delete files that tools made"),
    "vector_stores": LimitText("vector stores", "Delete vector stores"),
    "files_per_vector_store": LimitText("files in a vector store", "Remove files from it, or use another vector store"),
    "vector_store_bytes": LimitText("bytes of text in vector stores", "Remove files from vector stores"),
    "assistants": LimitText("assistants", "Delete assistants"),
    "threads": LimitText("threads", "Delete threads"),
    "messages_per_thread": LimitText("messages in a thread", "Delete messages, or continue in a new thread"),
    "open_uploads": LimitText("open uploads", "Complete or cancel uploads"),
    "active_keys": LimitText("API keys that are not revoked", "Revoke keys"),
}
PER_OWNER = tuple(name for name in TEXTS if name not in ("files_per_vector_store", "messages_per_thread"))
"""The limits whose use is counted for each owner as a whole."""

FILE = ("stored_files", "storage_bytes")
CHECKED: Mapping[str, tuple[str, ...]] = {
    "file_insert": FILE,
    "upload_insert": ("open_uploads",),
    "upload_part_insert": ("storage_bytes",),
    "store_insert": ("vector_stores",),
    "store_file_attach": ("vector_store_bytes",),
    "store_file_bring": ("vector_store_bytes",),
    "assistant_insert": ("assistants",),
    "thread_insert": ("threads",),
    "key_insert": ("active_keys",),
}
"""The limits of an owner that each query can exceed."""
GENERATED = (*FILE, "generated_files", "generated_bytes")


@dataclass
class LimitReached(StoreError):
    """A request would exceed a limit of what its owner stores; `used` is what is stored now, if that is known."""

    limit: str
    most: int
    used: int | None = None

    def __str__(self) -> str:
        text = TEXTS[self.limit]
        used = "" if self.used is None else f", and has {self.used}"
        return (
            f"The limit '{self.limit}' is reached: a user can have at most {self.most} {text.counts}{used}."
            f" {text.remedy}, or ask an admin for a higher limit; GET /v1/usage shows what is used."
        )


def storage_checks(limits: StorageLimits, owner: str, ops: Sequence[Op]) -> list[Op]:
    """Return what follows operations in their transaction, to refuse them if they exceed a limit of their owner.

    Each check raises LimitReached.
    """
    return list({repr(op): op for new in ops for op in _checks(limits, owner, new)}.values())


def run_checks(limits: StorageLimits, owner: str, thread_id: str) -> list[Op]:
    """Return what refuses a run in a thread that has no room for a message."""
    most = limits.messages_per_thread
    return [] if most is None else [_messages(owner, thread_id, most - 1, most)]


def _checks(limits: StorageLimits, owner: str, new: Op) -> Iterator[Op]:
    names = CHECKED.get(new.query, ())
    if new.query == "file_insert" and new.params["run_id"] is not None:
        names = GENERATED
    for name in names:
        most: int | None = getattr(limits, name)
        if most is not None:
            params: dict[str, Value] = {"owner": owner, "kind": name, "most": most}
            yield Op("storage_room", params, missing=LimitReached(name, most))
    if new.query == "message_insert" and (most := limits.messages_per_thread) is not None:
        yield _messages(owner, str(new.params["thread_id"]), most, most)
    if new.query in ("store_file_attach", "store_file_bring") and (most := limits.files_per_vector_store) is not None:
        where: dict[str, Value] = {"owner": owner, "store_id": new.params["store_id"], "most": most}
        yield Op("store_files_room", where, missing=LimitReached("files_per_vector_store", most))


def _messages(owner: str, thread_id: str, most: int, limit: int) -> Op:
    params: dict[str, Value] = {"owner": owner, "thread_id": thread_id, "most": most}
    return Op("messages_room", params, missing=LimitReached("messages_per_thread", limit))


def remaining(limits: StorageLimits, used: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Return how much more an owner can store, by the names of those limits that there are."""
    found: dict[str, int] = {}
    for name in names:
        most: int | None = getattr(limits, name)
        if most is not None:
            found[name] = most - used.get(name, 0)
    return found
