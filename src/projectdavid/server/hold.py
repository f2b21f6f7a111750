"""The hold on a restored copy: until it is released, it asks no model, sends no webhook and changes nothing."""

from projectdavid.ports.store import Op, Store

KEY = "held_since"
"""The fact that holds a copy: when it was restored, in Unix seconds."""
INSTANCE = "instance_id"
"""The fact that distinguishes a data folder from its copies."""


async def get_hold(store: Store) -> int | None:
    """Return since when a store is held, in Unix seconds; None if it is not."""
    row = await store.one("meta", key=KEY)
    return int(row.value) if row is not None and row.value else None


def lift() -> Op:
    """What lifts the hold."""
    return Op("meta_set", {"key": KEY, "value": ""})
