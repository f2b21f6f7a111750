"""The rules of `ports/store.py` for processes that share a store: the first start, and leases."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from threading import Barrier

import pytest

from projectdavid.ports import queries
from projectdavid.ports.store import Store, StoreUnavailable
from tests.contracts.rows import user
from tests.timeouts import EVENT_TIMEOUT

pytestmark = pytest.mark.anyio


# The first start.


async def users(store: Store) -> list[str]:
    """The ids of all users."""
    return [row.id for row in await store.all(queries.USERS_PAGE.asc, after=None, limit=9)]


def open_at_once(store: Store, name: str, all_ready: Barrier) -> list[str] | None:
    """Open a store in a thread with an event loop of its own, write a user, and return the users; None if refused."""

    async def work() -> list[str] | None:
        all_ready.wait(EVENT_TIMEOUT)
        opened = True
        try:
            await store.open()
        except StoreUnavailable:
            if not store.exclusive:
                all_ready.abort()
                raise
            opened = False
        all_ready.wait(EVENT_TIMEOUT)
        if opened:
            await store.write([user(name)])
        all_ready.wait(EVENT_TIMEOUT)
        found = await users(store) if opened else None
        await store.close()
        return found

    return asyncio.run(work())


@pytest.mark.parametrize("attempt", range(5))
async def test_stores_that_open_a_new_folder_at_once_share_it_or_one_of_them_has_it(
    stores_at: Callable[[Path], Store], tmp_path: Path, attempt: int
) -> None:
    all_ready = Barrier(2)
    stores = {name: stores_at(tmp_path) for name in ("ann", "bob")}
    starts = [asyncio.to_thread(open_at_once, store, name, all_ready) for name, store in stores.items()]
    found = dict(zip(stores, await asyncio.gather(*starts), strict=True))
    opened = [name for name, rows in found.items() if rows is not None]
    assert len(opened) == (1 if stores["ann"].exclusive else 2)
    later = stores_at(tmp_path)
    await later.open()
    for rows in (*(found[name] for name in opened), await users(later)):
        assert rows is not None
        assert sorted(rows) == opened
    await later.close()
