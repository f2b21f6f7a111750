"""Operations that write the rows which tests begin from."""

from typing import Any

from projectdavid.ports import queries
from projectdavid.ports.store import Op, Store, StoreError, Value

UNANSWERED: dict[str, Value] = {
    "arguments": "{}",
    "output": None,
    "now": 1,
    "finished_at": None,
    "tool": None,
    "effect": "unsafe",
}
"""What a call that waits for its output has beside its ids and its name."""


def user(id: str, body: str = "{}", **errors: StoreError) -> Op:
    """A user."""
    return Op(queries.USER_INSERT, {"id": id, "is_admin": 0, "now": 1, "body": body}, **errors)


def thread(id: str, **fields: Value) -> Op:
    """A thread, to be written by its owner."""
    values: dict[str, Value] = {"now": 1, "title": None, "meta_data": "{}", "tool_resources": "{}"}
    values |= {"participants": "[]", **fields}
    return Op(queries.THREAD_INSERT, {"id": id, **values})


def message(id: str, thread_id: str, content: str = '"Hi"', **errors: StoreError) -> Op:
    """A message of the user, to be written by the thread's owner."""
    params: dict[str, Value] = {
        "id": id,
        "thread_id": thread_id,
        "now": 1,
        "role": "user",
        "content": content,
        "assistant_id": None,
        "meta_data": None,
        "attachments": None,
    }
    return Op(queries.MESSAGE_INSERT, params, **errors)


def file(id: str, **fields: Value) -> Op:
    """A file, to be written by its owner."""
    what: dict[str, Value] = {"name": "a.csv", "purpose": "assistants", "mime_type": "text/csv", "size": 3}
    values = {**what, "sha256": "00", "blob": f"blob of {id}", "now": 1, "expires_at": None, "thread": None}
    return Op(queries.FILE_INSERT, {"id": id, **values, "run_id": None, **fields})


def knowledge() -> list[Op]:
    """One of everything around vector stores, of the file `f`, to be written by its owner."""
    store: dict[str, Value] = {"now": 1, "name": None, "description": None, "expires_days": None, "meta_data": "{}"}
    cut: dict[str, Value] = {"attributes": "{}", "chunk_tokens": 800, "overlap_tokens": 400, "path": "a/f", "now": 1}
    upload: dict[str, Value] = {"name": "a", "purpose": "assistants", "mime_type": "text/plain", "size": 3, "now": 1}
    part: dict[str, Value] = {"upload": "u", "size": 3, "blob": "blob of a part", "now": 1, "most": 9}
    page: dict[str, Value] = {"url": "https://a.example/", "final_url": "https://a.example/", "title": "", "text": ""}
    return [
        Op(queries.STORE_INSERT, {"id": "vs", "vectors": None, **store}),
        Op(queries.STORE_INSERT, {"id": "vs_own", "vectors": '{"size":2}', **store}),
        Op(queries.STORE_FILE_ATTACH, {"store_id": "vs", "file_id": "f", **cut}),
        Op(queries.STORE_FILE_BRING, BROUGHT),
        Op(queries.BATCH_INSERT, {"id": "b", "store_id": "vs", "now": 1}),
        Op(queries.BATCH_FILE, {"id": "b", "file_id": "f"}),
        Op(queries.UPLOAD_INSERT, {"id": "u", "expires_after": None, "expires_at": 9, **upload}),
        Op(queries.UPLOAD_PART_INSERT, {"id": "part", **part}),
        Op(queries.PAGE_KEEP, {"now": 1.0, "warnings": "[]", **page}),
    ]


BROUGHT: dict[str, Value] = {
    "store_id": "vs_own",
    "file_id": "g",
    "name": "g",
    "path": "a/g",
    "attributes": "{}",
    "given": "[]",
    "now": 1,
}


