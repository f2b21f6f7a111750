"""The database of a data folder as one side of a move."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from projectdavid.adapters.stores.sqlite.migrations import migrate
from projectdavid.composition.backup.snapshot import list_faults
from projectdavid.composition.move.tables import STATE, MovedTable, MoveError, Row, list_tables, quote
from projectdavid.durable_files import sync_file, sync_folder

PRAGMAS = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA secure_delete = ON;
"""
"""A power failure can lose the last transactions, each together with the record of its progress."""


class SQLiteDatabase:
    """A database file that is locked by the caller."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch(mode=0o600)
        self._connection = apsw.Connection(str(path))
        for _ in self._connection.execute(PRAGMAS):
            pass

    def migrate(self) -> None:
        """Apply the pending migrations.

        Raises:
            StoreUnavailable: a newer version of the platform wrote the file.
        """
        migrate(self._connection, self.path.name)

    def check(self) -> None:
        """Check the file.

        Raises:
            MoveError: it is damaged.
        """
        if faults := list_faults(self._connection, lambda: None):
            raise MoveError(f"{self.path} is damaged: {faults[0]}", "restore a backup, and move that")

    async def load_state(self) -> dict[str, str] | None:
        """Return the recorded steps."""
        if not list(self._connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (STATE,))):
            return None
        return {str(step): str(state) for step, state in self._connection.execute(f"SELECT step, state FROM {STATE}")}  # noqa: S608

    async def begin(self, source: str) -> None:
        """Create the tables, and record the source."""
        self.migrate()
        with self._connection:
            self._connection.execute(f"CREATE TABLE {STATE} (step TEXT PRIMARY KEY, state TEXT NOT NULL)")
            self._save("source", source)

    def stop_triggers(self) -> None:
        """Do not count inserted rows: the counts are copied."""
        self._connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)

    async def save_state(self, step: str, state: str) -> None:
        """Record a step."""
        with self._connection:
            self._save(step, state)

    def _save(self, step: str, state: str) -> None:
        self._connection.execute(f"INSERT OR REPLACE INTO {STATE} (step, state) VALUES (?, ?)", (step, state))  # noqa: S608

    async def rows(self, table: MovedTable, after: Sequence[Any] | None = None) -> AsyncGenerator[Row]:
        """Yield the rows after a key."""
        key = quote(table.key)
        where = "" if after is None else f"WHERE ({key}) > ({', '.join('?' for _ in after)})"
        query = f"SELECT {quote(table.columns)} FROM {table.name} {where} ORDER BY {key}"  # noqa: S608 - our own names
        for row in self._connection.execute(query, tuple(after or ())):
            yield row

    async def count(self, table: MovedTable) -> int:
        """Return the number of rows."""
        return self._value(f"SELECT count(*) FROM {table.name}")  # noqa: S608

    async def add(self, table: MovedTable, rows: Sequence[Row], step: str, state: str) -> None:
        """Insert rows and record a step."""
        values = ", ".join("?" for _ in table.columns)
        with self._connection:
            self._connection.executemany(
                f"INSERT INTO {table.name} ({quote(table.columns)}) VALUES ({values})",  # noqa: S608
                rows,
            )
            self._save(step, state)

    async def read_numbers(self) -> dict[str, int]:
        """Return the highest number that each numbered table has ever given."""
        known = {str(name): int(n) for name, n in self._connection.execute("SELECT name, seq FROM sqlite_sequence")}
        return {table.name: known.get(table.name, 0) for table in list_tables() if table.is_numbered}

    async def set_numbers(self, numbers: dict[str, int]) -> None:
        """Continue each numbered table after a number."""
        with self._connection:
            self._connection.execute("DELETE FROM sqlite_sequence")
            insert = "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)"
            self._connection.executemany(insert, [(name, n) for name, n in numbers.items() if n])

    async def find_fact(self, key: str) -> str | None:
        """Return a fact about the installation; None if it is not known."""
        row = next(iter(self._connection.execute("SELECT value FROM meta WHERE key = ?", (key,))), None)
        return None if row is None else str(row[0])

    def publish(self, path: Path) -> None:
        """End the move, and give the file its final name."""
        self._connection.pragma("wal_checkpoint(TRUNCATE)")
        self.close()
        sync_file(self.path)
        self.path.rename(path)
        sync_folder(path.parent)
        # Last, because without its state the file would look like one that was never filled.
        with closing(apsw.Connection(str(path))) as connection:
            connection.execute(f"DROP TABLE IF EXISTS {STATE}")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _value(self, query: str) -> int:
        return next(iter(self._connection.execute(query)))[0]
