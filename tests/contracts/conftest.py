"""The adapters that the contracts are checked against."""

import secrets
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.adapters.blobs.s3 import S3Blobs
from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.buses.nats import NatsBus
from projectdavid.adapters.buses.postgres import PostgresBus
from projectdavid.adapters.buses.remote import RemoteBus
from projectdavid.adapters.indexes.postgres import PostgresIndex
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.adapters.stores.postgres import PostgresStore
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import ChunkIndex
from projectdavid.ports.store import Store
from tests.fakes.shared_store import SharedStore
from tests.nats_server import NatsServer
from tests.postgres_server import PostgresServer
from tests.s3_server import S3Server

STORES = ("sqlite", "postgres")
REMOTE_BUSES = ("postgres", "nats")


def _stores_at(request: pytest.FixtureRequest, name: str) -> Callable[[Path], Store]:
    """Build stores, not opened yet; those of PostgreSQL are over the database of the test, whatever the folder."""
    if name == "postgres":
        url: str = request.getfixturevalue("store_url")
        return lambda folder: PostgresStore(url, pool=3)
    if name == "shared":
        return lambda folder: SharedStore(folder / "david.db")
    return lambda folder: SQLiteStore(folder / "data" / "david.db")


@pytest.fixture(params=STORES)
def another(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Store]:
    """Makes stores, not opened yet, over the same place."""
    make = _stores_at(request, request.param)
    return lambda: make(tmp_path)


@pytest.fixture
async def store(another: Callable[[], Store]) -> AsyncGenerator[Store]:
    """An open store with nothing in it."""
    store = another()
    await store.open()
    yield store
    await store.close()


@dataclass(frozen=True)
class ObservedStore:
    """A store, and the seconds and the groups of each of its commits."""

    store: Store
    commits: list[tuple[float, int]]


@pytest.fixture(params=STORES)
async def observed(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ObservedStore]:
    """An open store that reports its commits."""
    commits: list[tuple[float, int]] = []

    def observe(seconds: float, groups: int) -> None:
        commits.append((seconds, groups))

    if request.param == "postgres":
        store: Store = PostgresStore(request.getfixturevalue("store_url"), pool=3, observe=observe)
    else:
        store = SQLiteStore(tmp_path / "data" / "david.db", observe=observe)
    await store.open()
    yield ObservedStore(store, commits)
    await store.close()


@pytest.fixture(params=[*STORES, "shared"])
def stores_at(request: pytest.FixtureRequest) -> Callable[[Path], Store]:
    """Builds stores, not opened yet, over a folder: exclusive ones, and ones that processes share."""
    return _stores_at(request, request.param)


@pytest.fixture(params=[*STORES, "shared"])
async def two(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[tuple[Store, Store]]:
    """An open store as two parts of one process have it, and shared ones as two processes do."""
    make = _stores_at(request, request.param)
    first = second = make(tmp_path)
    await first.open()
    if not first.exclusive:
        second = make(tmp_path)
        await second.open()
    yield first, second
    await first.close()
    await second.close()


@dataclass(frozen=True)
class BusService:
    """What connects buses: it builds them, not opened yet, as several processes do, and can be stopped and started."""

    build: Callable[[], RemoteBus]
    stop: Callable[[], None]
    start: Callable[[], None]


def _bus_service(request: pytest.FixtureRequest, name: str) -> BusService:
    if name == "postgres":
        url: str = request.getfixturevalue("postgres_url")
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        return BusService(lambda: PostgresBus(url), lambda: postgres.stop("immediate"), postgres.start)
    nats: NatsServer = request.getfixturevalue("nats_server")
    subject = f"test-{secrets.token_hex(8)}"
    return BusService(lambda: NatsBus(nats.url, subject), nats.stop, nats.start)


@pytest.fixture(params=REMOTE_BUSES)
def bus_service(request: pytest.FixtureRequest) -> BusService:
    """Connects buses of several processes."""
    return _bus_service(request, request.param)


@pytest.fixture
async def buses(bus_service: BusService) -> AsyncGenerator[tuple[RemoteBus, RemoteBus]]:
    """Two open buses, as two processes have them."""
    one, two = bus_service.build(), bus_service.build()
    await one.open()
    await two.open()
    yield one, two
    await one.close()
    await two.close()


@pytest.fixture(params=["local", *REMOTE_BUSES])
async def bus(request: pytest.FixtureRequest) -> AsyncGenerator[Bus]:
    """An open bus without messages."""
    bus = LocalBus() if request.param == "local" else _bus_service(request, request.param).build()
    await bus.open()
    yield bus
    await bus.close()


@pytest.fixture(params=["directory", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    """A blob store with nothing in it."""
    if request.param == "directory":
        return DirectoryBlobs(tmp_path / "data" / "blobs")
    server: S3Server = request.getfixturevalue("s3_server")
    return S3Blobs(
        f"s3://{server.create_bucket()}/some/prefix", endpoint=server.endpoint, access_key="any", secret_key="any"
    )


@pytest.fixture(params=["sqlite", "postgres"])
def another_index(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], ChunkIndex]:
    """Makes indexes, not opened yet, over the same place."""
    if request.param == "sqlite":
        return lambda: SQLiteIndex(tmp_path / "index.db")
    url = request.getfixturevalue("postgres_url")
    return lambda: PostgresIndex(url)


@pytest.fixture
async def index(another_index: Callable[[], ChunkIndex]) -> AsyncGenerator[ChunkIndex]:
    """An open index with nothing in it."""
    index = another_index()
    await index.open()
    yield index
    await index.close()
