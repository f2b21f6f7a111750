"""A server whose storage of files cannot be reached for a while."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest

from projectdavid.adapters.blobs.directory import DirectoryBlobs
from projectdavid.composition.app import create_app
from projectdavid.composition.bootstrap import assemble
from projectdavid.ports.blobs import Blob, BlobsUnavailable
from projectdavid.runtime.knowledge.ingest import Ingest
from projectdavid.settings import Settings
from tests.server.script import player
from tests.server.talking import ok
from tests.timeouts import EVENT_TIMEOUT, PAUSE

pytestmark = pytest.mark.anyio
TEXT = b"The warranty lasts two years from the day of purchase."


class DistantBlobs(DirectoryBlobs):
    """Blobs of a service that is `down` for a while."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.down = False
        self.was_asked = asyncio.Event()
        """Set by an attempt to read while the service is down."""

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        if self.down:
            raise BlobsUnavailable("the service is down")
        return await super().put(chunks, limit)

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        if self.down:
            self.was_asked.set()
            raise BlobsUnavailable("the service is down")
        async for piece in super().read(key, start, end):
            yield piece


@pytest.fixture
async def blobs(tmp_path: Path) -> DistantBlobs:
    return DistantBlobs(tmp_path / "distant" / "blobs")


@pytest.fixture
async def client(tmp_path: Path, blobs: DistantBlobs) -> AsyncGenerator[httpx2.AsyncClient]:
    """A user of a server that keeps files there."""
    data = tmp_path / "data"
    settings = Settings(data=data, host="127.0.0.1", sandbox="off", disk_reserve_mb=0)
    async with AsyncExitStack() as stack:
        platform = await assemble(settings, {"scripted": player()})
        knowledge = platform.knowledge
        ingest = Ingest(
            platform.store,
            platform.bus,
            blobs,
            knowledge.documents,
            knowledge.index,
            knowledge.embedder,
            platform.clock,
            platform.ids,
        )
        app = create_app(replace(platform, blobs=blobs, knowledge=replace(knowledge, ingest=ingest)))
        await stack.enter_async_context(app.router.lifespan_context(app))
        headers = {"x-api-key": json.loads((data / "credentials.json").read_text())["api_key"]}
        transport = httpx2.ASGITransport(app)
        yield await stack.enter_async_context(
            httpx2.AsyncClient(transport=transport, base_url="http://here", headers=headers)
        )


async def upload(client: httpx2.AsyncClient) -> httpx2.Response:
    return await client.post("/v1/files", files={"file": ("warranty.txt", TEXT)}, data={"purpose": "assistants"})


def error_of(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]


async def test_requests_for_content_are_answered_with_503_until_it_is_back(
    client: httpx2.AsyncClient, blobs: DistantBlobs
) -> None:
    file: Any = ok(await upload(client))
    blobs.down = True
    assert error_of(await client.get(f"/v1/files/{file['id']}/content")) == (503, "store_unavailable")
    assert error_of(await upload(client)) == (503, "store_unavailable")
    assert ok(await client.get(f"/v1/files/{file['id']}")) == file
    blobs.down = False
    assert (await client.get(f"/v1/files/{file['id']}/content")).content == TEXT


async def test_a_file_is_read_into_its_vector_store_when_its_content_is_back(
    client: httpx2.AsyncClient, blobs: DistantBlobs
) -> None:
    file: Any = ok(await upload(client))
    blobs.down = True
    store: Any = ok(await client.post("/v1/vector-stores", json={"file_ids": [file["id"]]}))
    async with asyncio.timeout(EVENT_TIMEOUT):
        await blobs.was_asked.wait()
        blobs.down = False
        while store["file_counts"]["in_progress"]:
            await asyncio.sleep(PAUSE)
            store = ok(await client.get(f"/v1/vector-stores/{store['id']}"))
    assert store["file_counts"]["completed"] == 1
