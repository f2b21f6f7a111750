"""Starts over data folders of which a part is missing or damaged: all or nothing, and no data is deleted."""

import json
import logging
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import apsw
import httpx2
import pytest
from anyio.lowlevel import checkpoint

from projectdavid.adapters.stores.sqlite.migrations import SCRIPTS
from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.composition.embedded import EmbeddedPlatform
from projectdavid.ports.store import StoreUnavailable
from projectdavid.runtime.file_lifecycle import FileLifecycle
from projectdavid.services.platform import Platform
from projectdavid.settings import Settings
from tests.server.conftest import serving
from tests.server.script import player
from tests.server.talking import Caller, ok

TEXT = b"The warranty lasts two years from the day of purchase. "
TABLES = ("users", "api_keys", "assistants", "threads", "messages", "runs", "files", "vector_store_files")
PARTS = ("projectdavid.db", "secret.key", "credentials.json", "index.db", "blob", "projectdavid.lock")
DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"\xa7garbage!" * (path.stat().st_size // 9 + 1)),
}
NEEDED = {"projectdavid.db", "secret.key"}
"""A server cannot work without them."""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a server that was stopped, with something of everything in it."""
    folder = tmp_path_factory.mktemp("original")
    with serving(folder, disk_reserve_mb=0) as server, Caller(server.base_url, "", server.api_key) as user:
        user.read(user.store(user.upload(TEXT * 400, "warranty.txt")))
        assistant = user.assistant(model="scripted/hello")
        run = ok(user.post("/v1/runs", json={"assistant_id": assistant["id"], "thread_id": user.thread("hi")["id"]}))
        user.until(run, "completed")
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "data"))


def part(folder: Path, name: str) -> Path:
    return next(path for path in (folder / "blobs").rglob("*") if path.is_file()) if name == "blob" else folder / name


def damage(folder: Path, name: str, how: str) -> None:
    DAMAGES[how](part(folder, name))


def contents(folder: Path) -> dict[str, list[str]]:
    """The files below a folder by the hash of what they hold; without what SQLite makes beside its own."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")):
            found.setdefault(sha256(path.read_bytes()).hexdigest(), []).append(path.name)
    return found


def keep_only(folder: Path, name: str) -> None:
    for path in list(folder.iterdir()):
        if path.name != name:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def replaced(folder: Path) -> Path:
    """The one folder with what was moved aside."""
    (aside,) = folder.glob("replaced-*")
    return aside


def rows(folder: Path) -> dict[str, int]:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        return {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES}


@asynccontextmanager
async def running(folder: Path, *, fresh: bool = False) -> AsyncGenerator[tuple[Platform, httpx2.AsyncClient]]:
    """A platform over a folder, and a caller without a key."""
    settings = Settings(data=folder, host="127.0.0.1", sandbox="off", disk_reserve_mb=0)
    async with AsyncExitStack() as stack:
        platform = await assemble(settings, {"scripted": player()}, fresh=fresh)
        app = create_app(platform)
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx2.ASGITransport(app)
        client = await stack.enter_async_context(httpx2.AsyncClient(transport=transport, base_url="http://here"))
        yield platform, client


def cases() -> Iterator[tuple[tuple[str, ...], str]]:
    for how in DAMAGES:
        yield from (((name,), how) for name in PARTS)
        yield from ((pair, how) for pair in combinations(PARTS, 2))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("names", "how"), list(cases()), ids=lambda value: value if isinstance(value, str) else "+".join(value)
)
async def test_a_folder_with_damaged_parts_starts_completely_or_is_refused_and_loses_nothing(
    original: Path, folder: Path, names: tuple[str, ...], how: str
) -> None:
    key = json.loads((folder / "credentials.json").read_text())["api_key"]
    for name in names:
        damage(folder, name, how)
    before = contents(folder)
    if NEEDED & set(names):
        with pytest.raises(StoreUnavailable) as refused:
            async with running(folder):
                pass
        assert refused.value.remedy
        assert any(name in refused.value.problem for name in names)
        assert contents(folder) == before
        return
    async with running(folder) as (platform, client):
        assert (await client.get("/health")).json()["status"] == "ok"
        await FileLifecycle(platform.store, platform.blobs, platform.clock, orphaned_after=-3600, kept=-3600).prune()
        listed = await client.get("/v1/files", headers={"x-api-key": key})
        assert len(ok(listed)["data"]) == 1
        content = await client.get(f"/v1/files/{ok(listed)['data'][0]['id']}/content", headers={"x-api-key": key})
        if "blob" not in names:
            assert content.content == TEXT * 400
        elif how != "garbage":
            assert (content.status_code, content.json()["error"]["code"]) == (500, "file_content_lost")
    assert rows(folder) == rows(original)
    changed = {"projectdavid.db", "credentials.json", "index.db"}
    kept = {file for files in contents(folder).values() for file in files}
    assert {file for files in before.values() for file in files if file not in changed} <= kept
    assert before.keys() - contents(folder).keys() <= {
        digest for digest, files in before.items() if set(files) <= changed
    }


