"""What all tests share."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from projectdavid.adapters.stores.postgres import PostgresStore
from tests.databases import running_postgres
from tests.nats_server import NatsServer, run_nats
from tests.postgres_server import PostgresServer
from tests.programs import forget_certificates
from tests.row_checks import check_rows, write_report
from tests.s3_server import S3Server, run_s3

os.environ.setdefault("PROJECTDAVID_DISK_RESERVE_MB", "1")  # each server of the tests has a folder of its own
os.environ.setdefault("PROJECTDAVID_EMBEDDING_MODEL", "off")  # most tests need none, and a model takes a second to load
TESTS = Path(__file__).parent
forget_certificates()
LONGEST = (
    "simulation/test_worlds.py",
    "dialect/test_openapi_fuzz.py",
    "server/test_openapi_fuzz.py",
    "contracts/sandbox/test_as_user.py",
    "e2e/test_fleet.py",
    "sandboxes/test_libraries.py",
    "contracts/test_store.py",
    "compat/vendor/test_vendor_suite.py",
    "e2e/test_kill.py",
    "console/test_pages.py",
    "console/test_play.py",
    "e2e/test_backup.py",
    "server/test_ownership.py",
)
"""Files that take longest. They run first, so that no process is left alone with one of them at the end."""


def pytest_configure() -> None:
    """Check the types of all rows that stores of this process return."""
    check_rows()


def pytest_unconfigure() -> None:
    """Report what the checks saw."""
    write_report()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; of one file, the tests stay in order."""
    ranks = {TESTS / name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path, len(LONGEST)))


@pytest.fixture
def anyio_backend() -> str:
    """The loop that the platform runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres_server() -> PostgresServer:
    """A PostgreSQL server of this process; who stops it starts it again."""
    return running_postgres()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty database."""
    with postgres_server.create_database() as url:
        yield url


@pytest.fixture(scope="session")
def store_template(postgres_server: PostgresServer) -> Iterator[str]:
    """The name of a database with the schema of the store and nothing in it: copying it is faster than migrating."""

    async def migrate_store() -> None:
        store = PostgresStore(url, pool=1)
        await store.open()
        await store.close()

    with postgres_server.create_database() as url:
        with ThreadPoolExecutor(1) as pool:  # a loop can be running here already
            pool.submit(lambda: asyncio.run(migrate_store())).result()
        yield url.rpartition("/")[2]


@pytest.fixture
def store_url(postgres_server: PostgresServer, store_template: str) -> Iterator[str]:
    """The URL of a database with the schema of the store and nothing in it, whose clock is that of its callers."""
    with postgres_server.create_database(store_template) as url:
        name = url.rpartition("/")[2]
        postgres_server.execute(f"ALTER DATABASE {name} SET projectdavid.clock = 'caller'")
        yield url


@pytest.fixture(scope="session")
def nats_server() -> Iterator[NatsServer]:
    """A NATS server of this process; who stops it starts it again."""
    yield from run_nats()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 service of this process."""
    yield from run_s3()
