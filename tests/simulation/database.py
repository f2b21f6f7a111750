"""The real store on a real file, whose commits take as long as the seed says, and which can lose its process."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import apsw

from projectdavid.stores.sqlite import SQLiteStore
from projectdavid.stores.sqlite.writer import Settle


class SimCommits:
    """Commits after a while; what is under way when the process dies is committed or not, as it comes."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._loop = asyncio.get_running_loop()
        self._pending: tuple[asyncio.TimerHandle, Callable[[], None]] | None = None

    def commit(self, connection: apsw.Connection, settle: Settle) -> None:
        def committed() -> None:
            self._pending = None
            connection.execute("COMMIT")
            settle(None)

        delay = self._random.choice((0.0, 0.001, 0.02))
        self._pending = self._loop.call_later(delay, committed), lambda: connection.execute("COMMIT") and None

    def close(self) -> None:
        pass

    def crash(self) -> None:
        if self._pending is not None:
            timer, commit = self._pending
            timer.cancel()
            if self._random.random() < 0.5:
                commit()


class Database(SQLiteStore):
    """A store that can be dropped as it is."""

    def __init__(self, path: Path, random: Random) -> None:
        self._random = random
        super().__init__(path, self._made)

    def _made(self) -> SimCommits:
        self._sim = SimCommits(self._random)
        return self._sim

    def crash(self) -> None:
        """Lose the process: nothing is finished, and what was not committed is gone."""
        assert self._writer is not None and self._reader is not None
        self._sim.crash()
        self._writer._connection.close()
        self._reader.close()
        os.close(self._lock)
        self._writer, self._reader, self._lock = None, None, -1


def prepared(template: Path, path: Path) -> None:
    """Begin from a file whose schema is there already."""
    shutil.copyfile(template, path)
