"""Schema migrations: numbered scripts, each applied once, by one process at a time.

A script only adds; what it replaces is removed by a later version. So a process works with the schema of its own
version and of the next ones, down to `OLDEST` of the newest script that was applied.
"""

from pathlib import Path

import asyncpg

from projectdavid.ports.store import StoreUnavailable

SCRIPTS = tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
"""The scripts in order; read at import, so the program does not depend on its files later."""
OLDEST = 1
"""The schema version of the oldest program that works with the schema of the newest script."""
LOCK = 8_203_173_045
"""The advisory lock of migrations."""
INSTALLATION = """
CREATE TABLE IF NOT EXISTS installation (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version bigint NOT NULL,
    oldest bigint NOT NULL
)
"""


async def migrate(connection: asyncpg.Connection) -> None:
    """Apply the pending scripts.

    Raises:
        StoreUnavailable: a newer version of the platform wrote the schema, and this one does not work with it.
    """
    async with connection.transaction():
        # Without a lock first: a role that cannot create anything can use a schema that is up to date.
        version, oldest = await _find_version(connection)
        if version < len(SCRIPTS):
            await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            await connection.execute(INSTALLATION)
            version, oldest = await _find_version(connection)
        if oldest > len(SCRIPTS):
            raise StoreUnavailable(
                f"the database has schema version {version}, which needs a program of version {oldest} or newer;"
                f" this one has version {len(SCRIPTS)}",
                "upgrade projectdavid",
            )
        for script in SCRIPTS[version:]:
            await connection.execute(script)
        if version < len(SCRIPTS):
            await connection.execute(
                "INSERT INTO installation (version, oldest) VALUES ($1, $2)"
                " ON CONFLICT (singleton) DO UPDATE SET version = excluded.version, oldest = excluded.oldest",
                len(SCRIPTS),
                OLDEST,
            )


async def _find_version(connection: asyncpg.Connection) -> tuple[int, int]:
    """Return the versions of the schema and of the oldest program that works with it; zeros in an empty database."""
    if await connection.fetchval("SELECT to_regclass('installation')::text") is None:
        return 0, 0
    row = await connection.fetchrow("SELECT version, oldest FROM installation")
    return (0, 0) if row is None else (int(row["version"]), int(row["oldest"]))
