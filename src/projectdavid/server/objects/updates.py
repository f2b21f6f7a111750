"""Updates and deletions that lose nothing: each is written under a check of the revision that it was derived from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from projectdavid.ports.store import Op, Row, Stale, Value, View
from projectdavid.server.auth import Caller
from projectdavid.server.http.etags import check_match, is_any

ATTEMPTS = 100
"""Of one update. In each round of concurrent updates one succeeds, so this is also how many may meet on one object."""

T = TypeVar("T")
Read = Callable[[], Awaitable[Row]]


@dataclass(frozen=True, slots=True)
class Change:
    """The query that writes an update and compares `:revision`, and what its transaction checks and writes first."""

    query: str
    params: dict[str, Value]
    also: Sequence[Op] = field(default=())


async def update(
    caller: Caller,
    read: Read,
    change: Callable[[Row], Awaitable[Change]],
    *,
    to: View | None = None,
    if_match: str | None = None,
) -> Row:
    """Derive a change from the present row and write it; if another writer was first, derive it from the new row.

    Returns:
        The row as it is afterwards.

    Raises:
        ApiError: from `read` and `change`; 412, the row is not the one that `if_match` names.
        Stale: other writers were first `ATTEMPTS` times.
        StoreError: as `View.write`.
    """
    for _ in range(ATTEMPTS):
        row = await read()
        if caller.done:
            return row
        check_match(if_match, row)
        changed = await change(row)
        op = Op(changed.query, {**changed.params, "revision": row.revision}, missing=Stale())
        try:
            await caller.write([*changed.also, op], to)
        except Stale:
            continue  # updated or deleted by another writer: the next read shows which
        return await read()
    raise Stale


async def delete(
    kind: str, read: Read, write: Callable[[Sequence[Op]], Awaitable[T]], if_match: str | None, owner: str = ""
) -> T:
    """Delete an object by `write`, which takes a guard for its transaction; with `if_match`, only that revision of it.

    Raises:
        ApiError: from `read`; 412.
        StoreError: from `write`.
    """
    while True:
        try:
            return await write(await unchanged(kind, read, if_match, owner))
        except Stale:
            continue  # it has another revision now: the next read answers 412 or 404


async def unchanged(kind: str, read: Read, if_match: str | None, owner: str = "") -> tuple[Op, ...]:
    """The check, for a transaction, that an object is still the one that `if_match` names; it raises Stale.

    `owner` is needed where the view does not fill it in.

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
    return (Op("revision_is", params, missing=Stale()),)
