"""What the blobs in a bucket keep besides."""

import importlib.util
import secrets
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest

from projectdavid.adapters.blobs.s3 import S3Blobs
from projectdavid.ports.blobs import BlobGone, BlobsUnavailable, NoRoom
from tests.contracts.test_blobs import NEVER, keys, pieces, read
from tests.s3_server import S3Server

pytestmark = pytest.mark.anyio
KEY = "0" * 32
CALLS: dict[str, Callable[[S3Blobs], Awaitable[object]]] = {
    "put": lambda blobs: blobs.put(pieces(b"abc"), NEVER),
    "put_large": lambda blobs: blobs.put(pieces(*[bytes(2**20)] * 20), NEVER),
    "read": lambda blobs: read(blobs, KEY),
    "delete": lambda blobs: blobs.delete([KEY]),
    "older_than": lambda blobs: blobs.older_than(0),
    "restore": lambda blobs: blobs.restore([KEY]),
    "find_discarded": lambda blobs: blobs.find_discarded(),
}


def blobs_at(endpoint: str, url: str, *, conditional_put: bool = True) -> S3Blobs:
    return S3Blobs(
        url, endpoint=endpoint, access_key="hunter2key", secret_key="hunter2secret", conditional_put=conditional_put
    )


async def test_another_process_has_the_same_blobs(s3_server: S3Server) -> None:
    url = f"s3://{s3_server.create_bucket()}/prefix"
    blob = await blobs_at(s3_server.endpoint, url).put(pieces(b"abc"), NEVER)
    assert await read(blobs_at(s3_server.endpoint, url + "/"), blob.key) == b"abc"


async def test_prefixes_of_a_bucket_are_apart(s3_server: S3Server) -> None:
    bucket = s3_server.create_bucket()
    stores = [blobs_at(s3_server.endpoint, f"s3://{bucket}{path}") for path in ("", "/a", "/a/blobs", "/ab")]
    stored = [await blobs.put(pieces(b"abc"), NEVER) for blobs in stores]
    assert [await keys(blobs) for blobs in stores] == [[blob.key] for blob in stored]


async def test_a_service_without_conditional_requests_serves_too(s3_server: S3Server) -> None:
    blobs = blobs_at(s3_server.endpoint, f"s3://{s3_server.create_bucket()}", conditional_put=False)
    blob = await blobs.put(pieces(b"abc"), NEVER)
    await blobs.discard([blob.key])
    assert await blobs.find_discarded(-3600) == [blob.key]


async def test_an_existing_blob_is_not_overwritten(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = blobs_at(s3_server.endpoint, f"s3://{s3_server.create_bucket()}")
    monkeypatch.setattr(secrets, "token_hex", lambda size: KEY)
    await blobs.put(pieces(b"first"), NEVER)
    with pytest.raises(NoRoom):
        await blobs.put(pieces(b"second"), NEVER)
    assert await read(blobs, KEY) == b"first"


async def test_endpoint_and_credentials_are_found_in_the_environment(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {"ENDPOINT_URL": s3_server.endpoint, "ACCESS_KEY_ID": "any", "SECRET_ACCESS_KEY": "any"}
    for name, value in variables.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    blobs = S3Blobs(f"s3://{s3_server.create_bucket()}")
    blob = await blobs.put(pieces(b"abc"), NEVER)
    assert await read(blobs, blob.key) == b"abc"


@pytest.mark.parametrize("name", CALLS)
async def test_a_missing_bucket_is_a_fault_of_the_store_and_not_a_missing_blob(s3_server: S3Server, name: str) -> None:
    with pytest.raises(BlobsUnavailable, match="bucket"):
        await CALLS[name](blobs_at(s3_server.endpoint, "s3://never-created"))


@pytest.mark.parametrize("name", CALLS)
async def test_a_service_that_is_down_is_unavailable_and_no_credentials_are_shown(name: str) -> None:
    with pytest.raises(BlobsUnavailable, match="cannot be reached") as caught:
        await CALLS[name](blobs_at("http://127.0.0.1:1", "s3://bucket"))
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


async def test_a_sender_that_fails_is_told_its_own_error_also_when_the_service_is_down() -> None:
    async def failing() -> AsyncGenerator[bytes]:
        yield b"abc"
        raise FileNotFoundError("the sender's own")

    with pytest.raises(FileNotFoundError, match="own"):
        await blobs_at("http://127.0.0.1:1", "s3://bucket").put(failing(), NEVER)


@pytest.mark.parametrize(
    "url",
    ["", "bucket", "s3://", "https://bucket/x", "s3://hunter2:hunter2@bucket/x", "s3://bucket/x?hunter2", "s3:///x"],
)
def test_an_address_that_is_not_one_of_a_bucket_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"s3://bucket/prefix") as caught:
        S3Blobs(url)
    assert "hunter2" not in str(caught.value)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install '[\w-]+\[s3\]'"):
        S3Blobs("s3://bucket")


async def test_a_read_ends_when_its_blob_is_deleted(s3_server: S3Server) -> None:
    blobs = blobs_at(s3_server.endpoint, f"s3://{s3_server.create_bucket()}")
    blob = await blobs.put(pieces(*[bytes(2**20)] * 10), NEVER)
    reading = blobs.read(blob.key)
    assert await anext(reading)
    await blobs.delete([blob.key])
    with pytest.raises(BlobGone):
        async for _ in reading:
            pass