def output(id: str, thread: int, run_id: str, call_id: str) -> Op:
    """The message with the output of a call, to be written by its run."""
    values: dict[str, Value] = {"id": id, "thread": thread, "run_id": run_id, "call_id": call_id, "now": 1}
    nothing = dict.fromkeys(
        (
            "assistant_id",
            "status",
            "reason",
            "calls",
            "reasoning",
            "attachments",
            "annotations",
            "turn",
            "usage",
            "cost",
            "provider_state",
        )
    )
    return Op(queries.MESSAGE_KEEP, {**values, **nothing, "role": "tool", "content": '"rain"'})


def claim(key: str, made_at: float = 1.0, since: float = 0.0, **errors: StoreError) -> Op:
    """That something is done under an idempotency key, to be written by whose it is."""
    values: dict[str, Value] = {"key": key, "fingerprint": b"it", "seed": b"seed", "note": None}
    return Op(queries.IDEMPOTENCY_CLAIM, {**values, "made_at": made_at, "since": since}, **errors)


def run(id: str, thread_id: str, **errors: StoreError) -> list[Op]:
    """A queued run of a thread with the beginning of its journal, to be written by its owner."""
    params: dict[str, Value] = {
        "id": id,
        "thread_id": thread_id,
        "assistant_id": "asst_1",
        "status": "queued",
        "now": 1,
        "expires_at": 1000.5,
        "model": "script/model",
        "hash": b"hash",
        "meta_data": "{}",
        "state": "{}",
        "key_prefix": "pd_key",
        "parked": 0,
    }
    return [
        Op(queries.CONFIG_INSERT, {"hash": b"hash", "body": "{}"}),
        Op(queries.RUN_INSERT, params, **errors),
        Op(queries.JOURNAL_BEGIN, {"run_id": id, "kind": "status", "data": '{"status":"queued"}', "written_ms": 1000}),
    ]


def decide(n: int, version: int, status: str = "in_progress", **errors: StoreError) -> Op:
    """A decision on a run as of a version."""
    params: dict[str, Value] = {"n": n, "version": version, "status": status, "state": "{}"}
    unchanged: dict[str, Value] = dict.fromkeys(("lease", "lease_until", "action_expires_at"))
    counted = {"crash_score": 0, "claimed_at": None, "silent": 0}
    return Op(queries.RUN_DECIDE, {**params, **unchanged, **counted, "parked": 0}, **errors)


def held(n: int, version: int, until: float) -> Op:
    """A decision by which a worker takes the run until then."""
    return Op(queries.RUN_DECIDE, {**decide(n, version).params, "lease": "worker", "lease_until": until})


def tell(n: int, *pieces: str, version: int | None = None, **errors: StoreError) -> Op:
    """Journal entries of a run: as of a version while it is held (the time is 0), or by a decision."""
    data = "[" + ",".join(f'"{piece}"' for piece in pieces) + "]"
    params: dict[str, Any] = {"run": n, "count": len(pieces), "kind": "content", "data": data, "written_ms": 1000}
    if version is None:
        return Op(queries.JOURNAL_APPEND, params, **errors)
    return Op(queries.JOURNAL_STREAM, {**params, "version": version, "now": 0}, **errors)


async def journal(store: Store, n: int, after: int = 0) -> list[tuple[int, str]]:
    """The positions and the data of a run's journal."""
    rows = await store.all(queries.JOURNAL_AFTER, run=n, after=after, limit=1000)
    return [(row.position, row.data) for row in rows]


async def born(store: Store, owner: str = "ann", thread_id: str = "t", run_id: str = "r") -> int:
    """A user with a thread and a queued run; returns the number of the run's row."""
    await store.write([user(owner)])
    rows = await store.of(owner).write([thread(thread_id), *run(run_id, thread_id)])
    row = rows[2]
    assert row is not None
    return int(row.n)


async def sweep(store: Store) -> None:
    """Delete all that is hidden."""
    while await store.sweep() is not None:
        pass
