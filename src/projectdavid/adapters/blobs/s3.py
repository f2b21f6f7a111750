"""Blobs in a bucket of S3, or of a service with the same API."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterable, Generator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from projectdavid.distribution import DISTRIBUTION
from projectdavid.lazy_modules import LazyModule
from projectdavid.ports.blobs import Blob, BlobGone, BlobsUnavailable, BlobTooLarge

if TYPE_CHECKING:
    import obstore
    import obstore.exceptions as obstore_errors
    import obstore.store as obstore_stores
    from obstore import AsyncWritableFile
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store
else:
    obstore = LazyModule("obstore")
    obstore_errors = LazyModule("obstore.exceptions")
    obstore_stores = LazyModule("obstore.store")

MISSING = f"S3 needs a library that is not installed: pip install '{DISTRIBUTION}[s3]'"
MB = 1 << 20
PIECE = MB
"""Bytes that are hashed or yielded at once."""
PART = 8 * MB
"""Bytes of a part of a multipart upload; smaller blobs are stored in one request."""
PARTS_AT_ONCE = 2
RANGE = 4 * MB
"""Bytes per request of a read: each request is short, however slow the receiver of the bytes is."""
HEAD = 4096
"""Bytes at the start of a blob that determine its type."""
KEY = re.compile(r"[0-9a-f]{32}")
BLOBS = "blobs"
TRASH = "trash"
TIMEOUT = "60s"
"""Duration of a request."""
MAX_RETRIES = 4
"""Repetitions of a request that failed; the pauses between them are about three seconds together."""

BUCKET_MISSING = "NoSuchBucket"
STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"<Code>(\w+)</Code>")
METADATA_SERVICE = "169.254.169.254"
"""Address from which machines in the cloud get credentials, if no others are configured."""


class S3Blobs:
    """Blobs below `PREFIX/blobs/` of a bucket. Keys are generated, never input.

    A blob is in the trash if an empty object with its key is below `PREFIX/trash/`; the blob itself is not moved.

    An interrupted upload of more than 8 MiB leaves parts that are invisible, but paid for: a lifecycle rule of the
    bucket must delete incomplete multipart uploads after a day. No blob is held for backups: a backup of the database
    has its blobs only if the bucket keeps deleted objects (versions) as long as backups are kept.

    Args:
        url: `s3://bucket/prefix`.
        endpoint: URL of the service, if it is not AWS.
        region: the region; by default that of the environment.
        path_style: True if the bucket is part of the path, and not of the host; by default if there is an endpoint.
        access_key, secret_key: credentials; by default the standard environment variables and services of AWS.
        conditional_put: False if the service rejects the header `If-None-Match`.

    Raises:
        ValueError: the library is not installed, or the URL is invalid.
    """

    def __init__(
        self,
        url: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        path_style: bool | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        conditional_put: bool = True,
    ) -> None:
        if importlib.util.find_spec("obstore") is None:
            raise ValueError(MISSING)
        self._bucket, self._prefix = _parse_url(url)
        self._config: S3Config = {}
        if access_key is not None and secret_key is not None:
            self._config |= {"access_key_id": access_key, "secret_access_key": secret_key}
        if region is not None:
            self._config["region"] = region
        endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        is_in_path = endpoint is not None if path_style is None else path_style
        if endpoint is not None:
            self._config["endpoint"] = endpoint if is_in_path else _add_bucket(endpoint, self._bucket)
        self._config["virtual_hosted_style_request"] = not is_in_path
        self._allows_http = endpoint is not None and endpoint.startswith("http:")
        self._mode: Literal["create", "overwrite"] = "create" if conditional_put else "overwrite"
        self._opened: S3Store | None = None

    async def put(self, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        """Store the bytes under a new key; an interrupted upload leaves no blob."""
        return await self._put(_S3Upload(self._store, secrets.token_hex(16), self._mode), chunks, limit)

    async def put_copy(self, key: str, chunks: AsyncIterable[bytes]) -> Blob:
        """Store a copy of a blob under its key, in place of an existing one.

        Raises:
            BlobsUnavailable: the service cannot be reached.
        """
        return await self._put(_S3Upload(self._store, key, "overwrite"), chunks, sys.maxsize)

    async def _put(self, upload: _S3Upload, chunks: AsyncIterable[bytes], limit: int) -> Blob:
        try:
            waiting: list[bytes] = []
            size = total = 0
            async for chunk in chunks:
                waiting.append(chunk)
                size += len(chunk)
                total += len(chunk)
                if total > limit:
                    raise BlobTooLarge(limit)
                if size >= PIECE:
                    await upload.add(b"".join(waiting))
                    waiting, size = [], 0
            return await upload.finish(b"".join(waiting))
        except BaseException:
            await asyncio.shield(upload.discard())
            raise

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """Yield the bytes from `start` up to, but not including, `end`."""
        while True:
            data, size = await self._read_range(key, start, RANGE if end is None else min(end - start, RANGE))
            for at in range(0, len(data), PIECE):
                yield data[at : at + PIECE]
            start += len(data)
            if not data or start >= (size if end is None else min(size, end)):
                return

    async def delete(self, keys: list[str]) -> None:
        """Delete blobs; missing ones are ignored."""
        paths = [path for key in keys for path in (_blob_path(key), _trash_path(key))]
        await self._delete(paths)

    async def older_than(self, seconds: float) -> list[str]:
        """Return the keys stored more than `seconds` ago by the clock of the service."""
        discarded = set(await self._list(TRASH))
        return [key for key in await self._list(BLOBS, seconds) if key not in discarded]

    async def discard(self, keys: list[str]) -> None:
        """Mark blobs as discarded; missing ones are ignored."""
        for key in keys:
            try:
                await self._find_size(key)
            except BlobGone:
                continue
            with _translate_errors(), suppress(obstore_errors.AlreadyExistsError):
                await obstore.put_async(self._store, _trash_path(key), b"", mode=self._mode)

    async def restore(self, keys: list[str]) -> None:
        """Take blobs out of the trash."""
        await self._delete([_trash_path(key) for key in keys])

    async def find_discarded(self, seconds: float = 0) -> list[str]:
        """Return the keys discarded more than `seconds` ago by the clock of the service."""
        return await self._list(TRASH, seconds)

    @property
    def _store(self) -> S3Store:
        """The client, which is created on first use: the library is slow to import."""
        if self._opened is None:
            client: ClientConfig = {"timeout": TIMEOUT, "allow_http": self._allows_http}
            retry: RetryConfig = {"max_retries": MAX_RETRIES}
            self._opened = obstore_stores.S3Store(
                self._bucket, prefix=self._prefix, config=self._config, client_options=client, retry_config=retry
            )
        return self._opened

    async def _read_range(self, key: str, start: int, length: int) -> tuple[bytes, int]:
        """Return at most `length` bytes from `start`, and the size of the blob."""
        path = _blob_path(key)
        if length <= 0:
            return b"", await self._find_size(key)
        with _translate_errors(key):
            try:
                result = await obstore.get_async(self._store, path, options={"range": (start, start + length)})
                return bytes(memoryview(await result.bytes_async())), result.meta["size"]
            except obstore_errors.GenericError:
                size = await self._find_size(key)
                if start < size:
                    raise
                return b"", size  # S3 rejects a range after the end

    async def _find_size(self, key: str) -> int:
        with _translate_errors(key):
            return (await obstore.head_async(self._store, _blob_path(key)))["size"]

    async def _delete(self, paths: list[str]) -> None:
        if paths:
            with _translate_errors():
                await obstore.delete_async(self._store, paths)

    async def _list(self, folder: str, seconds: float | None = None) -> list[str]:
        """Return the keys of objects in a folder that were stored more than `seconds` ago; None for all."""
        before = None if seconds is None else time.time() - seconds
        found: list[str] = []
        with _translate_errors():
            async for page in obstore.list(self._store, folder, chunk_size=1000):
                for item in page:
                    parent, _, key = item["path"].rpartition("/")
                    if (
                        parent == folder
                        and KEY.fullmatch(key)
                        and (before is None or item["last_modified"].timestamp() < before)
                    ):
                        found.append(key)
        return found


class _S3Upload:
    """A blob being written: in one request if it is small, else in parts while it arrives."""

    def __init__(self, store: S3Store, key: str, mode: Literal["create", "overwrite"]) -> None:
        self._store = store
        self._key = key
        self._mode: Literal["create", "overwrite"] = mode
        self._hash = hashlib.sha256()
        self._size = 0
        self._head = b""
        self._waiting: list[bytes] = []
        self._writer: AsyncWritableFile | None = None
        self._is_finishing = False

    async def add(self, data: bytes) -> None:
        if len(self._head) < HEAD:
            self._head += data[: HEAD - len(self._head)]
        await asyncio.to_thread(self._hash.update, data)
        self._size += len(data)
        self._waiting.append(data)
        if self._size > PART:
            await self._write()

    async def finish(self, data: bytes) -> Blob:
        await self.add(data)
        self._is_finishing = True
        with _translate_errors():
            if self._writer is None:
                await self._put(b"".join(self._waiting))
            else:
                await self._writer.close()
        return Blob(self._key, self._size, self._hash.hexdigest(), self._head)

    async def discard(self) -> None:
        """Delete what an interrupted request can have stored; parts that were not joined are not visible."""
        self._writer = None
        if self._is_finishing:
            with suppress(BlobsUnavailable), _translate_errors():  # a blob that is left is found later by its age
                await obstore.delete_async(self._store, _blob_path(self._key))

    async def _put(self, data: bytes) -> None:
        try:
            await obstore.put_async(self._store, _blob_path(self._key), data, mode=self._mode, use_multipart=False)
        except obstore_errors.AlreadyExistsError:
            self._is_finishing = False  # the object is another blob, and must stay
            raise

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        with _translate_errors():
            if self._writer is None:
                self._writer = obstore.open_writer_async(
                    self._store, _blob_path(self._key), buffer_size=PART, max_concurrency=PARTS_AT_ONCE
                )
            for data in waiting:
                await self._writer.write(data)


def _blob_path(key: str) -> str:
    if not KEY.fullmatch(key):
        raise BlobGone(key)
    return f"{BLOBS}/{key}"


def _trash_path(key: str) -> str:
    if not KEY.fullmatch(key):
        raise BlobGone(key)
    return f"{TRASH}/{key}"


def _parse_url(url: str) -> tuple[str, str | None]:
    """Return bucket and prefix.

    Raises:
        ValueError: the URL is invalid; the message does not quote it, because it can contain credentials.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("the URL of a bucket must be 's3://bucket' or 's3://bucket/prefix'")
    return parts.netloc, parts.path.strip("/") or None


def _add_bucket(endpoint: str, bucket: str) -> str:
    """Return the endpoint of a bucket that is part of the host."""
    parts = urlsplit(endpoint)
    return parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()


@contextmanager
def _translate_errors(key: str | None = None) -> Generator[None]:
    """Raise errors of the library as those of the port.

    Raises:
        BlobGone: the blob `key` does not exist.
        BlobsUnavailable: anything else failed; the message contains no credentials.
    """
    try:
        yield
    except FileNotFoundError as error:
        if key is None or BUCKET_MISSING in str(error):
            raise BlobsUnavailable(_describe(BUCKET_MISSING)) from None
        raise BlobGone(key) from None
    except (OSError, obstore_errors.BaseError) as error:
        raise BlobsUnavailable(_describe(str(error))) from None


def _describe(text: str) -> str:
    """Describe an error of the library, whose text can contain credentials."""
    if METADATA_SERVICE in text:
        return "there are no credentials for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if BUCKET_MISSING in text:
        return "the bucket does not exist"
    status, code = STATUS.search(text), CODE.search(text)
    if status is None:
        return "S3 cannot be reached"
    return f"S3 answered {status[1]}" + ("" if code is None else f" ({code[1]})")
