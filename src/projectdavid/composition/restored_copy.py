"""The hold on a restored copy: until its release, it calls no model, sends no webhook and changes nothing."""

from projectdavid.ports import queries
from projectdavid.ports.store import Op, Store

KEY = "held_since"
"""The fact that holds a copy: the time of the restore, in Unix seconds."""
INSTANCE = "instance_id"
"""The fact that distinguishes a data folder from its copies."""


async def get_hold(store: Store) -> int | None:
    """Return the time since which a store is held, in Unix seconds; None if it is not."""
    row = await store.one(queries.META, key=KEY)
    return int(row.value) if row is not None and row.value else None


def lift() -> Op:
    """Return the operations that lift the hold."""
    return Op(queries.META_SET, {"key": KEY, "value": ""})
