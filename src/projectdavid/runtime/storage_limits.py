"""Storage limits of owners, checked in the transaction that stores."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from projectdavid.ports import queries
from projectdavid.ports.store import Op, Statement, StoreError, Value

REVOKED_KEYS_KEPT = 1000
"""Revoked keys of an owner that stay listed; older ones are deleted."""


class StorageLimits(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Storage limits of an owner. None: no limit."""

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
    """The description of a limit in errors."""

    counts: str
    remedy: str


TEXTS: Mapping[str, LimitText] = {
    "storage_bytes": LimitText("bytes of files and of parts of uploads", "Delete files"),
    "stored_files": LimitText("files", "Delete files"),
    "generated_bytes": LimitText("bytes of files created by tools", "Delete files created by tools"),
    "generated_files": LimitText("files created by tools", "Delete files created by tools"),
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
"""Limits that count per owner."""

FILE = ("stored_files", "storage_bytes")
CHECKED: Mapping[Statement, tuple[str, ...]] = {
    queries.FILE_INSERT: FILE,
    queries.UPLOAD_INSERT: ("open_uploads",),
    queries.UPLOAD_PART_INSERT: ("storage_bytes",),
    queries.STORE_INSERT: ("vector_stores",),
    queries.STORE_IMPORT: ("vector_stores",),
    queries.STORE_FILE_ATTACH: ("vector_store_bytes",),
    queries.STORE_FILE_BRING: ("vector_store_bytes",),
    queries.ASSISTANT_INSERT: ("assistants",),
    queries.THREAD_INSERT: ("threads",),
    queries.KEY_INSERT: ("active_keys",),
}
"""Limits that each query can exceed."""
MESSAGES = (queries.MESSAGE_INSERT, queries.MESSAGE_IMPORT)
STORE_FILES = (queries.STORE_FILE_ATTACH, queries.STORE_FILE_BRING)
STORING = frozenset((*CHECKED, *MESSAGES))
"""All queries with limits."""
GENERATED = (*FILE, "generated_files", "generated_bytes")


@dataclass
class LimitReached(StoreError):
    """A request would exceed a storage limit of its owner; `used` is the current amount, if known."""

    limit: str
    most: int
    used: int | None = None

    def __str__(self) -> str:
        text = TEXTS[self.limit]
        used = "" if self.used is None else f", and has {self.used}"
        return (
            f"The limit '{self.limit}' is reached: a user can have at most {self.most} {text.counts}{used}."
            f" {text.remedy}, or ask an admin for a higher limit; GET /v1/usage shows the current use."
        )


def storage_checks(limits: StorageLimits, owner: str, ops: Sequence[Op]) -> list[Op]:
    """Build checks that follow operations in their transaction, and reject them if they exceed a limit of their owner.

    Each check raises LimitReached.
    """
    stored = {_place(op): op for op in ops if op.query in STORING}  # one check per thread for many messages
    checks = [check for op in stored.values() for check in _checks(limits, owner, op)]
    if len(stored) < 2:
        return checks
    return list({(check.query, *check.params.values()): check for check in checks}.values())


def run_checks(limits: StorageLimits, owner: str, thread_id: str) -> list[Op]:
    """Build the checks that reject a run in a thread without room for a message."""
    most = limits.messages_per_thread
    return [] if most is None else [_messages(owner, thread_id, most - 1, most)]


def _place(new: Op) -> tuple[Statement | Value, ...]:
    """Return the values that the checks of an operation depend on."""
    return new.query, new.params.get("thread_id"), new.params.get("store_id"), new.params.get("run_id")


def _checks(limits: StorageLimits, owner: str, new: Op) -> Iterator[Op]:
    names = CHECKED.get(new.query, ())
    if new.query is queries.FILE_INSERT and new.params["run_id"] is not None:
        names = GENERATED
    for name in names:
        most: int | None = getattr(limits, name)
        if most is not None:
            params: dict[str, Value] = {"owner": owner, "kind": name, "most": most}
            yield Op(queries.STORAGE_ROOM, params, missing=LimitReached(name, most))
    if new.query in MESSAGES and (most := limits.messages_per_thread) is not None:
        yield _messages(owner, str(new.params["thread_id"]), most, most)
    if new.query in STORE_FILES and (most := limits.files_per_vector_store) is not None:
        where: dict[str, Value] = {"owner": owner, "store_id": new.params["store_id"], "most": most}
        yield Op(queries.STORE_FILES_ROOM, where, missing=LimitReached("files_per_vector_store", most))


def _messages(owner: str, thread_id: str, most: int, limit: int) -> Op:
    params: dict[str, Value] = {"owner": owner, "thread_id": thread_id, "most": most}
    return Op(queries.MESSAGES_ROOM, params, missing=LimitReached("messages_per_thread", limit))


def remaining(limits: StorageLimits, used: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    """Return how much more an owner can store, by name of the limit, for existing limits."""
    found: dict[str, int] = {}
    for name in names:
        most: int | None = getattr(limits, name)
        if most is not None:
            found[name] = most - used.get(name, 0)
    return found
