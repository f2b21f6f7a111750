"""The real store on a real file, whose commits take as long as the seed says, and which can lose its process."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import apsw

from projectdavid.adapters.stores.sqlite import SQLiteStore
from projectdavid.adapters.stores.sqlite.queries import QUERIES
from projectdavid.adapters.stores.sqlite.writer import GroupWriter, Settle
from projectdavid.ports.store import R, RowQuery, Value

COMMIT_SECONDS = (0.0, 0.001, 0.02)
"""How long commits take."""
EMPTY = ("DELETE FROM users", "DELETE FROM configs", "DELETE FROM sqlite_sequence")


class SimCommits:
    """Commits after a while; what is under way when the process dies is committed or not, as it comes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._pending: tuple[asyncio.TimerHandle, Callable[[], object]] | None = None

    def run(self, work: Callable[[], None], settle: Settle) -> None:
        def finish() -> None:
            self._pending = None
            work()
            settle(None)

        delay = self._random.choice(COMMIT_SECONDS)
        self._pending = asyncio.get_running_loop().call_later(delay, finish), work

    def close(self) -> None:
        pass

    def crash(self) -> None:
        if self._pending is not None:
            timer, work = self._pending
            timer.cancel()
            if self._random.random() < 0.5:
                work()


class Database(SQLiteStore):
    """A store that can lose its process, and be emptied for the next world.

    Its connections outlive both: to open them anew costs more than a world. That a file is whole after `kill -9` is
    SQLite's promise, and tested with real processes.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._closed = apsw.Connection(":memory:")
        self._closed.close()

    def open_once(self) -> None:
        """Open it in real time: that takes a thread, for which the time of a world does not wait."""
        if self._reader is None:
            asyncio.run(self.open())
            assert self._reader is not None
            assert self._writer is not None
            self._connection = self._writer._connection
            self._writer._commits.close()
            self._look = self._reader
            self._connection.execute("PRAGMA synchronous = OFF")  # nobody pulls the plug here

    async def start(self, random: Random) -> None:
        """Begin to write, as a new process does."""
        self._sim = SimCommits(random)
        self._writer = GroupWriter(self._connection, self._sim, self._reserve)

    def look(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What is on the disk, for those who look often."""
        return list(self._look.execute(sql, values))

    def rows(self, query: RowQuery[R], params: Mapping[str, Value]) -> list[R]:
        """The rows of a named query."""
        return self.read(QUERIES[query.name], dict(params))

    def empty(self) -> None:
        """Forget everything."""
        for statement in EMPTY:
            self._connection.execute(statement)

    def crash(self) -> None:
        """Lose the process: nothing is finished, and what was not committed is gone."""
        self._sim.crash()
        if not self._connection.get_autocommit():
            self._connection.execute("ROLLBACK")
        assert self._writer is not None
        self._writer._connection = self._closed

    def end(self) -> None:
        """Do nothing: the file goes with its folder."""
