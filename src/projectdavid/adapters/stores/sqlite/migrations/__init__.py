"""Bring the schema up to date: numbered scripts, each applied once, each in a transaction of its own."""

from contextlib import closing
from pathlib import Path

import apsw

from projectdavid.ports.store import StoreUnavailable

SCRIPTS = tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
"""In order; read when the program starts, so that it needs nothing of its own files later."""


def migrate(connection: apsw.Connection, name: str = "the database") -> None:
    """Apply the scripts that the file has not seen.

    Raises:
        Unavailable: a newer version of the platform wrote the file, or its tables are not those of its version number.
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
        raise _mismatch(connection, name, "it has no table of users")


def _mismatch(connection: apsw.Connection, name: str, reason: str) -> StoreUnavailable:
    """What to say of a file whose tables are not those of its version number."""
    version, found = int(connection.pragma("user_version") or 0), _tables(connection)
    actual = max((number for number, tables in _history() if tables == found), default=None)
    problem = f"{name} says that its schema has version {version}, but its tables are not of that version ({reason})"
    if actual is None:
        return StoreUnavailable(problem, "restore it from a backup")
    fix = f"restore it from a backup, or set the number right: sqlite3 {name} 'PRAGMA user_version = {actual}'"
    return StoreUnavailable(f"{problem}; they are those of version {actual}", fix)


def _history() -> list[tuple[int, dict[str, str]]]:
    """The tables of each version."""
    versions: list[tuple[int, dict[str, str]]] = []
    with closing(apsw.Connection(":memory:")) as connection:
        for number, script in enumerate(SCRIPTS, start=1):
            for _ in connection.execute(script):
                pass
            versions.append((number, _tables(connection)))
    return versions


def _tables(connection: apsw.Connection) -> dict[str, str]:
    """The names of tables and indexes, and how they were made."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {str(name): str(sql) for name, sql in rows}
