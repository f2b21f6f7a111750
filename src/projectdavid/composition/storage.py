"""Chooses where a server stores its data: in its data folder, or in services that processes share."""

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.adapters.buses.local import LocalBus
from projectdavid.adapters.indexes.sqlite import SQLiteIndex
from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.composition.data_folder import check_database_file, start_over
from projectdavid.distribution import DISTRIBUTION
from projectdavid.instruments.telemetry import Telemetry
from projectdavid.ports.blobs import Blobs
from projectdavid.ports.bus import Bus
from projectdavid.ports.index import ChunkIndex
from projectdavid.ports.store import Store, StoreUnavailable
from projectdavid.settings import Settings

if TYPE_CHECKING:
    from projectdavid.adapters.blobs.s3 import S3Blobs

MB = 1 << 20
WILDCARDS = {"0.0.0.0", "::", ""}  # noqa: S104
"""Hosts that mean all addresses of the machine."""


def store_of(
    settings: Settings, telemetry: Telemetry | None = None, *, fresh: bool = False, upgrade: bool = False
) -> Store:
    """Build the store: the database of the settings, or that of the data folder.

    A data folder is checked when its store is opened; `fresh` moves existing files aside. `upgrade` migrates a database
    that processes share to the newest schema, also if this program works with the previous one.

    Raises:
        StoreUnavailable: the settings of several processes do not fit together.
    """
    check_shared(settings)
    observe = (telemetry or Telemetry()).metrics.observe_commit
    if settings.database_url is None:
        inspect = partial(start_over if fresh else check_database_file, settings)
        return SQLiteStore(settings.database, reserve=settings.disk_reserve_mb * MB, inspect=inspect, observe=observe)
    if fresh:
        raise StoreUnavailable("--fresh starts over in a data folder, not in a database", "create another database")
    check_postgres_library()
    from projectdavid.adapters.stores.postgres import PostgresStore

    url = settings.database_url.get_secret_value()
    return PostgresStore(url, settings.database_pool, observe, upgrade=upgrade)


def check_postgres_library() -> None:
    """Check that PostgreSQL can be used.

    Raises:
        StoreUnavailable: the library is not installed.
    """
    if find_spec("asyncpg") is None:
        problem = "PostgreSQL needs a library that is not installed"
        raise StoreUnavailable(problem, f"pip install '{DISTRIBUTION}[postgres]'")


def check_shared(settings: Settings) -> None:
    """Check the settings of processes that share their data.

    Raises:
        StoreUnavailable: names the setting to change.
    """
    if settings.database_url is None:
        if settings.role != "all":
            problem = f"a process with the role {settings.role} needs a database that processes share"
            raise StoreUnavailable(problem, "set database_url (PROJECTDAVID_DATABASE_URL)")
        if settings.bus_url is not None:
            raise StoreUnavailable("bus_url is set without database_url", "a single process needs no bus: unset it")
        if settings.relay_port is not None:
            problem = "relay_port is set without database_url"
            raise StoreUnavailable(problem, "a single process needs no relay: unset it")
    elif settings.role != "all" and settings.public_url is None:
        problem = f"links of a process with the role {settings.role} would point at it alone"
        raise StoreUnavailable(problem, "set public_url (PROJECTDAVID_PUBLIC_URL) to the address of all of them")
    if settings.relay_port is not None and settings.relay_url is None and settings.relay_host in WILDCARDS:
        problem = f"other processes cannot reach the terminals at relay_host {settings.relay_host}"
        raise StoreUnavailable(problem, "set relay_url (PROJECTDAVID_RELAY_URL) to the address of this machine")


def bus_of(settings: Settings) -> Bus:
    """Build the bus."""
    if settings.database_url is None:
        return LocalBus()
    if settings.bus_url is not None:
        from projectdavid.adapters.buses.nats import NatsBus

        return NatsBus(settings.bus_url.get_secret_value())
    from projectdavid.adapters.buses.postgres import PostgresBus

    return PostgresBus(settings.database_url.get_secret_value())


def blobs_of(settings: Settings) -> Blobs:
    """Build the storage of files."""
    return DirectoryBlobs(settings.blobs) if settings.blobs_url is None else s3_of(settings)


def s3_of(settings: Settings) -> "S3Blobs":
    """Build the storage of files in the bucket of the settings.

    Raises:
        ValueError: there is no bucket, its URL is invalid, or the library is not installed.
    """
    from projectdavid.adapters.blobs.s3 import S3Blobs

    if settings.blobs_url is None:
        raise ValueError("blobs_url is not set")
    secret = settings.s3_secret_access_key
    return S3Blobs(
        settings.blobs_url,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        access_key=settings.s3_access_key_id,
        secret_key=None if secret is None else secret.get_secret_value(),
    )


def index_of(settings: Settings) -> ChunkIndex:
    """Build the search index."""
    if settings.database_url is None:
        return SQLiteIndex(settings.index)
    from projectdavid.adapters.indexes.postgres import PostgresIndex

    return PostgresIndex(settings.database_url.get_secret_value())
