"""An index that is lost, damaged or of a newer version is made again from the files, while the server serves."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from anyio import sleep

from tests.server.conftest import serving
from tests.server.talking import Caller, Json, ok
from tests.server.test_data_folder import DAMAGES, running
from tests.timeouts import PAUSE

pytestmark = pytest.mark.anyio

FILES = 4
TEXT = "The heron number {number} stands in the water. "
NAMES = {f"{number}.txt" for number in range(FILES)}


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version = 99")


LOSSES: dict[str, Callable[[Path], object]] = {**DAMAGES, "newer": make_newer}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stopped server: a store with files, and one whose vectors the owner brought."""
    folder = tmp_path_factory.mktemp("indexed")
    with serving(folder, disk_reserve_mb=0) as server, Caller(server.base_url, "", server.api_key) as user:
        files = [user.upload(TEXT.format(number=n).encode() * 50, f"{n}.txt") for n in range(FILES)]
        user.read(user.store(*files, name="Read"))
        brought = ok(user.post("/v1/vector-stores", json={"name": "Brought", "vector_size": 2}))
        vectors = {"file": {"file_id": "mine", "file_name": "mine"}, "texts": ["heron"], "vectors": [[1.0, 0.0]]}
        ok(user.post(f"/v1/vector-stores/{brought['id']}/vectors", json=vectors))
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(original, tmp_path / "data"))


def headers_of(folder: Path) -> dict[str, str]:
    return {"x-api-key": json.loads((folder / "credentials.json").read_text())["api_key"]}


async def path_of(client: httpx2.AsyncClient, headers: dict[str, str], name: str) -> str:
    stores = ok(await client.get("/v1/vector-stores", headers=headers))
    return next(f"/v1/vector-stores/{store['id']}" for store in stores if store["name"] == name)


async def search(client: httpx2.AsyncClient, headers: dict[str, str], path: str) -> httpx2.Response:
    query = {"query": "heron", "max_num_results": 50}
    return await client.post(f"{path}/search", json=query, headers=headers)


def named(found: Json) -> set[str]:
    return {hit["filename"] for hit in found["data"]}


async def index_of(client: httpx2.AsyncClient) -> dict[str, Any]:
    return ok(await client.get("/health"))["knowledge"]["index"]


async def rebuilt(client: httpx2.AsyncClient) -> None:
    while (await index_of(client))["state"] != "ready":  # noqa: ASYNC110 - it announces nothing
        await sleep(PAUSE)


@pytest.mark.parametrize("how", LOSSES)
async def test_a_lost_index_is_made_again_while_the_server_serves(
    folder: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = headers_of(folder)
    LOSSES[how](folder / "index.db")
    async with running(folder) as (_, client):
        path = await path_of(client, headers, "Read")
        first = ok(await search(client, headers, path))
        assert first["incomplete"] is True
        assert "cannot be searched yet" in " ".join(first["remarks"])
        assert (await index_of(client))["total"] == FILES
        await rebuilt(client)
        again = ok(await search(client, headers, path))
        assert (again["incomplete"], again["remarks"], named(again)) == (False, [], NAMES)
        brought = await path_of(client, headers, "Brought")
        [mine] = ok(await client.get(f"{brought}/files", headers=headers))
        assert (mine["status"], mine["last_error"]["message"]) == ("failed", "The index was lost; send it again.")
    assert f"rebuilding the index: {FILES} files" in caplog.text
    assert "the index was rebuilt" in caplog.text


async def test_an_index_that_is_damaged_while_the_server_runs_is_made_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    headers = headers_of(folder)
    async with running(folder) as (_, client):
        path = await path_of(client, headers, "Read")
        damage_in_use(folder / "index.db")
        while "the index was rebuilt" not in caplog.text:
            answer = await search(client, headers, path)
            if answer.status_code == 503:
                assert answer.json()["error"]["code"] == "index_unavailable"
            else:
                assert ok(answer)["incomplete"] or named(ok(answer)) == NAMES
            await sleep(PAUSE)
        assert named(ok(await search(client, headers, path))) == NAMES
    assert "index.db is damaged" in caplog.text


def damage_in_use(path: Path) -> None:
    """Overwrite a database that a process has open, and what it wrote last."""
    path.write_bytes(b"garbage! " * (path.stat().st_size // 9 + 1))
    wal = path.with_name(f"{path.name}-wal")
    wal.write_bytes(b"")


async def test_a_run_is_warned_while_the_index_is_rebuilt(folder: Path) -> None:
    headers = headers_of(folder)
    (folder / "index.db").unlink()
    async with running(folder) as (_, client):
        body = {"model": "scripted/hello", "tools": [{"type": "file_search"}]}
        made = ok(await client.post("/v1/assistants", json=body, headers=headers))
        assert [warning["code"] for warning in made["warnings"]] == ["index_rebuilding"]
        await rebuilt(client)
