"""Schema migrations: numbered scripts, each applied once, by one process at a time.

A script only adds; what it replaces is removed by a later release. So a program works with its own schema, with that of
the previous release, down to `needed`, and with that of the next one, whose `oldest` says so.
"""

from dataclasses import dataclass
from pathlib import Path

import asyncpg

from projectdavid.ports.store import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of a release. Its version is the number of its scripts."""

    scripts: tuple[str, ...]
    needed: int
    """The oldest version that the program works with; it migrates older ones when it starts."""
    oldest: int
    """The version of the oldest program that works with this schema."""

    @property
    def version(self) -> int:
        """The number of scripts."""
        return len(self.scripts)


SCHEMA = Schema(
    scripts=tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql"))),
    needed=8,
    oldest=1,
)
"""The schema of this release; read at import, so the program does not depend on its files later."""
LOCK = 8_203_173_045
"""The advisory lock of migrations."""
LOCK_TIMEOUT = "2s"
"""How long a script waits for a lock, since all others wait for the script; then the migration starts again."""
SCRIPT_TIMEOUT = 3600.0
"""Seconds that a script can take."""
INSTALLATION = """
CREATE TABLE IF NOT EXISTS installation (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version bigint NOT NULL,
    oldest bigint NOT NULL
)
"""


async def migrate(connection: asyncpg.Connection, schema: Schema = SCHEMA, *, upgrade: bool = False) -> None:
    """Apply the scripts that the program needs, or (`upgrade`) all of them.

    Raises:
        StoreUnavailable: a newer version of the platform wrote the schema, and this one does not work with it.
    """
    enough = schema.version if upgrade else schema.needed
    async with connection.transaction():
        # Without a lock first: a role that cannot create anything can use a schema that is up to date.
        version, oldest = await _find_version(connection)
        if version < enough:
            await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
            await connection.execute(INSTALLATION)
            version, oldest = await _find_version(connection)
        if oldest > schema.version:
            raise StoreUnavailable(
                f"the database has schema version {version}, which needs a program of version {oldest} or newer;"
                f" this one has version {schema.version}",
                "upgrade projectdavid",
            )
        if version < enough:
            await _apply(connection, schema, version)


async def _apply(connection: asyncpg.Connection, schema: Schema, version: int) -> None:
    await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0")
    for script in schema.scripts[version:]:
        await connection.execute(script, timeout=SCRIPT_TIMEOUT)
    await connection.execute(
        "INSERT INTO installation (version, oldest) VALUES ($1, $2)"
        " ON CONFLICT (singleton) DO UPDATE SET version = excluded.version, oldest = excluded.oldest",
        schema.version,
        schema.oldest,
    )


async def _find_version(connection: asyncpg.Connection) -> tuple[int, int]:
    """Return the versions of the schema and of the oldest program that works with it; zeros in an empty database."""
    if await connection.fetchval("SELECT to_regclass('installation')::text") is None:
        return 0, 0
    row = await connection.fetchrow("SELECT version, oldest FROM installation")
    return (0, 0) if row is None else (int(row["version"]), int(row["oldest"]))
