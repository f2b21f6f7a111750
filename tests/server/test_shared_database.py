"""Processes that share a PostgreSQL database: their first start, and settings that do not fit together."""

import asyncio
from pathlib import Path

import pytest

from projectdavid.composition.bootstrap import assemble
from projectdavid.ports import queries
from projectdavid.ports.store import StoreUnavailable
from projectdavid.settings import Settings

pytestmark = pytest.mark.anyio

SECRET = "5a" * 32


def settings_of(folder: Path, **values: object) -> Settings:
    """The settings of a process with a folder of its own."""
    return Settings(**{"data": folder, "sandbox": "off", "embedding_model": "off", **values})  # pyright: ignore


async def test_processes_that_start_at_once_share_the_first_users(tmp_path: Path, postgres_url: str) -> None:
    folders = [tmp_path / name for name in ("one", "two", "three")]
    shared = {"database_url": postgres_url, "secret_key": SECRET}
    platforms = await asyncio.gather(*(assemble(settings_of(folder, **shared)) for folder in folders))
    users = await platforms[0].store.all(queries.USERS_PAGE.asc, after=None, limit=9)
    assert len(users) == 2
    assert sum((folder / "credentials.json").exists() for folder in folders) == 1
    for platform in platforms:
        await platform.close()


async def test_another_secret_than_that_of_the_database_is_refused(tmp_path: Path, postgres_url: str) -> None:
    first = await assemble(settings_of(tmp_path / "one", database_url=postgres_url, secret_key=SECRET))
    await first.close()
    for other in ({"secret_key": "a5" * 32}, {}):
        with pytest.raises(StoreUnavailable, match="secret"):
            await assemble(settings_of(tmp_path / "two", database_url=postgres_url, **other))


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"role": "api"}, "database_url"),
        ({"role": "worker"}, "database_url"),
        ({"bus_url": "nats://127.0.0.1:4222"}, "database_url"),
        ({"role": "api", "database_url": "postgresql://127.0.0.1/none"}, "public_url"),
    ],
)
async def test_settings_that_do_not_fit_together_are_refused_with_the_setting_to_change(
    tmp_path: Path, values: dict[str, str], problem: str
) -> None:
    with pytest.raises(StoreUnavailable, match=problem):
        await assemble(settings_of(tmp_path, **values))
