"""The adapters that the contracts are checked against."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path

import pytest

from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.store import Store
from tests.fakes.shared_store import SharedStore

STORES: dict[str, Callable[[Path], Store]] = {"sqlite": lambda folder: SQLiteStore(folder / "data" / "david.db")}
BLOBS: dict[str, Callable[[Path], Blobs]] = {"directory": lambda folder: DirectoryBlobs(folder / "data" / "blobs")}
BUSES: dict[str, Callable[[], Bus]] = {"local": LocalBus}


@pytest.fixture(params=STORES)
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes stores, not opened yet, over the same place."""
    return lambda: STORES[request.param](tmp_path)


@pytest.fixture
async def store(another: Callable[[], Store]) -> AsyncGenerator[Store]:
    """An open store with nothing in it."""
    store = another()
    await store.open()
    yield store
    await store.close()


@pytest.fixture(params=[*STORES, "shared"])
def stores_at(request: pytest.FixtureRequest) -> Callable[[Path], Store]:
    """Builds stores, not opened yet, over a folder: exclusive ones, and ones that processes share."""
    return STORES.get(request.param, lambda folder: SharedStore(folder / "david.db"))


@pytest.fixture(params=[*STORES, "shared"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[tuple[Store, Store]]:
    """An open store as two parts of one process have it, and one as two processes do."""
    if request.param == "shared":
        first, second = (SharedStore(tmp_path / "david.db") for _ in range(2))
        await first.open()
        await second.open()
    else:
        first = second = STORES[request.param](tmp_path)
        await first.open()
    yield first, second
    await first.close()
    await second.close()


@pytest.fixture(params=BUSES)
def bus(request: pytest.FixtureRequest) -> Bus:
    """A bus on which nobody speaks."""
    return BUSES[request.param]()


@pytest.fixture(params=BLOBS)
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A blob store with nothing in it."""
    return BLOBS[request.param](tmp_path)
