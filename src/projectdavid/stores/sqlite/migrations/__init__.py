"""Bring the schema up to date: numbered scripts, each applied once, each in a transaction of its own."""

from pathlib import Path

import apsw

from projectdavid.ports.store import Unavailable

SCRIPTS = tuple(path.read_text(encoding="utf-8") for path in sorted(Path(__file__).parent.glob("*.sql")))
"""In order; read when the program starts, so that it needs nothing of its own files later."""


def migrate(connection: apsw.Connection) -> None:
    """Apply the scripts that the file has not seen.

    Raises:
        Unavailable: a newer version of the platform wrote the file.
    """
    version = int(connection.pragma("user_version") or 0)
    if version > len(SCRIPTS):
        raise Unavailable(f"the database is of version {version}, newer than this program's {len(SCRIPTS)}: upgrade it")
    for number, script in enumerate(SCRIPTS[version:], start=version + 1):
        with connection:
            for _ in connection.execute(script):
                pass
            connection.pragma("user_version", number)