@pytest.mark.anyio
@pytest.mark.parametrize("left", ["secret.key", "credentials.json", "blobs", "index.db"])
@pytest.mark.parametrize("database", ["missing", "empty"])
async def test_a_folder_with_any_part_but_no_database_is_not_new(folder: Path, left: str, database: str) -> None:
    keep_only(folder, left)
    if database == "empty":
        (folder / "projectdavid.db").touch()
    with pytest.raises(StoreUnavailable, match="not new") as refused:
        async with running(folder):
            pass
    assert left in refused.value.problem
    assert "--fresh" in refused.value.remedy
    async with running(folder, fresh=True) as (_, client):
        assert (await client.get("/health")).json()["status"] == "ok"
    assert (replaced(folder) / left).exists()


@pytest.mark.anyio
async def test_starting_over_moves_everything_aside_and_deletes_nothing(folder: Path) -> None:
    before = contents(folder)
    async with running(folder, fresh=True) as (_, client):
        key = json.loads((folder / "credentials.json").read_text())["api_key"]
        assert ok(await client.get("/v1/files", headers={"x-api-key": key}))["data"] == []
    assert contents(replaced(folder)) == before


@pytest.mark.anyio
async def test_a_database_without_users_beside_blobs_is_refused(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("DELETE FROM users")
        database.commit()
    before = contents(folder)
    with pytest.raises(StoreUnavailable, match=r"no users.*blobs/"):
        async with running(folder):
            pass
    assert contents(folder) == before


@pytest.mark.anyio
@pytest.mark.parametrize("made", ["projectdavid.db", "secret.key", "index.db", "credentials.json"])
async def test_a_first_start_that_was_interrupted_is_finished_by_the_next(tmp_path: Path, made: str) -> None:
    async with running(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "projectdavid.db")) as database:
        database.execute("DELETE FROM api_keys")
        database.execute("DELETE FROM users")
        if made in ("projectdavid.db", "secret.key"):
            database.execute("DELETE FROM meta")
        database.commit()
    order = ["projectdavid.db", "secret.key", "index.db", "credentials.json"]
    for later in order[order.index(made) + 1 :]:
        (tmp_path / later).unlink()
    async with running(tmp_path) as (_, client):
        key = json.loads((tmp_path / "credentials.json").read_text())["api_key"]
        assert (await client.get("/v1/files", headers={"x-api-key": key})).status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "content", [b"", b"\n", b"zz", b"00" * 31, b"00" * 33, b"g0" * 32, b"\xff" * 64, "ä".encode() * 32]
)
async def test_a_secret_that_is_not_32_bytes_is_refused(folder: Path, content: bytes) -> None:
    (folder / "secret.key").write_bytes(content)
    with pytest.raises(StoreUnavailable, match=r"secret\.key must contain 32 bytes") as refused:
        async with running(folder):
            pass
    assert "--new-secret" in refused.value.remedy
    assert (folder / "secret.key").read_bytes() == content


@pytest.mark.anyio
async def test_the_secret_of_another_platform_is_refused(folder: Path) -> None:
    (folder / "secret.key").write_text("5a" * 32)
    with pytest.raises(StoreUnavailable, match=r"secret\.key is not the secret"):
        async with running(folder):
            pass


@pytest.mark.anyio
async def test_a_database_of_before_fingerprints_records_the_one_of_its_secret(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        database.execute("DELETE FROM meta")
        database.commit()
    async with running(folder):
        pass
    (folder / "secret.key").write_text("5a" * 32)
    with pytest.raises(StoreUnavailable, match=r"secret\.key is not the secret"):
        async with running(folder):
            pass


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"{}", b'{"api_key": 1}', b"\xff"])
def test_a_program_that_embeds_a_platform_is_told_of_broken_credentials(folder: Path, content: bytes | None) -> None:
    (folder / "credentials.json").unlink()
    if content is not None:
        (folder / "credentials.json").write_bytes(content)
    for _ in range(2):  # it lets go of the folder
        with pytest.raises(StoreUnavailable, match=r"credentials\.json .*admin recover"):
            EmbeddedPlatform(folder, sandbox="off").start()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (len(SCRIPTS) + 1, f"schema version {len(SCRIPTS) + 1}, newer than version {len(SCRIPTS)}"),
        (4, f"they are those of version {len(SCRIPTS)}"),
        (1, f"they are those of version {len(SCRIPTS)}"),
        (0, f"they are those of version {len(SCRIPTS)}"),
    ],
)
async def test_a_schema_that_does_not_fit_its_number_is_explained(folder: Path, number: int, message: str) -> None:
    with closing(apsw.Connection(str(folder / "projectdavid.db"))) as database:
        database.pragma("user_version", number)
    with pytest.raises(StoreUnavailable, match=message) as refused:
        async with running(folder):
            pass
    assert refused.value.remedy
    with closing(apsw.Connection(str(folder / "projectdavid.db"))) as database:
        assert database.pragma("user_version") == number


