"""The PostgreSQL server of the tests."""

import asyncpg
import pytest

from tests.postgres_server import PostgresServer

pytestmark = pytest.mark.anyio


async def fetch(url: str, query: str) -> object:
    """Return one value."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def test_each_test_has_an_empty_database(postgres_url: str) -> None:
    assert await fetch(postgres_url, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == 0
    assert await fetch(postgres_url, "SELECT datcollate FROM pg_database WHERE datname = current_database()") == "C"


@pytest.mark.parametrize(
    ("setting", "value"),
    [("fsync", "off"), ("synchronous_commit", "on"), ("max_connections", "200")],
)
async def test_commits_outlive_the_server_but_not_the_machine(postgres_url: str, setting: str, value: str) -> None:
    assert await fetch(postgres_url, f"SHOW {setting}") == value


async def test_data_outlive_a_crash_and_the_url_stays(postgres_server: PostgresServer, postgres_url: str) -> None:
    await fetch(postgres_url, "CREATE TABLE kept (n bigint)")
    await fetch(postgres_url, "INSERT INTO kept VALUES (7)")
    postgres_server.stop("immediate")
    with pytest.raises(OSError):
        await asyncpg.connect(postgres_url)
    postgres_server.start()
    assert await fetch(postgres_url, "SELECT n FROM kept") == 7


def test_two_databases_are_two(postgres_server: PostgresServer) -> None:
    with postgres_server.create_database() as one, postgres_server.create_database() as two:
        assert one != two
    names = {url.rpartition("/")[2] for url in (one, two)}
    assert names.isdisjoint(postgres_server.execute("SELECT datname FROM pg_database").split())
