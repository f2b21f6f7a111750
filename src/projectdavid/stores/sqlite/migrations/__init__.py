"""Bring the schema up to date: numbered scripts, each applied once, each in a transaction of its own."""

from pathlib import Path

import apsw

from projectdavid.ports.store import Unavailable


def migrate(connection: apsw.Connection) -> None:
    """Apply the scripts that the file has not seen.

    Raises:
        Unavailable: a newer version of the platform wrote the file.
    """
    scripts = sorted(Path(__file__).parent.glob("*.sql"))
    version = int(connection.pragma("user_version") or 0)
    if version > len(scripts):
        raise Unavailable(f"the database is of version {version}, newer than this program's {len(scripts)}: upgrade it")
    for number, script in enumerate(scripts[version:], start=version + 1):
        with connection:
            for _ in connection.execute(script.read_text(encoding="utf-8")):
                pass
            connection.pragma("user_version", number)
