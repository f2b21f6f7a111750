"""Checks of the PostgreSQL database that the processes of an installation share."""

import hmac
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg

from projectdavid.adapters.indexes.postgres.schema import SCRIPTS as INDEX_SCRIPTS
from projectdavid.adapters.indexes.postgres.schema import find_versions
from projectdavid.adapters.stores.postgres.connections import connect
from projectdavid.adapters.stores.postgres.migrations import SCHEMA
from projectdavid.cli.doctor.findings import DoctorFinding, fail, ok, warn
from projectdavid.composition.data_folder import FINGERPRINT
from projectdavid.composition.secret_file import fingerprint_of, load_secret
from projectdavid.ports.store import MAX_CLOCK_SKEW, StoreUnavailable
from projectdavid.settings import Settings

NAME = "postgresql"
TIMEOUT = 10
"""Seconds for each connection and each statement."""
OLDEST_SERVER = 150_000
OTHER_CONNECTIONS = 7
"""Connections of a process besides `database_pool`: the writer, the bus, four of the index, and one to cancel or to
migrate."""
WRONG_CLOCK = 300
"""Seconds from which on a clock fails the check. Servers use the time of the database, but S3 and TLS do not."""
LONGEST_TRANSACTION = 60
"""Seconds after which an open transaction is reported."""
DIRECT = (
    "let database_url name the PostgreSQL server itself, or a pooler in session mode (PgBouncer: pool_mode = session)"
)
ENLARGE = "raise max_connections (or the CONNECTION LIMIT of role or database), or lower database_pool"
MIGRATE = "run `projectdavid migrate`"
PID = "SELECT pg_backend_pid()"
FACTS = """
SELECT current_setting('server_version_num')::integer AS version, current_setting('server_version') AS version_text,
    current_database()::text AS database, current_user::text AS role, pg_is_in_recovery() AS is_standby,
    current_setting('fsync') AS fsync, current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('autovacuum') AS autovacuum, current_setting('track_counts') AS track_counts,
    LEAST(
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer,
        (SELECT NULLIF(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
        (SELECT NULLIF(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
    ) AS max_connections,
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL AND usesysid IS NOT NULL) AS connections,
    has_database_privilege(current_database(), 'CREATE')
        AND has_schema_privilege(current_schema(), 'CREATE') AS can_create,
    to_regclass('installation') IS NOT NULL AS has_store
"""
OLDEST_TRANSACTION = """
SELECT what, extract(epoch FROM clock_timestamp() - since)::double precision AS age FROM (
    SELECT 'process ' || pid || ' of ' || usename AS what, xact_start AS since FROM pg_stat_activity
    WHERE xact_start IS NOT NULL AND backend_type = 'client backend' AND pid <> pg_backend_pid()
    UNION ALL SELECT 'prepared transaction ' || quote_literal(gid), prepared FROM pg_prepared_xacts
) AS transactions ORDER BY since LIMIT 1
"""
Facts = Mapping[str, Any]


