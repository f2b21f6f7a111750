"""Schema migrations: numbered scripts, each applied once in its own transaction."""

from contextlib import closing
from pathlib import Path

import apsw

from projectdavid.ports.store import StoreUnavailable

SCRIPTS = tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
"""The scripts in order; read at import, so the program does not depend on its files later."""


def migrate(connection: apsw.Connection, name: str = "the database") -> None:
    """Apply the pending scripts.

    Raises:
        StoreUnavailable: a newer version of the platform wrote the file, or its tables do not match its version number.
    """
    version = int(connection.pragma("user_version") or 0)
    if version > len(SCRIPTS):
        raise StoreUnavailable(
            f"{name} has schema version {version}, newer than version {len(SCRIPTS)}, which this program supports",
            "upgrade projectdavid to the version that wrote it, or restore the backup made before the upgrade",
        )
    for number, script in enumerate(SCRIPTS[version:], start=version + 1):
        try:
            with connection:
                for _ in connection.execute(script):
                    pass
                connection.pragma("user_version", number)
        except apsw.SQLError as error:
            raise _mismatch(connection, name, f"migration {number} failed: {error}") from error
    if _tables(connection).get("users") is None:
        raise _mismatch(connection, name, "the table 'users' is missing")


def _mismatch(connection: apsw.Connection, name: str, reason: str) -> StoreUnavailable:
    """Build the error for a file whose tables do not match its version number."""
    version, found = int(connection.pragma("user_version") or 0), _tables(connection)
    actual = max((number for number, tables in _history() if tables == found), default=None)
    problem = f"{name} has schema version {version}, but its tables do not match that version ({reason})"
    if actual is None:
        return StoreUnavailable(problem, "restore it from a backup")
    fix = f"restore it from a backup, or correct the number: sqlite3 {name} 'PRAGMA user_version = {actual}'"
    return StoreUnavailable(f"{problem}; they are those of version {actual}", fix)


def _history() -> list[tuple[int, dict[str, str]]]:
    """Return the tables of each version."""
    versions: list[tuple[int, dict[str, str]]] = []
    with closing(apsw.Connection(":memory:")) as connection:
        for number, script in enumerate(SCRIPTS, start=1):
            for _ in connection.execute(script):
                pass
            versions.append((number, _tables(connection)))
    return versions


def _tables(connection: apsw.Connection) -> dict[str, str]:
    """Return the SQL of each table and index by name."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {str(name): str(sql) for name, sql in rows}
