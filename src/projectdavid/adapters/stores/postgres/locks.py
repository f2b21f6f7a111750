"""The locks of a transaction, which make its groups run alone.

A group with an owner, or about runs, holds the lock of each owner concerned until the commit: the groups of one owner
run one after another, in all processes, so positions in lists are in the order of the commits. A group about runs also
locks their rows, in order. A streamed chunk locks only the row of its run, so it waits for a decision, and a decision
for it. All locks of a transaction are taken at its start, in order, so transactions do not wait for each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from projectdavid.ports.store import Op

SYSTEM = ""
"""The owner of groups that belong to none and have more than one operation."""
LISTED = frozenset({"user_insert"})
"""Operations that need the lock of the system: a list for admins has the positions of their rows."""
STREAM = "journal_stream"
ROW_ONLY = frozenset({STREAM, "journal_tell"})
"""Operations that need only the row of their run."""
BY_NUMBER = frozenset({"run_decide", "run_release", "run_speaks"})
"""Operations whose parameter `n` is the number of a run."""
BEGIN = """
WITH mark AS (INSERT INTO commits (id) VALUES ($1)),
keys AS MATERIALIZED (
    SELECT hashtextextended($1::text, 1) AS key
    UNION
    SELECT hashtextextended(o, 0) FROM unnest($2::text[]) AS o
    UNION
    SELECT hashtextextended(owner, 0) FROM runs WHERE n = ANY ($3::bigint[])
)
SELECT pg_advisory_xact_lock(key) FROM (SELECT key FROM keys ORDER BY key) AS k
"""
ROWS = "SELECT n FROM runs WHERE n = ANY ($1::bigint[]) ORDER BY n FOR NO KEY UPDATE"
OUTCOME = "SELECT pg_advisory_lock(hashtextextended($1::text, 1))"
UNLOCK = "SELECT pg_advisory_unlock(hashtextextended($1::text, 1))"


@dataclass(slots=True)
class Locks:
    """What a transaction locks."""

    owners: set[str] = field(default_factory=set[str])
    runs: set[int] = field(default_factory=set[int])
    """Runs whose owners are locked, too."""
    rows: set[int] = field(default_factory=set[int])
    """Runs of which only the row is locked."""

    def add(self, ops: Sequence[Op], owner: str | None) -> None:
        """Add the locks of a group."""
        alone = len(ops) == 1
        if owner is not None:
            self.owners.add(owner)
        is_owned = owner is not None
        for op in ops:
            name, params = op.query.name, op.params
            if name in LISTED:
                self.owners.add(SYSTEM)
            run = params.get("n") if name in BY_NUMBER else params.get("run")
            of = params.get("owner", params.get("of"))
            if isinstance(run, int):
                (self.rows if alone and name in ROW_ONLY else self.runs).add(run)
                is_owned = True
            elif isinstance(of, str):
                self.owners.add(of)
                is_owned = True
        if not is_owned and not alone:
            self.owners.add(SYSTEM)

    async def take(self, connection: asyncpg.Connection, mark: UUID) -> None:
        """Take the locks, and write the mark of the transaction."""
        await connection.fetch(BEGIN, mark, list(self.owners), list(self.runs))
        if self.runs or self.rows:
            await connection.fetch(ROWS, sorted(self.runs | self.rows))


async def was_committed(connection: asyncpg.Connection, mark: UUID) -> bool:
    """Whether the transaction with this mark was committed; waits until it has ended."""
    await connection.fetch(OUTCOME, str(mark))
    try:
        return bool(await connection.fetch("SELECT 1 FROM commits WHERE id = $1", mark))
    finally:
        await connection.fetch(UNLOCK, str(mark))
