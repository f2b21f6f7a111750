"""Checks of what the processes of an installation share: database, bus, files, public URL."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable
from importlib.util import find_spec

from projectdavid.cli.configuration import shown_url
from projectdavid.cli.doctor.findings import DoctorFinding, fail, ok, warn
from projectdavid.client import Entity, ProjectDavidError
from projectdavid.composition.storage import blobs_of, bus_of
from projectdavid.distribution import DISTRIBUTION
from projectdavid.ports.blobs import BlobError
from projectdavid.settings import Settings

PATIENCE = 5.0
"""Timeout for the public URL, in seconds."""
PROBE = b"projectdavid doctor\n"


def shared_checks(settings: Settings) -> Iterable[DoctorFinding]:
    """Check everything that processes with this configuration share."""
    if find_spec("asyncpg") is None:
        problem = "PostgreSQL needs a library that is not installed"
        yield fail("postgresql", problem, f"pip install '{DISTRIBUTION}[postgres]'")
        return
    from projectdavid.cli.doctor.postgres_checks import check_postgres

    yield from asyncio.run(check_postgres(settings))
    yield asyncio.run(_check_bus(settings))
    yield asyncio.run(_check_files(settings))
    yield _check_public_url(settings)


async def _check_bus(settings: Settings) -> DoctorFinding:
    """Send a message through the bus, and wait until it arrives: a bus is connected once it has received its own."""
    name = "bus"
    service = "PostgreSQL" if settings.bus_url is None else "NATS"
    setting = "database_url" if settings.bus_url is None else "bus_url"
    try:
        bus = bus_of(settings)
    except ValueError as error:  # the library is missing
        return fail(name, str(error))
    before = time.monotonic()
    await bus.open()
    try:
        state, seconds = bus.state, time.monotonic() - before
    finally:
        await bus.close()
    if state.connected_since is None:
        text = f"{service} delivers no hints, so other processes notice changes later: {state.problem}"
        return fail(name, text, f"start it, or correct {setting}")
    return ok(name, f"{service} delivers hints ({1000 * seconds:.0f} ms with the connection)")


async def _check_files(settings: Settings) -> DoctorFinding:
    """Store, read and delete a small object."""
    name, where = "files", settings.blobs_url
    if where is None:
        text = f"they are in {settings.blobs}, which processes on other machines do not see"
        return warn(name, text, "set blobs_url (PROJECTDAVID_BLOBS_URL) to a bucket, or share the folder")
    action = "store"
    try:
        blobs = blobs_of(settings)
        blob = await blobs.put(_probe(), len(PROBE))
        action = "read"
        content = b"".join([piece async for piece in blobs.read(blob.key)])
        action = "delete"
        await blobs.delete([blob.key])
    except ValueError as error:  # the URL is invalid, or the library is missing
        return fail(name, str(error), "correct blobs_url")
    except BlobError as error:
        text = f"{where}: cannot {action} an object: {error}"
        return fail(name, text, "check blobs_url, s3_endpoint, s3_region and the permissions of the access key")
    if content != PROBE:
        return fail(name, f"{where} returned other bytes than were stored", "use another S3 service")
    return ok(name, f"{where} stores, reads and deletes objects")


async def _probe() -> AsyncGenerator[bytes]:
    yield PROBE


def _check_public_url(settings: Settings) -> DoctorFinding:
    name = "public url"
    if settings.public_url is None:
        text = "it is not set, so links to files and terminals name a single process"
        return fail(name, text, "set public_url (PROJECTDAVID_PUBLIC_URL) to the address of the balancer")
    url = shown_url(settings.public_url)
    with Entity(settings.public_url, "none", timeout=PATIENCE, max_retries=0) as client:
        try:
            health = client.health()
        except ProjectDavidError as error:
            text = f"{url} does not answer from here: {str(error).splitlines()[0]}"
            return warn(name, text, "start the servers and the balancer, or correct public_url")
    return ok(name, f"{url} answers, version {health.version}")
