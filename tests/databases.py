"""The database of the servers that tests start: SQLite, or PostgreSQL with `TEST_STORE=postgres`."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from tests.postgres_server import PostgresServer, run_postgres

IS_POSTGRES = os.environ.get("TEST_STORE") == "postgres"
_RUNNING: list[Iterator[PostgresServer]] = []
"""Keeps the server until the process ends, which stops it."""


@cache
def running_postgres() -> PostgresServer:
    """The PostgreSQL server of this process, started at the first call."""
    _RUNNING.append(run_postgres())
    return next(_RUNNING[0])


@contextmanager
def new_database() -> Iterator[dict[str, str]]:
    """Settings of a new database, which is dropped at the end; none for SQLite, which is in the data folder."""
    if not IS_POSTGRES:
        yield {}
        return
    with running_postgres().create_database() as url:
        yield {"database_url": url}
