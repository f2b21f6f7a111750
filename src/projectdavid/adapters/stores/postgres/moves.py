"""Keeps servers out of a database while its data is moved, and afterwards if it was moved away.

Each connection of a store holds a shared lock, and a move needs an exclusive one. A table records a move that has
begun, so an interrupted one excludes servers as well.
"""

import asyncpg

from projectdavid.ports.store import StoreUnavailable

MOVE_LOCK = 8_203_173_046
"""The advisory lock of moves."""
MOVE_STATE = "move_state"
"""The table that exists in the target of an unfinished move, and in a database whose data was moved away."""
MOVED = "moved"
"""The step that is recorded in a database whose data was moved away."""
_JOIN = "SELECT pg_try_advisory_lock_shared($1) AS granted, to_regclass($2)::text AS state"


async def exclude_moves(connection: asyncpg.Connection) -> None:
    """Exclude moves as long as this connection exists.

    Raises:
        StoreUnavailable: the database is being moved, or its data was moved away.
    """
    row = await connection.fetchrow(_JOIN, MOVE_LOCK, MOVE_STATE)
    if row is None or not row["granted"]:
        raise StoreUnavailable("the data of this database is being moved", "wait until `projectdavid move` has ended")
    if row["state"] is None:
        return
    if await connection.fetchval(f"SELECT count(*) FROM {MOVE_STATE} WHERE step = $1", MOVED):  # noqa: S608
        problem = "the data of this database was moved to a data folder"
        raise StoreUnavailable(
            problem, f"use that folder; to use this database all the same, drop its table {MOVE_STATE}"
        )
    raise StoreUnavailable("a move into this database is unfinished", "repeat the command `projectdavid move`")