@pytest.mark.anyio
async def test_an_older_database_that_is_restored_beside_newer_blobs_finds_them_again(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    newer = shutil.copy(folder / "projectdavid.db", folder.parent / "newer.db")
    with closing(sqlite3.connect(folder / "projectdavid.db")) as database:
        database.execute("DELETE FROM files")
        database.execute("DELETE FROM blob_removals")  # an older database never had the file
        database.commit()
    async with running(folder) as (platform, _):
        soon = FileLifecycle(platform.store, platform.blobs, platform.clock, orphaned_after=-3600)
        with caplog.at_level(logging.WARNING):
            assert await soon.prune() == 1
            assert await soon.prune() == 0
        assert "to the trash" in caplog.text
    assert sum(path.is_file() for path in (folder / "trash").rglob("*")) == 1
    shutil.copy(newer, folder / "projectdavid.db")
    async with running(folder) as (platform, client):
        key = json.loads((folder / "credentials.json").read_text())["api_key"]
        [file] = ok(await client.get("/v1/files", headers={"x-api-key": key}))["data"]
        content = await client.get(f"/v1/files/{file['id']}/content", headers={"x-api-key": key})
        assert content.content == TEXT * 400
        assert await FileLifecycle(platform.store, platform.blobs, platform.clock, kept=-3600).prune() == 0
    assert not any(path.is_file() for path in (folder / "trash").rglob("*"))


def lose(folder: Path, how: str) -> None:
    damage(folder, "blob", how)


READS: dict[str, Callable[[str], dict[str, Any]]] = {
    "content": lambda file_id: {"url": f"/v1/files/{file_id}/content"},
    "range": lambda file_id: {"url": f"/v1/files/{file_id}/content", "headers": {"range": "bytes=20000-20010"}},
    "base64": lambda file_id: {"url": f"/v1/files/{file_id}/base64"},
    "dialect": lambda file_id: {"url": f"/openai/v1/files/{file_id}/content"},
}


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["missing", "empty", "truncated"])
@pytest.mark.parametrize("read", [*READS, "link"])
async def test_lost_bytes_of_a_file_have_an_error_of_their_own_everywhere(
    folder: Path, read: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"x-api-key": json.loads((folder / "credentials.json").read_text())["api_key"]}
    lose(folder, how)
    async with running(folder) as (_, client):
        [file] = ok(await client.get("/v1/files", headers=headers))["data"]
        if read == "link":
            signed = ok(await client.get(f"/v1/files/{file['id']}/signed-url", headers=headers))
            answer = await client.get(signed["signed_url"])
        else:
            asked = READS[read](file["id"])
            answer = await client.get(asked["url"], headers={**headers, **asked.get("headers", {})})
        assert answer.status_code == 500
        assert answer.json()["error"]["code"] == "file_content_lost"
        assert answer.json()["error"]["type"] == "server_error"
    assert f"the content of {file['id']} is lost" in caplog.text


@pytest.mark.anyio
@pytest.mark.parametrize("how", ["missing", "empty", "truncated"])
async def test_a_file_whose_bytes_are_lost_is_not_read_into_a_store(
    folder: Path, how: str, wait_for: Callable[[Callable[[], object]], None]
) -> None:
    headers = {"x-api-key": json.loads((folder / "credentials.json").read_text())["api_key"]}
    lose(folder, how)
    async with running(folder) as (_, client):
        [file] = ok(await client.get("/v1/files", headers=headers))["data"]
        store = ok(await client.post("/v1/vector-stores", json={"name": "Lost"}, headers=headers))
        path = f"/v1/vector-stores/{store['id']}/files"
        ok(await client.post(path, json={"file_id": file["id"]}, headers=headers))
        while (row := ok(await client.get(f"{path}/{file['id']}", headers=headers)))["status"] == "in_progress":
            await checkpoint()
        assert (row["status"], row["last_error"]["code"]) == ("failed", "server_error")
        assert "lost on this server" in row["last_error"]["message"]
