"""The database of the servers that tests start: SQLite, or PostgreSQL with `TEST_STORE=postgres`."""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.postgres_server import PostgresServer, run_postgres

IS_POSTGRES = os.environ.get("TEST_STORE") == "postgres"
_RUNNING: list[Iterator[PostgresServer]] = []
"""Keeps the server until the process ends, which stops it."""


@cache
def running_postgres() -> PostgresServer:
    """The PostgreSQL server of this process, started at the first call."""
    _RUNNING.append(run_postgres())
    return next(_RUNNING[0])


@cache
def database_of(path: Path) -> dict[str, str]:
    """Settings of the database of a data folder, created at the first call; none for SQLite, which is in the folder."""
    return {"database_url": running_postgres().add_database()} if IS_POSTGRES else {}


def execute_sql(path: Path, statement: str) -> list[str]:
    """Execute a statement in the PostgreSQL database of a data folder; returns its rows as lines."""
    name = database_of(path)["database_url"].rpartition("/")[2]
    return running_postgres().execute(statement, name).split()