async def check_postgres(settings: Settings) -> list[DoctorFinding]:
    """Check the server, the database, and how this machine reaches it; without a connection, only that is reported."""
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    try:
        if (pooled := await _find_pooling(url)) is not None:
            return [fail(NAME, f"a proxy in front of PostgreSQL pools transactions: {pooled}", DIRECT)]
        async with _connected(url) as connection:
            return await _check_all(connection, settings)
    except StoreUnavailable as error:
        return [fail(NAME, error.problem, error.remedy)]
    except asyncpg.ProtocolViolationError as error:
        return [fail(NAME, f"a proxy refuses the connection: {error}", DIRECT)]
    except (OSError, asyncpg.InterfaceError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        return [fail(NAME, f"it cannot be reached ({reason})", "start it, or correct database_url")]
    except asyncpg.PostgresError as error:
        return [fail(NAME, f"it reports: {error}", "check database_url and the privileges of its user")]


async def _check_all(connection: asyncpg.Connection, settings: Settings) -> list[DoctorFinding]:
    row = await connection.fetchrow(FACTS)
    assert row is not None
    facts = dict(row)
    return [
        _check_server(facts),
        await _check_schema(connection, facts),
        await _check_secret(connection, facts, settings),
        _check_durability(facts),
        _check_autovacuum(facts),
        _check_connections(facts, settings.database_pool),
        await _check_clock(connection),
        await _check_transactions(connection),
    ]


@asynccontextmanager
async def _connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect as a server does."""
    connection = await connect(url)
    try:
        yield connection
    finally:
        await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        await connection.close(timeout=TIMEOUT)


async def _find_pooling(url: str) -> str | None:
    """Return how a proxy mixes the transactions of two sessions; None if each session has a backend of its own.

    A proxy gives a backend that has just become free to the next transaction, whichever session it belongs to.

    Raises:
        StoreUnavailable: the URL is invalid, or the server refuses the user or the database.
    """
    async with _connected_plainly(url) as one, _connected_plainly(url) as other:
        try:
            first = await one.fetchval(PID)
            async with other.transaction():
                second = await other.fetchval(PID)
                third = await one.fetchval(PID)
        except (asyncpg.InvalidSQLStatementNameError, asyncpg.DuplicatePreparedStatementError):
            return "a prepared statement is lost between two transactions"
        except TimeoutError:
            return "a session waits while another one has a transaction open"
    if first == second:
        return "two sessions reached the same backend"
    return None if first == third else "two statements of one session reached different backends"


@asynccontextmanager
async def _connected_plainly(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect without settings of the session, which some proxies refuse."""
    try:
        connection = await asyncpg.connect(url, timeout=TIMEOUT, command_timeout=TIMEOUT, statement_cache_size=0)
    except ValueError:  # its message can quote a part of the URL, and with it the password
        raise StoreUnavailable("the URL is invalid", "set database_url to postgresql://user:password@host/db") from None
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise StoreUnavailable(f"it refuses the user: {error}", "check user and password in database_url") from None
    except asyncpg.InvalidCatalogNameError as error:
        raise StoreUnavailable(f"it has no such database: {error}", "create it with createdb") from None
    try:
        yield connection
    finally:
        await _close(connection)


def _check_server(facts: Facts) -> DoctorFinding:
    text = f"version {facts['version_text']}, database {facts['database']}, user {facts['role']}"
    if facts["version"] < OLDEST_SERVER:
        return fail(NAME, text, "upgrade PostgreSQL to version 15 or newer")
    if facts["is_standby"]:
        return fail(NAME, f"{text}: a standby, which accepts no writes", "let database_url name the primary")
    return ok(NAME, text)


async def _check_schema(connection: asyncpg.Connection, facts: Facts) -> DoctorFinding:
    name = "schema"
    store, oldest = 0, 0
    if facts["has_store"]:
        row = await connection.fetchrow("SELECT version, oldest FROM installation")
        store, oldest = (0, 0) if row is None else (row["version"], row["oldest"])
    index, oldest_index = await find_versions(connection)
    newest = f"of {SCHEMA.version}, search index {index} of {len(INDEX_SCRIPTS)}"
    text = f"version {store} {newest}"
    if oldest > SCHEMA.version or oldest_index > len(INDEX_SCRIPTS):
        return fail(
            name, f"{text}: a newer program wrote it, and this one does not work with it", "upgrade projectdavid"
        )
    if store >= SCHEMA.version and index >= len(INDEX_SCRIPTS):
        return ok(name, text)
    if not facts["can_create"]:
        return fail(
            name, f"{text}, and {facts['role']} cannot create tables", f"{MIGRATE} as the owner of the database"
        )
    return warn(name, f"{text}: not prepared for this version yet", MIGRATE)


async def _check_secret(connection: asyncpg.Connection, facts: Facts, settings: Settings) -> DoctorFinding:
    name, remedy = "secret", "set secret_key (PROJECTDAVID_SECRET_KEY) to the secret of the other processes"
    known = None
    if facts["has_store"]:
        known = await connection.fetchval("SELECT value FROM meta WHERE key = $1", FINGERPRINT)
    try:
        secret = load_secret(settings)
    except StoreUnavailable as error:
        return fail(name, error.problem, remedy)
    if known is None:
        return ok(name, "the database has none yet; the first start determines it")
    if secret is None:
        return fail(name, "the database has one, but this machine has not", remedy)
    if not hmac.compare_digest(known, fingerprint_of(secret)):
        return fail(name, "it is not the secret that the database was created with", remedy)
    return ok(name, f"it is that of the database (fingerprint {known[:8]})")


def _check_durability(facts: Facts) -> DoctorFinding:
    wrong = [setting for setting in ("fsync", "full_page_writes", "synchronous_commit") if facts[setting] == "off"]
    if not wrong:
        return ok("durability", f"fsync is on, synchronous_commit is {facts['synchronous_commit']}")
    text = f"{' and '.join(wrong)} off: a crash can lose or damage committed data"
    return fail("durability", text, f"set {', '.join(f'{setting} = on' for setting in wrong)} in postgresql.conf")


def _check_autovacuum(facts: Facts) -> DoctorFinding:
    wrong = [setting for setting in ("autovacuum", "track_counts") if facts[setting] == "off"]
    if not wrong:
        return ok("autovacuum", "it is on")
    text = f"{' and '.join(wrong)} off: the queues become slower with each run"
    return fail("autovacuum", text, f"set {', '.join(f'{setting} = on' for setting in wrong)} in postgresql.conf")


def _check_connections(facts: Facts, pool: int) -> DoctorFinding:
    name, each, most, used = "connections", pool + OTHER_CONNECTIONS, facts["max_connections"], facts["connections"]
    text = f"{used} of {most} in use; a process opens at most {each}, so there is room for {most // each} processes"
    if most < 2 * each:
        return fail(name, text, ENLARGE)
    return ok(name, text) if most - used >= each else warn(name, f"{text}, and none for another one now", ENLARGE)


async def _check_clock(connection: asyncpg.Connection) -> DoctorFinding:
    before = time.time()
    row = await connection.fetchrow("SELECT extract(epoch FROM clock_timestamp())::double precision AS now")
    after = time.time()
    assert row is not None
    theirs: float = row["now"]
    offset = (before + after) / 2 - theirs
    text = f"this machine is {offset:+.3f} s from PostgreSQL (round trip {1000 * (after - before):.1f} ms)"
    if abs(offset) <= MAX_CLOCK_SKEW:
        return ok("clock", text)
    remedy = "synchronize the clocks of all machines, for example with NTP"
    return (fail if abs(offset) > WRONG_CLOCK else warn)("clock", text, remedy)


async def _check_transactions(connection: asyncpg.Connection) -> DoctorFinding:
    row = await connection.fetchrow(OLDEST_TRANSACTION)
    if row is None or row["age"] < LONGEST_TRANSACTION:
        return ok("transactions", "none has been open for long")
    text = f"{row['what']} has one that is {row['age']:.0f} s old, and prevents vacuum from removing deleted rows"
    return warn("transactions", text, "end it, and set idle_in_transaction_session_timeout")
