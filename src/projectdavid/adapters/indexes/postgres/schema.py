"""The schema of the index, in numbered scripts that are applied once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from projectdavid.ports.index import IndexUnavailable

if TYPE_CHECKING:
    from asyncpg import Connection

    from projectdavid.adapters.indexes.postgres.pool import IndexConnection

SCRIPTS = tuple(
    path.read_text(encoding="utf-8") for path in sorted(Path(__file__).with_name("migrations").glob("*.sql"))
)
MIGRATION_LOCK = 0x5044_0001
"""Key of the advisory lock under which one process migrates."""
VERSIONS = """
SELECT v.version, coalesce((to_jsonb(v) ->> 'oldest')::integer, v.version) AS oldest FROM search.schema_version AS v
"""
"""The version of the schema, and the oldest version of a program that works with it, which a later release can add."""
PREPARE = """
CREATE SCHEMA IF NOT EXISTS search;
CREATE TABLE IF NOT EXISTS search.schema_version (version integer NOT NULL);
"""


async def migrate(connection: IndexConnection) -> None:
    """Apply the missing scripts; the connection is in a transaction.

    Raises:
        IndexUnavailable: a newer version of the platform migrated the schema, and this one does not work with it.
    """
    # Without a lock first: a role that cannot create anything can use a schema that is up to date.
    version, oldest = await find_versions(connection)
    if version >= len(SCRIPTS) >= oldest:
        return
    await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
    await connection.execute(PREPARE)
    version, oldest = await find_versions(connection)
    if oldest > len(SCRIPTS):
        raise IndexUnavailable(
            f"the schema of the index has version {version}, newer than version {len(SCRIPTS)}: update this server"
        )
    for script in SCRIPTS[version:]:
        await connection.execute(script)
    await connection.execute("DELETE FROM search.schema_version")
    await connection.execute("INSERT INTO search.schema_version (version) VALUES ($1)", len(SCRIPTS))


async def find_versions(connection: IndexConnection | Connection) -> tuple[int, int]:
    """Return the versions of the schema and of the oldest program that works with it; zeros in an empty database."""
    if await connection.fetchval("SELECT to_regclass('search.schema_version')") is None:
        return 0, 0
    row = await connection.fetchrow(VERSIONS)
    return (0, 0) if row is None else (row["version"], row["oldest"])
