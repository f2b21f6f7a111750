"""Updates and deletions with optimistic locking: each checks the revision it was derived from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from projectdavid.api.http.etags import RevisedRow, check_match, is_any
from projectdavid.api.requests.authentication import Caller
from projectdavid.ports import queries
from projectdavid.ports.store import Op, StaleRow, Statement, StoreView, Value

ATTEMPTS = 100
"""Attempts per update. Each round of concurrent updates has one winner, so this many can compete for one object."""

T = TypeVar("T")
R = TypeVar("R", bound=RevisedRow)
Read = Callable[[], Awaitable[R]]


@dataclass(frozen=True, slots=True)
class ObjectUpdate:
    """Query that writes an update and compares `:revision`, with the operations that precede it in the transaction."""

    query: Statement
    params: dict[str, Value]
    also: Sequence[Op] = field(default=())


async def update(
    caller: Caller,
    read: Read[R],
    change: Callable[[R], Awaitable[ObjectUpdate]],
    *,
    to: StoreView | None = None,
    if_match: str | None = None,
) -> R:
    """Compute a change from the current row and write it; retry with the new row if another writer was first.

    Returns:
        The updated row.

    Raises:
        ApiError: from `read` and `change`; 412, the row does not match `if_match`.
        Stale: another writer was first in all `ATTEMPTS`.
        StoreError: from `View.write`.
    """
    for _ in range(ATTEMPTS):
        row = await read()
        if caller.done:
            return row
        check_match(if_match, row)
        changed = await change(row)
        op = Op(changed.query, {**changed.params, "revision": row.revision}, missing=StaleRow())
        try:
            await caller.write([*changed.also, op], to)
        except StaleRow:
            continue  # updated or deleted by another writer; the next read shows which
        return await read()
    raise StaleRow


async def delete(
    kind: str, read: Read[R], write: Callable[[Sequence[Op]], Awaitable[T]], if_match: str | None, owner: str = ""
) -> T:
    """Delete an object with `write`, which takes a guard for its transaction; with `if_match`, only that revision.

    Raises:
        ApiError: from `read`; 412.
        StoreError: from `write`.
    """
    while True:
        try:
            return await write(await unchanged_guard(kind, read, if_match, owner))
        except StaleRow:
            continue  # the revision changed; the next read returns 412 or 404


async def unchanged_guard(kind: str, read: Read[R], if_match: str | None, owner: str = "") -> tuple[Op, ...]:
    """Return a guard that raises Stale if an object no longer matches `if_match`.

    `owner` is required if the view does not supply it.

    Raises:
        ApiError: from `read`; 412.
    """
    if if_match is None:
        return ()
    row = await read()
    check_match(if_match, row)
    if is_any(if_match):
        return ()
    params: dict[str, Value] = {"kind": kind, "n": row.n, "owner": owner, "revision": row.revision}
    return (Op(queries.REVISION_IS, params, missing=StaleRow()),)
