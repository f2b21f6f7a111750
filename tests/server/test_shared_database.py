"""Processes that share a PostgreSQL database: their first start, and settings that do not fit together."""

import asyncio
from pathlib import Path

import pytest

from projectdavid.composition.bootstrap import assemble
from projectdavid.ports import queries
from projectdavid.ports.rows import VectorStoreFileRow
from projectdavid.ports.store import Op, StoreUnavailable, Value
from projectdavid.settings import Settings
from tests.contracts.rows import born, file, knowledge

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


async def test_only_a_process_that_ingests_has_files_of_another_model_read_again(
    tmp_path: Path, postgres_url: str
) -> None:
    shared = {"database_url": postgres_url, "secret_key": SECRET, "public_url": "http://fleet.example"}
    first = await assemble(settings_of(tmp_path / "first", **shared))
    await born(first.store)
    await first.store.of("ann").write([file("f"), *knowledge()])

    async def attached() -> VectorStoreFileRow:
        row = await first.store.of("ann").one(queries.STORE_FILE, store_id="vs", file_id="f")
        assert row is not None
        return row

    n = (await attached()).n
    claim: dict[str, Value] = {"n": n, "lease": "worker", "now": 1.0, "until": 2.0}
    done: dict[str, Value] = {"n": n, "lease": "worker", "version": "v", "space": "model", "chunks": 1, "size": 1}
    done |= {"warnings": "[]", "now": 2}
    await first.store.write([Op(queries.INGEST_CLAIM, claim), Op(queries.INGEST_DONE, done)])
    for role, stale in (("api", 0), ("worker", 1)):
        process = await assemble(settings_of(tmp_path / role, role=role, **shared))
        assert (await attached()).stale == stale
        await process.close()
    await first.close()
